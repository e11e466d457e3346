"""Whether the audit is as it was written: each team's chain, and the rows that are kept beside it."""

from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final

from sqlalchemy import Row, Select, func, select, union
from sqlalchemy.ext.asyncio import AsyncConnection

from devsync.domain.audit import ChainCheck, Finding, Head
from devsync.domain.model import Model
from devsync.storage.audit import entry_of
from devsync.storage.audit_beside import BESIDE
from devsync.storage.database import Database
from devsync.storage.tables import audit, audit_anchors, audit_heads

_PAGE = 5000
FINDINGS_OF_A_TEAM: Final = 100
"""More say nothing new: whoever rewrites one number changes all later entries."""

Anchors = Mapping[str, Sequence[Head]]
"""Heads that were noted somewhere else, by team."""


class TeamChecked(Model):
    """What was found of one team."""

    team: str
    entries: int
    head: Head
    cut: int
    """Retention has removed the entries up to this one."""
    anchors: int
    """Heads noted earlier that the chain was held against."""
    anchored: int = 0
    """The number of the newest of them."""
    since: datetime | None = None
    until: datetime | None = None
    """When the first and the last of what the entries tell happened."""
    beside: dict[str, int] = {}
    """Rows that were held against their entries, by table."""
    findings: tuple[Finding, ...] = ()

    @property
    def unseen(self) -> tuple[str, ...]:
        """What nobody could see here, a clause each: a chain that is whole says nothing of it."""
        said = []
        if self.cut:
            said.append(f"{_entries(1, self.cut)}, which retention has removed")
        if self.anchored < self.head.number:
            newer = _entries(max(self.anchored, self.cut) + 1, self.head.number)
            said.append(f"whether somebody has written {newer} anew with the head: no later head is noted")
        return tuple(said)


class AuditCheck:
    """Sees everything as it was at one moment: what others write meanwhile is not looked at."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def teams(self, *, team: str | None = None, anchors: Anchors | None = None) -> AsyncIterator[TeamChecked]:
        """Each team's chain, held against the anchors of the database and the given ones.

        Raises DatabaseUnavailable and NotMigrated.
        """
        given = anchors or {}
        async with self._database.snapshot() as connection:
            stands = {row.team: row for row in await connection.execute(_heads(team))}
            others = {name for name in given if team in (None, name)} - stands.keys()
            for name in sorted({*stands, *others}):
                yield await _checked(connection, name, stands.get(name), given.get(name, ()))


async def _checked(
    connection: AsyncConnection, team: str, stands: Row[Any] | None, given: Sequence[Head]
) -> TeamChecked:
    head, cut = Head(), Head()
    if stands is not None and stands.number is not None:
        head = Head(number=stands.number, hash=stands.hash)
        cut = Head(number=stands.cut_number, hash=stands.cut_hash)
    noted = await connection.execute(select(audit_anchors).where(audit_anchors.c.team == team))
    ours = {row.number: row.hash for row in noted}
    # What stands outside the database is believed more than what stands in it.
    check = ChainCheck(team, cut=cut, head=head, anchors=ours | {one.number: one.hash for one in given})
    findings: list[Finding] = []
    since: datetime | None = None
    until: datetime | None = None
    entries = select(audit).where(audit.c.team == team).order_by(audit.c.number)
    async for row in await connection.stream(entries.execution_options(yield_per=_PAGE)):
        said = entry_of(row)
        since, until = min(since or said.entry.at, said.entry.at), max(until or said.entry.at, said.entry.at)
        found = check.see(said)
        findings += islice(found, FINDINGS_OF_A_TEAM - len(findings))
        deque(found, maxlen=0)  # the check goes on, whether anybody listens or not
    findings += check.end()
    counts: dict[str, int] = {}
    for beside in BESIDE:
        rows = await connection.execute(beside.differences().bindparams(team=team))
        findings += [beside.finding(team, row) for row in rows]
        counts[beside.table] = await connection.scalar(beside.count().bindparams(team=team)) or 0
    numbers = ours.keys() | {one.number for one in given}
    return TeamChecked(
        team=team,
        entries=check.count,
        head=head,
        cut=cut.number,
        anchors=len(numbers),
        anchored=max(numbers, default=0),
        since=since,
        until=until,
        beside=counts,
        findings=tuple(findings[:FINDINGS_OF_A_TEAM]),
    )


def _entries(first: int, last: int) -> str:
    return f"entry {first}" if first == last else f"entries {first} to {last}"


def _heads(team: str | None) -> Select[Any]:
    """Of teams with a head, with entries whose head was removed, or of which nothing but an anchor is left."""
    there = union(select(audit.c.team), select(audit_anchors.c.team)).subquery()
    both = audit_heads.join(there, audit_heads.c.team == there.c.team, full=True)
    name = func.coalesce(audit_heads.c.team, there.c.team)
    columns = [column for column in audit_heads.c if column.name != "team"]
    query = select(name.label("team"), *columns).select_from(both)
    return query if team is None else query.where(name == team)
