"""Operations on record: written once each, many at a time."""

import json
from collections.abc import Sequence
from math import isfinite

from sqlalchemy import Executable, text

from devsync.contracts.operations import OperationRecord
from devsync.storage.database import Database
from devsync.storage.prose import storable
from devsync.storage.tables import operations
from devsync.storage.upsert import upsert

# One parameter whatever their number: a statement with a value each takes its compiler longer than the server.
_INSERT = text(
    "INSERT INTO operations SELECT * FROM jsonb_populate_recordset(NULL::operations, CAST(:rows AS jsonb))"
    " ON CONFLICT DO NOTHING"
)


class Operations:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, records: Sequence[OperationRecord]) -> None:
        """Writes those that are not there yet; what has no numbers is no measurement. Raises DatabaseUnavailable and
        NotMigrated."""
        if measured := [record for record in records if _is_measured(record)]:
            rows = json.dumps([storable(record.model_dump(mode="json")) for record in measured])
            await self._database.execute(_INSERT.bindparams(rows=rows))


def _is_measured(record: OperationRecord) -> bool:
    """JSON knows no NaN: one of them, by a broken clock, and PostgreSQL would refuse all that are written with it."""
    return all(map(isfinite, (record.seconds, record.api_seconds, record.peak_memory_mb or 0)))


def upsert_operations(records: Sequence[OperationRecord]) -> Executable:
    """Of runs, which may end more than once: an earlier end never replaces a later one."""
    return upsert(
        operations,
        [record.model_dump() for record in records],
        may_replace=lambda new: new.excluded.ended_at >= operations.c.ended_at,
    )
