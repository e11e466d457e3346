"""Breakers on record: what happened to each service's breaker, with who and why.

A copy of what the entity `breaker:{service}` remembers only the end of; it outlives the entity's histories.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, func, select
from sqlalchemy.dialects.postgresql import distinct_on

from devsync.contracts.names import breaker_id
from devsync.domain.audit import AuditEntry
from devsync.domain.breaker import BREAKER, State, Transition
from devsync.domain.insight.recommendations import BreakerUse
from devsync.domain.insight.span import Span
from devsync.storage.audit import Audit
from devsync.storage.database import Database
from devsync.storage.prose import storable
from devsync.storage.tables import breaker_transitions
from devsync.storage.upsert import insert_rows


class BreakerTransitions:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._audit = Audit(database)

    async def write(self, service: str, entity: str, first_number: int, transitions: Sequence[Transition]) -> None:
        """Those that are there already stay as they are. Raises DatabaseUnavailable (retry) and NotMigrated."""
        rows = [
            {"service": service, "entity": entity, "number": number}
            | {name: storable(value) for name, value in transition}
            for number, transition in enumerate(transitions, first_number)
        ]
        if rows:
            told = [
                _entry(service, entity, number, transition)
                for number, transition in enumerate(transitions, first_number)
            ]
            await self._audit.write(told, insert_rows(breaker_transitions, rows).on_conflict_do_nothing())

    async def latest(self, service: str, *, limit: int, until: datetime | None = None) -> list[Transition]:
        """The last ones, or the last until that instant, oldest first, over all entities that the service has had."""
        table = breaker_transitions
        newest = select(table).where(table.c.service == service)
        if until is not None:
            newest = newest.where(table.c.at <= until)
        newest = newest.order_by(table.c.at.desc(), table.c.entity.desc(), table.c.number.desc()).limit(limit)
        rows = await self._database.execute(newest)
        return [Transition.model_validate(dict(row._mapping)) for row in reversed(list(rows))]

    async def last_of_each(self) -> dict[str, Transition]:
        """By service, what happened last."""
        table = breaker_transitions
        newest = select(table).ext(distinct_on(table.c.service))
        newest = newest.order_by(table.c.service, table.c.at.desc(), table.c.entity.desc(), table.c.number.desc())
        rows = await self._database.execute(newest)
        return {row.service: Transition.model_validate(dict(row._mapping)) for row in rows}

    async def uses(self, span: Span) -> list[BreakerUse]:
        """How often each opened and how its recoveries went, by its own rules; operators' doings aside."""
        table = breaker_transitions.c
        within = (
            select(
                table.service,
                table.from_state,
                table.to_state,
                func.lag(table.from_state)
                .over(partition_by=(table.service, table.entity), order_by=table.number)
                .label("opened_from"),
            )
            .where(
                table.at >= span.start,
                table.at < span.end,
                table.actor == BREAKER,
                table.from_state != table.to_state,
                table.to_state != State.HALF_OPEN.value,
            )
            .subquery()
        )

        def count(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
            return func.count(case((and_(*conditions), 1)))

        opens, closes = within.c.to_state == State.OPEN.value, within.c.to_state == State.CLOSED.value
        query = (
            select(
                within.c.service,
                count(opens, within.c.from_state == State.CLOSED.value).label("openings"),
                # The opening right before it was the first one: no probe had failed in between.
                count(closes, within.c.opened_from == State.CLOSED.value).label("recovered_at_once"),
                count(opens, within.c.from_state == State.HALF_OPEN.value).label("failed_recoveries"),
            )
            .group_by(within.c.service)
            .order_by(within.c.service)
        )
        rows = await self._database.execute(query)
        return [BreakerUse.model_validate(row._mapping) for row in rows]


def _entry(service: str, entity: str, number: int, transition: Transition) -> AuditEntry:
    """As `audit_beside` reads a row. A breaker guards a service for all teams."""
    return AuditEntry(
        team="",
        id=f"breaker:{service}:{entity}:{number}",
        at=transition.at,
        actor=transition.actor,
        what=breaker_id(service),
        action=transition.event.value,
        outcome=transition.to_state.value,
        context={
            "from": transition.from_state.value,
            "mode": transition.mode.value,
            "reason": transition.reason,
            "generation": transition.generation,
        },
    )
