"""Errors on record: written once each, and counted by what they have in common."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Executable, case, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert

from devsync.contracts.errors import ErrorRecord
from devsync.domain.audit import AuditEntry
from devsync.domain.errors import ErrorCategory, ErrorSeverity
from devsync.domain.model import Model
from devsync.storage.audit import Audit
from devsync.storage.database import Database
from devsync.storage.tables import errors
from devsync.storage.upsert import storable


class ErrorGroup(Model):
    """Alike errors of a time span."""

    fingerprint: str
    category: ErrorCategory
    service: str
    operation: str
    code: str
    severity: ErrorSeverity
    """The worst of them."""
    count: int
    teams: int
    """How many teams met it."""
    first_seen: datetime
    last_seen: datetime
    message: str
    """The latest one's."""


class Errors:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._audit = Audit(database)

    async def write(self, records: Sequence[ErrorRecord]) -> None:
        """Writes those that are not there yet, and tells the audit. Raises DatabaseUnavailable and NotMigrated."""
        if records:
            await self._audit.write(map(_entry, records), insert_errors(records))

    async def groups(self, since: datetime) -> list[ErrorGroup]:
        """The errors that occurred since then, alike ones together, the most frequent first."""
        worst = func.max(case({one.value: one.rank for one in ErrorSeverity}, value=errors.c.severity))
        latest_first = aggregate_order_by(errors.c.message, errors.c.occurred_at.desc())
        query = (
            select(
                errors.c.fingerprint,
                errors.c.category,
                errors.c.service,
                errors.c.operation,
                errors.c.code,
                worst.label("worst"),
                func.count().label("count"),
                func.count(errors.c.team.distinct()).label("teams"),
                func.min(errors.c.occurred_at).label("first_seen"),
                func.max(errors.c.occurred_at).label("last_seen"),
                func.array_agg(latest_first)[1].label("message"),
            )
            .where(errors.c.occurred_at >= since)
            .group_by(errors.c.fingerprint, errors.c.category, errors.c.service, errors.c.operation, errors.c.code)
            .order_by(func.count().desc(), func.max(errors.c.occurred_at).desc(), errors.c.fingerprint)
        )
        rows = await self._database.execute(query)
        return [ErrorGroup.model_validate({**row._mapping, "severity": list(ErrorSeverity)[row.worst]}) for row in rows]


def insert_errors(records: Sequence[ErrorRecord]) -> Executable:
    """What is there already stays as it is: an error happened once, whoever tells it twice."""
    rows = [{name: storable(value) for name, value in record.model_dump().items()} for record in records]
    return insert(errors).values(rows).on_conflict_do_nothing()


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
