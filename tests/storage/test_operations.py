"""Operations on record, in a real database: once each, and counted as they come in."""

from datetime import UTC, datetime, timedelta
from math import inf, nan
from typing import Any

import pytest
from sqlalchemy import select, text

from devsync.contracts.operations import OperationKind, OperationRecord
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.database import Database
from devsync.storage.operations import Operations
from devsync.storage.records import Records
from devsync.storage.tables import ALL_TEAMS, operation_counts

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def operation(minute: int, **changes: Any) -> OperationRecord:
    """That ended so long after noon."""
    values: dict[str, Any] = {
        "workflow_id": "changelog:payments:2026-W47",
        "run_id": "run-1",
        "activity_id": str(minute),
        "attempt": 1,
        "kind": OperationKind.ATTEMPT,
        "team": "payments",
        "service": "github",
        "operation": "collect_repository",
        "ended_at": NOON + timedelta(minutes=minute),
        "seconds": 1.5,
        "succeeded": True,
    }
    return OperationRecord.model_validate(values | changes)


async def stored(database: Database) -> list[OperationRecord]:
    rows = await database.execute(text("SELECT * FROM operations ORDER BY activity_id, attempt, number"))
    return [OperationRecord.model_validate(row._mapping) for row in rows]


async def test_an_operation_comes_back_as_it_was_and_once_however_often_it_is_told(database: Database) -> None:
    attempt = operation(
        1, api_calls=1, api_seconds=0.25, peak_memory_mb=181.5, was_remembered=True, team="zürich \ufffd"
    )
    call = operation(1, number=1, kind=OperationKind.CALL, succeeded=False)
    operations = Operations(database)
    await operations.write([attempt, call])
    await operations.write([attempt.model_copy(update={"seconds": 9.0}), call, operation(2)])
    await operations.write([])
    assert await stored(database) == [attempt, call, operation(2)]


async def test_text_that_the_database_cannot_hold_keeps_no_operation_from_being_recorded(database: Database) -> None:
    await Operations(database).write([operation(1, workflow_id="a\0b \ud800")])
    assert [one.workflow_id for one in await stored(database)] == ["a\ufffdb \ufffd"]


@pytest.mark.parametrize("numbers", [{"seconds": nan}, {"api_seconds": inf}, {"peak_memory_mb": nan}])
async def test_what_is_no_number_takes_nothing_with_it_that_is_one(
    database: Database, numbers: dict[str, float]
) -> None:
    await Operations(database).write([operation(1), operation(2, **numbers), operation(3)])
    assert await stored(database) == [operation(1), operation(3)]


async def test_what_is_told_twice_is_counted_once(database: Database) -> None:
    operations = Operations(database)
    told = [operation(1), operation(2, succeeded=False), operation(70), operation(3, kind=OperationKind.PHASE)]
    for _ in range(2):
        await operations.write(told)
    for team in ("payments", ALL_TEAMS):
        table = operation_counts.c
        counts = select(table.grain, table.since, table.kind, table["count"], table.failures)
        rows = await database.execute(counts.where(table.team == team).order_by(table.grain, table.since))
        assert [tuple(row) for row in rows] == [
            ("day", NOON.replace(hour=0), "attempt", 3, 1),
            ("hour", NOON, "attempt", 2, 1),
            ("hour", NOON + timedelta(hours=1), "attempt", 1, 0),
        ]


async def test_of_a_run_that_ends_twice_the_later_end_stays(database: Database, store: ArtifactStore) -> None:
    records = Records(database, store)
    first = operation(0, activity_id="deliver", attempt=0, kind=OperationKind.PHASE, service="", seconds=2.0)
    later = first.model_copy(update={"seconds": 5.0, "ended_at": NOON + timedelta(hours=1)})
    for told in (first, later, first):
        await records.write(operations=[told])
    assert await stored(database) == [later]
