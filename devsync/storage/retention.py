"""Retention: removes what is older than it is to be kept, team by team, and tells the audit what it removed."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import TextClause

from devsync.domain.audit import AUDIT, CUT, AuditEntry, Head
from devsync.domain.model import Model
from devsync.storage.audit import add, locked_heads
from devsync.storage.database import Database
from devsync.storage.tables import ALL_TEAMS, audit, audit_anchors, audit_heads

_AT_ONCE: Final = 2000
"""Rows in one transaction: the team's other writers wait for it."""

_UNREFERRED: Final = """
    (r.team, r.digest) NOT IN (
        SELECT team, artifact ->> 'digest' FROM collected_units WHERE artifact ->> 'digest' IS NOT NULL
        UNION ALL
        SELECT team, edition ->> 'digest' FROM editions WHERE edition ->> 'digest' IS NOT NULL
        UNION ALL
        SELECT team, one.value ->> 'digest' FROM editions, jsonb_each(renderings) AS one
        WHERE one.value ->> 'digest' IS NOT NULL)
"""
"""Not by team: one list, made once for all rows."""


@dataclass(frozen=True)
class Aged:
    """A table whose rows (`r`) grow too old."""

    table: str
    keep: str
    """Which of the settings' times holds for it."""
    at: str
    team: str = "r.team"
    condition: str = "true"
    """What else must be so, that a row may go."""

    def counted(self) -> TextClause:
        """What is older than `:before`, by team."""
        return text(
            f"""
            SELECT {self.team} AS team, count(*) AS rows, min({self.at}) AS oldest FROM {self.table} AS r
            WHERE {self.at} < :before AND {self.condition} GROUP BY 1 ORDER BY 1
            """  # noqa: S608 (parts of ours)
        )

    def removal(self) -> TextClause:
        """Of some of it. By ctid: a row that somebody changes meanwhile has another one, and stays."""
        return text(
            f"""
            DELETE FROM {self.table} WHERE ctid IN (
                SELECT r.ctid FROM {self.table} AS r
                WHERE {self.team} = :team AND {self.at} < :before AND {self.condition} LIMIT {_AT_ONCE})
            """  # noqa: S608 (parts of ours)
        )


_OWNER: Final = f"CASE r.team WHEN '{ALL_TEAMS}' THEN '' ELSE r.team END"
"""What counts for all teams together belongs to none."""

AGED: Final = (
    Aged("errors", keep="errors", at="r.occurred_at"),
    Aged("error_counts", keep="errors", at="r.last_seen", team=_OWNER),
    Aged("operations", keep="operations", at="r.ended_at"),
    Aged("operation_counts", keep="operations", at="r.since", team=_OWNER),
    Aged("recovery_steps", keep="operations", at="r.started_at"),
    Aged("recoveries", keep="operations", at="r.ended_at"),
    Aged("escalation_events", keep="operations", at="r.at"),
    Aged("escalations", keep="operations", at="r.opened_at", condition="r.state = 'resolved'"),
    Aged("alerts", keep="operations", at="r.opened_at", condition="r.state = 'resolved'"),
    Aged("health_checks", keep="operations", at="r.at", team="''"),
    Aged("breaker_transitions", keep="operations", at="r.at", team="''"),
    Aged("deliveries", keep="editions", at="r.updated_at"),
    Aged("runs", keep="editions", at="coalesce(r.ended_at, r.started_at)"),
    Aged("editions", keep="editions", at="r.composed_at"),
    Aged("collected_units", keep="collected", at="r.collected_at"),
    # After what refers to them.
    Aged("artifacts", keep="collected", at="r.created_at", condition=_UNREFERRED),
)


class Due(Model):
    """Rows of one team that are older than they are to be kept."""

    table: str
    team: str
    rows: int
    oldest: datetime | None
    before: datetime
    is_held: bool = False
    """A legal hold keeps them."""


class Retention:
    def __init__(
        self, database: Database, keep: Mapping[str, timedelta], is_held: Callable[[str], bool], now: datetime
    ) -> None:
        """`keep` says for how long, by `Aged.keep`, and for `audit`."""
        self._database = database
        self._keep = keep
        self._is_held = is_held
        self._now = now

    async def due(self) -> AsyncIterator[Due]:
        """What is too old now, held or not; of the audit, what could be cut. Removes nothing."""
        for aged in AGED:
            async for one in self._due_of(aged):
                yield one
        before = self._before("audit")
        last = (
            select(audit_anchors.c.team, func.max(audit_anchors.c.number).label("number"))
            .where(audit_anchors.c.at < before)
            .group_by(audit_anchors.c.team)
            .subquery()
        )
        cut = (
            select(audit.c.team, func.count().label("rows"), func.min(audit.c.at).label("oldest"))
            .join(last, (last.c.team == audit.c.team) & (audit.c.number <= last.c.number))
            .group_by(audit.c.team)
        )
        for row in await self._database.ask_patiently(cut.order_by(audit.c.team)):
            yield self._due(AUDIT, row.team, row.rows, row.oldest, before)

    async def remove(self, at_most: int) -> dict[str, int]:
        """Removes what is due and not held; gives how many rows of which table. After `at_most` rows the next run goes
        on. What is interrupted and repeated removes the rest.
        """
        removed: dict[str, int] = {}
        for aged in AGED:
            async for one in self._due_of(aged):
                while not one.is_held and sum(removed.values()) < at_most:
                    count = await self._remove(aged, one.team)
                    removed[aged.table] = removed.get(aged.table, 0) + count
                    if count < _AT_ONCE:
                        break
        heads = await self._database.execute(select(audit_heads.c.team).order_by(audit_heads.c.team))
        for row in heads:
            while not self._is_held(row.team) and sum(removed.values()) < at_most:
                count = await self._cut(row.team)
                if not count:
                    break
                removed[AUDIT] = removed.get(AUDIT, 0) + count
        return {table: count for table, count in removed.items() if count}

    async def _due_of(self, aged: Aged) -> AsyncIterator[Due]:
        before = self._before(aged.keep)
        for row in await self._database.ask_patiently(aged.counted().bindparams(before=before)):
            yield self._due(aged.table, row.team, row.rows, row.oldest, before)

    def _due(self, table: str, team: str, rows: int, oldest: datetime, before: datetime) -> Due:
        return Due(table=table, team=team, rows=rows, oldest=oldest, before=before, is_held=self._is_held(team))

    async def _remove(self, aged: Aged, team: str) -> int:
        before = self._before(aged.keep)
        removal = aged.removal().bindparams(team=team, before=before)
        told = _entry(team, aged.table, self._now, {"before": before.isoformat()})

        async def work(connection: AsyncConnection) -> int:
            heads = await locked_heads(connection, [team])
            removed = await connection.execute(removal)
            if removed.rowcount:
                await add(connection, [told], heads)
            return removed.rowcount

        return await self._database.transact(work)

    async def _cut(self, team: str) -> int:
        """Removes entries up to a head that was noted long enough ago; the head stays as an anchor of the rest."""

        async def work(connection: AsyncConnection) -> int:
            heads = await locked_heads(connection, [team])
            cut = await connection.scalar(select(audit_heads.c.cut_number).where(audit_heads.c.team == team)) or 0
            anchor = await self._checkpoint(connection, team, cut)
            if anchor is None:
                return 0
            await add(connection, [_cut_entry(team, self._now, anchor)], heads)
            moved = update(audit_heads).where(audit_heads.c.team == team)
            await connection.execute(moved.values(cut_number=anchor.number, cut_hash=anchor.hash))
            older = (audit_anchors.c.team == team, audit_anchors.c.number < anchor.number)
            await connection.execute(delete(audit_anchors).where(*older))
            gone = await connection.execute(delete(audit).where(audit.c.team == team, audit.c.number <= anchor.number))
            return gone.rowcount

        return await self._database.transact(work)

    async def _checkpoint(self, connection: AsyncConnection, team: str, cut: int) -> Head | None:
        """The last anchor that is old enough and not too far away; the next one where all are far."""
        there = (
            select(audit_anchors.c.number, audit_anchors.c.hash)
            .join(audit, (audit.c.team == audit_anchors.c.team) & (audit.c.number == audit_anchors.c.number))
            .where(audit_anchors.c.team == team, audit_anchors.c.at < self._before("audit"))
            # Never at a hash that is not the entry's: what is broken stays until somebody has looked at it.
            .where(audit_anchors.c.number > cut, audit.c.hash == audit_anchors.c.hash)
        )
        near = there.where(audit_anchors.c.number <= cut + _AT_ONCE).order_by(audit_anchors.c.number.desc()).limit(1)
        first = there.order_by(audit_anchors.c.number).limit(1)
        row = (await connection.execute(near)).first() or (await connection.execute(first)).first()
        return Head(number=row.number, hash=row.hash) if row is not None else None

    def _before(self, keep: str) -> datetime:
        return self._now.astimezone(UTC) - self._keep[keep]


def _entry(team: str, what: str, at: datetime, context: dict[str, str | int]) -> AuditEntry:
    return AuditEntry(
        team=team,
        id=f"retention:{what}:{':'.join(map(str, context.values()))}",
        at=at,
        actor="retention",
        what=what,
        action=CUT,
        outcome="removed",
        context=context,
    )


def _cut_entry(team: str, at: datetime, anchor: Head) -> AuditEntry:
    return _entry(team, AUDIT, at, {"number": anchor.number, "hash": anchor.hash})
