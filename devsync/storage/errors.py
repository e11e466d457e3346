"""Errors on record: written once each. `devsync.storage.statistics` counts them."""

from collections.abc import Sequence

from sqlalchemy import Executable
from sqlalchemy.dialects.postgresql import insert

from devsync.contracts.errors import ErrorRecord
from devsync.storage.database import Database
from devsync.storage.tables import errors
from devsync.storage.upsert import storable


class Errors:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, records: Sequence[ErrorRecord]) -> None:
        """Writes those that are not there yet. Raises DatabaseUnavailable and NotMigrated."""
        if records:
            await self._database.execute(insert_errors(records))


def insert_errors(records: Sequence[ErrorRecord]) -> Executable:
    """What is there already stays as it is: an error happened once, whoever tells it twice."""
    rows = [{name: storable(value) for name, value in record.model_dump().items()} for record in records]
    return insert(errors).values(rows).on_conflict_do_nothing()
