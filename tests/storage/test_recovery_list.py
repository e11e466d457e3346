"""Recoveries as pages list them, in a real database."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from devsync.contracts.recovery import RecordRecovery
from devsync.domain.insight.span import Span
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.domain.recovery.plan import StepState
from devsync.storage.database import Database
from devsync.storage.errors import Errors
from devsync.storage.recoveries import Recoveries
from devsync.storage.recovery_list import RecoveryList
from tests.storage.test_errors import record as error
from tests.storage.test_recoveries import CACHED, FAILED_RETRY, RETRY, SKIPPED, record, step

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = Span(start=NOON - timedelta(hours=12), end=NOON + timedelta(hours=12))


def of_team(team: str, one: RecordRecovery) -> RecordRecovery:
    report = one.report.model_copy(update={"workflow_id": one.report.workflow_id.replace("payments", team)})
    return one.model_copy(update={"team": team, "report": report})


@pytest.fixture
async def recoveries(database: Database) -> RecoveryList:
    written = Recoveries(database)
    for one in (
        record(1, RecoveryOutcome.HEALED, RETRY),
        record(2, RecoveryOutcome.STAND_IN, FAILED_RETRY, SKIPPED, CACHED),
        of_team("search", record(3, RecoveryOutcome.FAILED, service="jira")),
    ):
        await written.write(one)
    return RecoveryList(database)


async def listed(recoveries: RecoveryList, teams: list[str] | None = None, **filters: Any) -> list[str]:
    return [one.run_id for one in await recoveries.latest(teams=teams, limit=10, **filters)]


async def test_the_latest_are_first_and_filters_leave_out_what_they_do_not_name(recoveries: RecoveryList) -> None:
    assert await listed(recoveries) == ["run-3", "run-2", "run-1"]
    assert await listed(recoveries, ["payments"]) == ["run-2", "run-1"]
    assert await listed(recoveries, []) == []
    assert await listed(recoveries, service="jira") == ["run-3"]
    assert await listed(recoveries, iso_week="2026-W46") == []
    assert await listed(recoveries, outcome=RecoveryOutcome.HEALED) == ["run-1"]
    assert await listed(recoveries, step="cached") == ["run-2"]
    assert await listed(recoveries, step="breaker") == []  # it was skipped


async def test_each_page_begins_after_the_last_one_of_the_page_before(recoveries: RecoveryList) -> None:
    pages, after = [], None
    while page := await recoveries.latest(teams=None, after=after, limit=1):
        pages += [one.run_id for one in page]
        after = (page[0].ended_at, page[0].run_id)
    assert pages == ["run-3", "run-2", "run-1"]


async def test_one_is_found_by_its_ids_with_its_steps(recoveries: RecoveryList) -> None:
    one = await recoveries.one("recovery:payments:2026-W47:github.collect:2", "run-2")
    assert one is not None
    assert [(each.step, each.state, each.started_at) for each in one.steps] == [
        ("retry", StepState.FAILED, NOON),
        ("breaker", StepState.SKIPPED, NOON),
        ("cached", StepState.SUCCEEDED, NOON),
    ]
    assert await recoveries.one("recovery:payments:2026-W47:github.collect:2", "run-1") is None


async def test_statistics_are_those_of_the_teams_that_are_asked_about(
    recoveries: RecoveryList, database: Database
) -> None:
    counted = Recoveries(database)
    assert sum(one.count for one in await counted.by_outcome(DAY.start)) == 3
    assert sum(one.count for one in await counted.by_outcome(DAY.start, teams=["search"])) == 1
    assert await counted.by_step(DAY.start, teams=["search"]) == []


async def test_a_run_has_those_that_worked_for_it(database: Database) -> None:
    for number, owner in ((1, "edition"), (2, "dry"), (3, "edition"), (4, "")):
        await Recoveries(database).write(record(number, RecoveryOutcome.HEALED, owner_run_id=owner))
    recoveries = RecoveryList(database)
    for owner, found in (("edition", ["run-3", "run-1"]), ("dry", ["run-2"]), ("", [])):
        of_run = await recoveries.of_run("payments", "2026-W47", owner, limit=10)
        assert [one.run_id for one in of_run] == found, owner
    assert await recoveries.of_run("search", "2026-W47", "edition", limit=10) == []


async def test_an_error_belongs_to_what_was_started_because_of_it_and_to_what_met_it(database: Database) -> None:
    written = Recoveries(database)
    stood_in = (FAILED_RETRY, step("cached", StepState.RESOLVED, "a"))
    github = record(1, RecoveryOutcome.STAND_IN, *stood_in, owner_run_id="edition")
    jira = "recovery:payments:2026-W47:jira.collect:1"
    for one in (
        github,
        record(2, RecoveryOutcome.HEALED, service="jira", workflow_id=jira, owner_run_id="edition"),
        record(3, RecoveryOutcome.HEALED, owner_run_id="dry"),
    ):
        await written.write(one)
    of_collection = error(1, run_id="edition", occurred_at=NOON - timedelta(minutes=4))
    of_a_step = error(2, fingerprint="f2", workflow_id=github.report.workflow_id, owner_run_id="edition")
    await Errors(database).write([of_collection, of_a_step.model_copy(update={"run_id": github.report.run_id})])
    recoveries = RecoveryList(database)
    for fingerprint in ("f1", "f2"):
        found = await recoveries.of_errors(DAY, fingerprint, None, limit=10)
        assert [each.run_id for each in found] == ["run-1"]
    assert await recoveries.of_errors(DAY, "f1", ["search"], limit=10) == []
    assert await recoveries.of_errors(DAY, "f3", None, limit=10) == []
