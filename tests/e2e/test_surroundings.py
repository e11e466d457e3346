"""What is next and the week in numbers, through the whole application on real servers."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devsync.contracts.edition import EditionStatus
from devsync.domain.changelog.edition import Metrics
from sandbox.expected_numbers import ExpectedNumbers, expected_numbers
from sandbox.faults import Fault, FaultKind
from sandbox.worlds.demo import demo_world
from tests.e2e.stage import IMPATIENT, Stage, stage_for
from tests.servers import Servers


@pytest.fixture
async def surrounded(servers: Servers, tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage_for(demo_world(), servers, tmp_path) as ready:
        ready.ask_for_surroundings()
        yield ready


async def test_an_edition_tells_what_is_next_and_the_week_in_numbers(surrounded: Stage) -> None:
    stage = surrounded
    async with stage.worker():
        result = await stage.run()
    edition = await stage.edition(result)
    assert (result.status, result.gaps, result.notes) == (EditionStatus.COMPLETE, (), ())
    assert len(edition.units_asked) == 4 + 2 + 2 + 4 + 1
    assert edition.upcoming is not None
    assert edition.metrics is not None
    assert [one.title for one in edition.upcoming.holidays] == ["Thanksgiving Day"]
    assert [one.name for one in edition.upcoming.sprints] == ["PAY sprint 24", "LED sprint 24"]
    assert edition.upcoming.in_progress_total == 3
    assert _told(edition.metrics) == expected_numbers(stage.sandbox.world, stage.sandbox.world.teams[0], stage.week)
    posted = json.dumps([message.blocks for message in stage.messages])
    assert "Anna Lindqvist: vacation" in posted
    assert "<!channel>" not in posted


def _told(metrics: Metrics) -> ExpectedNumbers:
    """In the words of the oracle, which knows the world alone."""
    return ExpectedNumbers(
        merged=metrics.merged,
        merged_by_bots=metrics.merged_by_bots,
        cycle=metrics.cycle.median if metrics.cycle else None,
        first_review=metrics.first_review.median if metrics.first_review else None,
        deployments={one.environment: (one.total, one.failed) for one in metrics.deployments},
        sprints={one.name: (one.done, one.total) for one in metrics.sprints},
    )


async def test_the_same_week_again_is_the_same_edition(surrounded: Stage) -> None:
    stage = surrounded
    async with stage.worker():
        first, second = await stage.run(), await stage.run()
    assert second.digest == first.digest
    assert second.revision == 1


async def test_surroundings_that_are_down_leave_named_gaps_and_the_holidays(surrounded: Stage) -> None:
    stage = surrounded
    for service in ("calendar", "jira", "github"):
        stage.change_service(service, "timeouts", **IMPATIENT)
        stage.change_service(service, "retry", maximum="1s")
    stage.sandbox.pause("calendar")
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="jira", route="/agile/", status=503))
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", about="query Deployments", status=503))
    async with stage.worker():
        result = await stage.run()
    edition = await stage.edition(result)
    assert result.status is EditionStatus.PARTIAL
    assert {gap.unit for gap in result.gaps} == {
        "jira:board/41",
        "jira:board/42",
        f"calendar:{stage.team}",
        *(f"github:{name}/deployments" for name in stage.sandbox.world.repositories),
    }
    assert edition.upcoming is not None
    assert edition.metrics is not None
    assert [one.title for one in edition.upcoming.holidays] == ["Thanksgiving Day"]
    assert (edition.upcoming.away, edition.metrics.sprints) == ((), ())
    assert {one.environment for one in edition.metrics.deployments if one.is_derived} == {"releases"}, "they stand in"
    assert all(one.is_derived for one in edition.metrics.deployments)
    assert edition.metrics.merged
    assert result.completeness == pytest.approx(6 / 13)
