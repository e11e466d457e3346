"""What is next and the week in numbers, through the whole application on real servers."""

from pathlib import Path

from sandbox.worlds.demo import demo_world
from tests.e2e.stage import stage_for
from tests.servers import Servers


async def test_an_edition_tells_what_is_next_and_the_week_in_numbers(servers: Servers, tmp_path: Path) -> None:
    async with stage_for(demo_world(), servers, tmp_path) as stage:
        stage.ask_for_surroundings()
        async with stage.worker():
            result = await stage.run()
        edition = await stage.edition(result)
        print(edition.upcoming, edition.metrics)
        print(result.gaps, result.notes)
        assert result.gaps == ()
