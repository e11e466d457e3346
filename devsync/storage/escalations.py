"""Escalations on record: who was asked about what, when, and what came of it.

A copy of what the workflow remembers; it outlives the workflow's history, and tells whether a failure has recurred.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, cast, false, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import JSONPATH

from devsync.contracts.escalation import RecordEscalation, SubscriberEntry, ToldTarget
from devsync.domain.audit import AuditEntry
from devsync.domain.escalation.machine import Event, State
from devsync.domain.insight.span import Span
from devsync.domain.model import Model
from devsync.storage.audit import Audit
from devsync.storage.database import Database
from devsync.storage.prose import storable
from devsync.storage.tables import escalation_events, escalations
from devsync.storage.upsert import insert_rows, upsert


class EscalationLine(Model):
    """One page of an escalation in a list: from when it was opened until it was over."""

    workflow_id: str
    page: str
    service: str
    """Empty: it is of one workflow."""
    severity: str
    failure: str
    state: State
    level: str
    decision: str
    """Empty: none was needed, or none is there yet."""
    decided_by: str
    note: str
    opened_at: datetime
    resolved_at: datetime | None
    teams: tuple[str, ...] = ()
    """Of each of those who waited, in their order."""


class EscalationPage(EscalationLine):
    """All that is on record of it."""

    subscribers: tuple[SubscriberEntry, ...]
    told: tuple[ToldTarget, ...]
    events: tuple[Event, ...]
    """Oldest first."""


_TEAMS: Final = func.jsonb_path_query_array(escalations.c.subscribers, cast("$[*].subscriber.team", JSONPATH))
_LINE: Final = [_TEAMS.label(name) if name == "teams" else escalations.c[name] for name in EscalationLine.model_fields]


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
        await self._audit.write(told, insert_rows(escalation_events, rows).on_conflict_do_nothing(), standing)

    async def has_recurred(self, fingerprint: str, since: datetime) -> bool:
        """Whether an escalation of the same failure was opened since then, and is over."""
        table = escalations
        query = (
            select(table.c.page)
            .where(table.c.fingerprint == fingerprint, table.c.opened_at >= since, table.c.state == State.RESOLVED)
            .limit(1)
        )
        return bool(list(await self._database.execute(query)))

    async def newest(
        self,
        *,
        teams: Collection[str] | None,
        are_open: bool,
        after: tuple[datetime, str, str] | None = None,
        limit: int,
    ) -> list[EscalationLine]:
        """The latest first: of all teams, or those that one of `teams` has waited for.

        `after`: when the last line before was opened, its workflow's id and page.
        """
        table = escalations.c
        query = select(*_LINE).where(table.resolved_at.is_(None) if are_open else table.resolved_at.is_not(None))
        if teams is not None:
            query = query.where(_waited_for_by(teams))
        key = tuple_(table.opened_at, table.workflow_id, table.page)
        if after is not None:
            query = query.where(key < after)
        rows = await self._database.execute(query.order_by(*(column.desc() for column in key)).limit(limit))
        return [EscalationLine.model_validate(row._mapping) for row in rows]

    async def page(
        self, workflow_id: str, page: str | None = None, *, teams: Collection[str] | None
    ) -> EscalationPage | None:
        """The one asked for, or the latest; None where there is none that one of `teams` has waited for."""
        table = escalations.c
        query = select(escalations).where(table.workflow_id == workflow_id)
        if page is not None:
            query = query.where(table.page == page)
        if teams is not None:
            query = query.where(_waited_for_by(teams))
        rows = list(await self._database.execute(query.order_by(table.opened_at.desc()).limit(1)))
        if not rows:
            return None
        events = await self.events(workflow_id, rows[0].page)
        return EscalationPage.model_validate({**rows[0]._mapping, "events": tuple(events)})

    async def asked(self, workflow_ids: Sequence[str], span: Span, *, limit: int) -> list[EscalationLine]:
        """Of these escalations, whenever they were open within the time; the last that were opened first."""
        query = _open_within(span).where(escalations.c.workflow_id.in_(workflow_ids)).limit(limit)
        return [EscalationLine.model_validate(row._mapping) for row in await self._database.execute(query)]

    async def within(self, span: Span, *, team: str | None = None, limit: int) -> list[EscalationLine]:
        """Those that were open within the time, the last that were opened first; of all, or that the team has waited
        for."""
        query = _open_within(span).limit(limit)
        if team is not None:
            query = query.where(_waited_for_by([team]))
        return [EscalationLine.model_validate(row._mapping) for row in await self._database.execute(query)]

    async def events(self, workflow_id: str, page: str) -> Sequence[Event]:
        """Of one page, oldest first."""
        table = escalation_events
        query = select(table).where(table.c.workflow_id == workflow_id, table.c.page == page).order_by(table.c.number)
        return [Event.model_validate(dict(row._mapping)) for row in await self._database.execute(query)]


def _open_within(span: Span) -> Select[Any]:
    table = escalations.c
    query = select(*_LINE).where(
        table.opened_at < span.end, table.resolved_at.is_(None) | (table.resolved_at >= span.start)
    )
    return query.order_by(table.opened_at.desc(), table.workflow_id, table.page)


def _waited_for_by(teams: Collection[str]) -> ColumnElement[bool]:
    return or_(false(), *(escalations.c.subscribers.contains([{"subscriber": {"team": team}}]) for team in teams))


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
