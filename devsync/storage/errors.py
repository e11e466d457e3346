"""Errors on record: written once each. `devsync.storage.statistics` counts them."""

from collections.abc import Sequence

from sqlalchemy import Executable

from devsync.contracts.errors import ErrorRecord
from devsync.domain.audit import AuditEntry
from devsync.storage.audit import Audit
from devsync.storage.database import Database
from devsync.storage.prose import storable
from devsync.storage.tables import errors
from devsync.storage.upsert import insert_rows


class Errors:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._audit = Audit(database)

    async def write(self, records: Sequence[ErrorRecord]) -> None:
        """Writes those that are not there yet, and tells the audit. Raises DatabaseUnavailable and NotMigrated."""
        if records:
            await self._audit.write(map(_entry, records), insert_errors(records))


def insert_errors(records: Sequence[ErrorRecord]) -> Executable:
    """What is there already stays as it is: an error happened once, whoever tells it twice."""
    rows = [{name: storable(value) for name, value in record.model_dump().items()} for record in records]
    return insert_rows(errors, rows).on_conflict_do_nothing()


def _entry(record: ErrorRecord) -> AuditEntry:
    """As `audit_beside` reads a row."""
    return AuditEntry(
        team=record.team,
        id=f"error:{record.run_id}:{record.activity_id}:{record.attempt}",
        at=record.occurred_at,
        actor="worker",
        what=record.workflow_id,
        action=f"{record.service}.{record.operation}",
        outcome="failed",
        context={
            "category": record.category.value,
            "severity": record.severity.value,
            "code": record.code,
            "fingerprint": record.fingerprint,
            "message": record.message,
        },
    )
