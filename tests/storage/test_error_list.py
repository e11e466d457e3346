"""Errors as pages list them, in a real database: whose they are, how often on which day, what came of them."""

from datetime import UTC, date, datetime, timedelta

import pytest

from devsync.domain.errors import ErrorCategory, ErrorSeverity
from devsync.domain.insight.span import Span
from devsync.storage.database import Database
from devsync.storage.error_list import Among, ErrorList, ErrorOrder
from devsync.storage.errors import Errors
from devsync.storage.operations import Operations
from devsync.storage.owned import RunKey
from tests.storage.test_errors import record
from tests.storage.test_operations import operation

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)
WEEK = Span(start=NOON - 7 * DAY, end=NOON + timedelta(minutes=30))
"""Counts of days and of hours, and single ones."""


@pytest.fixture
async def errors(database: Database) -> ErrorList:
    await Errors(database).write(
        [
            record(1),
            record(2, severity=ErrorSeverity.CRITICAL, team="search"),
            record(3, team="search", occurred_at=NOON - 3 * DAY),
            record(4, fingerprint="f2", service="jira", category=ErrorCategory.NETWORK, team="search"),
            record(5, fingerprint="f3", service="local", team="", occurred_at=NOON - DAY),
        ]
    )
    return ErrorList(database)


async def kinds(errors: ErrorList, **among: object) -> list[tuple[str, int, int]]:
    found = await errors.groups(WEEK, Among.model_validate(among), limit=10)
    return [(one.fingerprint, one.count, one.teams) for one in found]


async def test_only_errors_of_the_teams_that_are_asked_about_are_counted(errors: ErrorList) -> None:
    assert await kinds(errors) == [("f1", 3, 2), ("f2", 1, 1), ("f3", 1, 1)]
    assert await kinds(errors, teams=["search"]) == [("f1", 2, 1), ("f2", 1, 1)]
    assert await kinds(errors, teams=["payments", "search"]) == [("f1", 3, 2), ("f2", 1, 1)]
    assert await kinds(errors, teams=[""]) == [("f3", 1, 1)]
    assert await kinds(errors, teams=[]) == []


async def test_filters_leave_out_what_they_do_not_name(errors: ErrorList) -> None:
    assert await kinds(errors, service="jira") == [("f2", 1, 1)]
    assert await kinds(errors, category=ErrorCategory.NETWORK) == [("f2", 1, 1)]
    assert await kinds(errors, severity=ErrorSeverity.CRITICAL) == [("f1", 1, 2)]
    assert await kinds(errors, fingerprint="f3") == [("f3", 1, 1)]
    assert await kinds(errors, service="jira", fingerprint="f3") == []


async def test_pages_follow_each_other_in_either_order(errors: ErrorList) -> None:
    for order, expected in ((ErrorOrder.FREQUENT, ["f1", "f2", "f3"]), (ErrorOrder.LATEST, ["f2", "f1", "f3"])):
        pages = [await errors.groups(WEEK, Among(), order=order, offset=number, limit=1) for number in range(4)]
        assert [one.fingerprint for page in pages for one in page] == expected


async def test_days_and_teams_of_a_kind_are_those_of_its_errors(errors: ErrorList) -> None:
    days = await errors.daily(WEEK, ["f1", "f2"], None)
    assert [(one.day, one.count) for one in days["f1"]] == [(date(2026, 11, 20), 1), (date(2026, 11, 23), 2)]
    assert [(one.day, one.count) for one in days["f2"]] == [(date(2026, 11, 23), 1)]
    assert (await errors.daily(WEEK, ["f1"], ["payments"]))["f1"][0].count == 1
    assert [(one.team, one.count) for one in await errors.by_team(WEEK, "f1", None, limit=9)] == [
        ("search", 2),
        ("payments", 1),
    ]
    assert [one.team for one in await errors.by_team(WEEK, "f1", ["payments"], limit=9)] == ["payments"]


async def test_a_sample_tells_whether_a_later_attempt_of_the_same_activity_succeeded(
    errors: ErrorList, database: Database
) -> None:
    await Operations(database).write([operation(1, attempt=2), operation(2, attempt=2, succeeded=False)])
    found = await errors.samples(WEEK, "f1", None, limit=10)
    assert [(one.activity_id, one.was_healed_by_retry) for one in found] == [("2", False), ("1", True), ("3", False)]
    assert [one.activity_id for one in await errors.samples(WEEK, "f1", ["payments"], limit=10)] == ["1"]
    assert len(await errors.samples(WEEK, "f1", None, limit=2)) == 2


async def test_a_sample_names_a_run_of_the_week_only(errors: ErrorList, database: Database) -> None:
    """An escalation that was reset names its own first run."""
    ids = {
        "changelog:payments:2026-W47": "o",
        "recovery:payments:2026-W47:github.collect:1": "o",
        "delivery:payments:2026-W47:slack-payments": "o",
        "escalation:recovery:payments:2026-W47:github.collect:1": "",
        "refresh:payments-2026-11-23T08:00:00Z": "",
    }
    await Errors(database).write(
        [
            record(number, fingerprint="reset", workflow_id=workflow_id, run_id="r", owner_run_id="o")
            for number, workflow_id in enumerate(ids, 1)
        ]
    )
    found = await errors.samples(WEEK, "reset", None, limit=10)
    assert {one.workflow_id: one.run_of_week for one in found} == ids


async def test_a_run_has_its_own_errors_and_those_that_others_met_for_it(database: Database) -> None:
    recovery, delivery = "recovery:payments:2026-W47:github.collect:1", "delivery:payments:2026-W47:slack-payments"
    preview = {"workflow_id": "preview:payments:2026-W47", "run_id": "dry"}
    await Errors(database).write(
        [
            record(1),
            record(2, workflow_id=recovery, run_id="r1", owner_run_id="run-1", severity=ErrorSeverity.CRITICAL),
            record(90, workflow_id=delivery, run_id="d1", owner_run_id="run-1", fingerprint="f2"),
            record(3, **preview),
            record(4, workflow_id=recovery, run_id="r2", owner_run_id="dry"),
            record(5, workflow_id=delivery, run_id="d1", owner_run_id="amended"),
            record(6, run_id="run-2"),
        ]
    )
    errors = ErrorList(database)

    async def told(workflow_id: str, run_id: str, team: str = "payments") -> list[tuple[str, int, ErrorSeverity]]:
        found = await errors.of_run(RunKey(team, workflow_id, run_id), limit=10)
        return [(one.fingerprint, one.count, one.severity) for one in found]

    assert await told("changelog:payments:2026-W47", "run-1") == [
        ("f1", 2, ErrorSeverity.CRITICAL),
        ("f2", 1, ErrorSeverity.MEDIUM),
    ]
    assert await told("preview:payments:2026-W47", "dry") == [("f1", 2, ErrorSeverity.MEDIUM)]
    assert await told("changelog:payments:2026-W47", "run-2") == [("f1", 1, ErrorSeverity.MEDIUM)]
    assert await told("changelog:payments:2026-W47", "run-1", team="search") == []
