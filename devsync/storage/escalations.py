"""Escalations on record: who was asked about what, when, and what came of it.

A copy of what the workflow remembers; it outlives the workflow's history, and tells whether a failure has recurred.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from devsync.contracts.escalation import RecordEscalation
from devsync.domain.audit import AuditEntry
from devsync.domain.escalation.machine import Event, State
from devsync.storage.audit import Audit
from devsync.storage.database import Database
from devsync.storage.tables import escalation_events, escalations
from devsync.storage.upsert import storable, upsert


class Escalations:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._audit = Audit(database)

    async def write(self, message: RecordEscalation) -> None:
        """One transaction; events that are there already stay, and nothing older replaces something newer.

        Raises DatabaseUnavailable (retry) and NotMigrated.
        """
        newest = message.first_number + len(message.events) - 1
        standing = upsert(
            escalations,
            [_row(message, newest)],
            may_replace=lambda new: new.excluded.events >= escalations.c.events,
        )
        rows = [
            {"workflow_id": message.workflow_id, "page": message.page, "number": number, "team": message.team}
            | {name: storable(value) for name, value in event.model_dump().items()}
            for number, event in enumerate(message.events, message.first_number)
        ]
        told = [_entry(message, number, event) for number, event in enumerate(message.events, message.first_number)]
        await self._audit.write(told, insert(escalation_events).values(rows).on_conflict_do_nothing(), standing)

    async def has_recurred(self, fingerprint: str, since: datetime) -> bool:
        """Whether an escalation of the same failure was opened since then, and is over."""
        table = escalations
        query = (
            select(table.c.page)
            .where(table.c.fingerprint == fingerprint, table.c.opened_at >= since, table.c.state == State.RESOLVED)
            .limit(1)
        )
        return bool(list(await self._database.execute(query)))

    async def events(self, workflow_id: str, page: str) -> Sequence[Event]:
        """Of one page, oldest first."""
        table = escalation_events
        query = select(table).where(table.c.workflow_id == workflow_id, table.c.page == page).order_by(table.c.number)
        return [Event.model_validate(dict(row._mapping)) for row in await self._database.execute(query)]


def _entry(message: RecordEscalation, number: int, event: Event) -> AuditEntry:
    """As `audit_beside` reads a row."""
    return AuditEntry(
        team=message.team,
        id=f"escalation:{message.workflow_id}:{message.page}:{number}",
        at=event.at,
        actor=event.actor,
        what=message.workflow_id,
        action=event.kind.value,
        outcome=event.message,
        context={"level": event.level},
    )


def _row(message: RecordEscalation, newest: int) -> dict[str, object]:
    record = message.record
    return {
        "workflow_id": message.workflow_id,
        "page": message.page,
        "team": message.team,
        "service": message.service,
        "policy": record.policy.name,
        "category": message.failure.category.value,
        "severity": message.severity.value,
        "fingerprint": message.failure.fingerprint,
        "failure": message.failure.message,
        "reason": message.reason,
        "requested_by": message.requested_by,
        "state": record.state.value,
        "level": record.level,
        "decision": record.decision.value if record.decision else "",
        "decided_by": record.decided_by,
        "note": record.note,
        "subscribers": [entry.model_dump(mode="json") for entry in message.subscribers],
        "told": [one.model_dump(mode="json", exclude={"digest"}) for one in message.told],
        "opened_at": record.opened_at,
        "resolved_at": None if record.is_open else record.since,
        "events": newest,
    }
