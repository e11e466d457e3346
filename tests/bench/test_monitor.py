"""The benchmark of a look, scaled down: it must not rot. No time is asserted."""

import pytest

from bench import monitor

pytestmark = pytest.mark.timeout(300)


async def test_a_small_world_is_looked_at() -> None:
    figures, details = await monitor.run(rows=3_000, teams=3, repetitions=2)
    assert [figure.row for figure in figures] == ["L", "L"]
    assert all(figure.value > 0 for figure in figures)
    assert details["teams"] == 3
