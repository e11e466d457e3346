"""Errors on record, in a real database: once each."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from devsync.contracts.errors import ErrorRecord
from devsync.domain.errors import ErrorCategory, ErrorSeverity
from devsync.storage.connection import DatabaseUnavailable
from devsync.storage.database import Database
from devsync.storage.errors import Errors
from devsync.storage.spool import Spool
from sandbox.postgres import PostgresServer

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def record(number: int, **changes: Any) -> ErrorRecord:
    values: dict[str, Any] = {
        "run_id": "run-1",
        "activity_id": str(number),
        "attempt": 1,
        "workflow_id": "changelog:payments:2026-W47",
        "team": "payments",
        "service": "github",
        "operation": "collect_repository",
        "category": ErrorCategory.EXTERNAL_SERVICE,
        "severity": ErrorSeverity.MEDIUM,
        "code": "503",
        "fingerprint": "f1",
        "message": "github answered 503",
        "occurred_at": NOON + timedelta(minutes=number),
    }
    return ErrorRecord.model_validate(values | changes)


async def test_an_error_is_on_record_once_however_often_it_is_told(database: Database) -> None:
    errors = Errors(database)
    await errors.write([record(1), record(2)])
    await errors.write([record(2, message="told again"), record(3)])
    await errors.write([])
    rows = await database.execute(text("SELECT activity_id, message FROM errors ORDER BY activity_id"))
    assert [tuple(row) for row in rows] == [(str(number), "github answered 503") for number in (1, 2, 3)]


async def test_text_that_the_database_cannot_hold_keeps_no_error_from_being_recorded(database: Database) -> None:
    errors = Errors(database)
    await errors.write([record(1, message="a\0b \ud800")])
    (row,) = await database.execute(text("SELECT message FROM errors"))
    assert row.message == "a\ufffdb \ufffd"


@pytest.mark.timeout(60)
async def test_errors_outlive_a_database_that_stops_and_comes_back(
    breakable: tuple[PostgresServer, Database],
) -> None:
    server, database = breakable
    errors = Errors(database)
    spool = Spool[ErrorRecord]("errors")
    await server.stop()
    with pytest.raises(DatabaseUnavailable):
        await errors.write([record(0)])
    async with spool.written_by(errors.write):
        for number in range(1, 4):
            spool.keep(record(number))
        await server.start()
    ((count,),) = await database.execute(text("SELECT count(*) FROM errors"))
    assert (count, spool.lost) == (3, 0)
