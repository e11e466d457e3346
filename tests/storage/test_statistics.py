"""Counts of errors and attempts, in a real database: by any window, exactly what the rows say."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import chain
from random import Random
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ProgrammingError

from devsync.contracts.errors import ErrorRecord
from devsync.contracts.operations import OperationKind
from devsync.domain.errors import ErrorCategory, ErrorSeverity
from devsync.domain.insight.span import Span
from devsync.domain.insight.statistics import error_statistics
from devsync.storage import migrate
from devsync.storage.database import Database
from devsync.storage.errors import Errors, insert_errors
from devsync.storage.operations import Operations
from devsync.storage.statistics import Statistics
from tests.storage.test_errors import record
from tests.storage.test_operations import operation

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def span(start: datetime, length: timedelta) -> Span:
    return Span(start=start, end=start + length)


def error(number: int, at: datetime, **changes: Any) -> ErrorRecord:
    return record(number, occurred_at=at, **changes)


async def test_alike_errors_are_one_group_with_its_worst_severity_and_its_latest_words(database: Database) -> None:
    await Errors(database).write(
        [
            record(1),
            record(2, severity=ErrorSeverity.CRITICAL, team="search"),
            record(3, message="github answered 503 to the last one"),
            record(4, fingerprint="f2", service="jira", category=ErrorCategory.NETWORK, code="timeout"),
            record(-60, message="before the window"),
            record(60, message="after the window"),
        ]
    )
    statistics = Statistics(database)
    first, second = await statistics.error_groups(span(NOON, HOUR))
    assert (first.fingerprint, first.count, first.teams) == ("f1", 3, 2)
    assert first.severity is ErrorSeverity.CRITICAL
    assert (first.first_seen, first.last_seen) == (NOON + timedelta(minutes=1), NOON + timedelta(minutes=3))
    assert first.message == "github answered 503 to the last one"
    assert (second.fingerprint, second.service, second.category, second.count) == ("f2", "jira", "network", 1)
    (of_search,) = await statistics.error_groups(span(NOON, HOUR), team="search")
    assert (of_search.count, of_search.teams) == (1, 1)


@pytest.mark.parametrize(
    "window",
    [
        span(NOON - timedelta(days=9, hours=3, minutes=7), timedelta(days=8, hours=7, minutes=31)),
        span(NOON - 5 * DAY, DAY),
        span(NOON - timedelta(days=4, minutes=13), timedelta(minutes=29)),
        span(NOON - timedelta(days=3, hours=12), 2 * DAY),
    ],
)
async def test_whatever_the_window_its_counts_are_those_of_its_rows(database: Database, window: Span) -> None:
    random = Random(3)
    told = [
        error(
            number,
            NOON - timedelta(minutes=random.randrange(10 * 24 * 60)),
            fingerprint=(kind := random.choice("abc")),
            service={"a": "github", "b": "jira", "c": "slack"}[kind],
            team=random.choice(("payments", "search")),
        )
        for number in range(1500)
    ]
    for batch in (told[:700], told[500:1200], told[1000:]):  # some are told twice
        await Errors(database).write(batch)
    within = [one for one in told if one.occurred_at in window]
    statistics = Statistics(database)
    counts = await statistics.error_counts(window)
    days = await statistics.daily_errors(window)
    found = error_statistics(
        window, counts + await statistics.error_counts(window.before), days=chain.from_iterable(days.values())
    )
    assert {service: sum(day.count for day in of_service) for service, of_service in days.items()} == Counter(
        one.service for one in within
    )
    assert found.total == len(within) > 0
    assert found.total_before == sum(one.occurred_at in window.before for one in told)
    by_day = Counter(one.occurred_at.date() for one in within)
    assert {one.day: one.count for one in found.by_day} == by_day
    assert {one.name: one.count for one in found.by_service} == Counter(one.service for one in within)
    of_team = await statistics.error_counts(window, team="search")
    assert sum(one.count for one in of_team) == sum(one.team == "search" for one in within)


async def test_attempts_and_calls_are_counted_apart(database: Database) -> None:
    await Operations(database).write(
        [
            *(operation(number, succeeded=number % 10 != 0) for number in range(130)),
            *(operation(1, number=number, kind=OperationKind.CALL) for number in range(1, 5)),
            operation(500, service="jira", operation="collect_project", team="search"),
        ]
    )
    statistics = Statistics(database)
    window = span(NOON, 2 * HOUR + timedelta(minutes=5))
    (github,) = await statistics.call_counts(window)
    assert (github.service, github.operation, github.calls, github.failures) == (
        "github",
        "collect_repository",
        125,
        13,
    )
    (calls,) = await statistics.call_counts(window, OperationKind.CALL)
    assert (calls.calls, calls.failures) == (4, 0)
    (of_search,) = await statistics.call_counts(span(NOON, DAY), team="search")
    assert (of_search.service, of_search.calls) == ("jira", 1)


async def test_records_begin_with_what_is_on_record_first(database: Database) -> None:
    statistics = Statistics(database)
    assert await statistics.begin() is None
    await Errors(database).write([record(1), record(5)])
    assert await statistics.begin() == NOON + timedelta(minutes=1)
    await Operations(database).write([operation(-30)])
    assert await statistics.begin() == NOON - timedelta(minutes=30)


async def test_errors_that_were_there_before_they_were_counted_are_counted_when_the_database_is_migrated(
    url: str, database: Database
) -> None:
    migrate.downgrade(url, "0011")
    for one in (record(1), record(70, team="search")):
        values = one.model_dump(mode="json", exclude={"owner_run_id"}) | {"occurred_at": one.occurred_at}
        columns, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
        await database.execute(text(f"INSERT INTO errors ({columns}) VALUES ({marks})").bindparams(**values))
    migrate.upgrade(url)
    await Errors(database).write([record(70, team="search"), record(2)])
    (group,) = await Statistics(database).error_groups(span(NOON - DAY, 3 * DAY))
    assert (group.count, group.teams, group.last_seen) == (3, 2, NOON + timedelta(minutes=70))


async def test_who_may_add_errors_and_nothing_else_has_them_counted(url: str, database: Database) -> None:
    role = f"teller_{make_url(url).database}"
    await database.execute(text(f"CREATE ROLE {role} LOGIN PASSWORD 'pw'"), text(f"GRANT INSERT ON errors TO {role}"))
    door = Database(make_url(url).set(username=role, password="pw").render_as_string(hide_password=False))
    teller = door.of_team(record(1).team)
    await teller.execute(insert_errors([record(1)]))
    with pytest.raises(ProgrammingError, match="permission denied for table error_counts"):
        await Statistics(teller).error_counts(span(NOON, DAY))
    await door.dispose()
    assert [one.count for one in await Statistics(database).error_counts(span(NOON, DAY))] == [1]
    await database.execute(text(f"DROP OWNED BY {role}"), text(f"DROP ROLE {role}"))


async def test_many_writers_of_the_same_counts_count_all_and_wait_for_each_other(url: str, database: Database) -> None:
    async def write(first: int) -> None:
        told = [error(number, NOON, run_id=f"run-{first}", fingerprint=f"f{number % 7}") for number in range(40)]
        await Errors(database).write(told if first % 2 else told[::-1])

    await asyncio.gather(*(write(number) for number in range(30)))
    ((rows,),) = await database.execute(text("SELECT count(*) FROM errors"))
    assert sum(one.count for one in await Statistics(database).error_counts(span(NOON, HOUR))) == rows == 1200


async def test_the_calls_of_each_day_are_told_whether_they_are_read_from_counts_or_rows(database: Database) -> None:
    midnight = NOON.replace(hour=0)
    ended = [midnight - HOUR, midnight + HOUR, NOON, NOON + DAY + HOUR]
    await Operations(database).write(
        [
            *(operation(number, ended_at=at, succeeded=number != 2) for number, at in enumerate(ended)),
            operation(9, ended_at=NOON, kind=OperationKind.CALL),
        ]
    )
    found = await Statistics(database).daily_calls(span(midnight - HOUR / 2, 2 * DAY))
    assert [(one.day.day, one.calls, one.failures, one.error_rate) for one in found] == [
        (23, 2, 1, 50.0),
        (24, 1, 0, 0),
    ]
    assert await Statistics(database).daily_calls(span(midnight, DAY), team="nobody") == []
