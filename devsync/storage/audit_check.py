"""Whether the audit is as it was written: each team's chain, and the rows that are kept beside it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Row, Select, func, select

from devsync.domain.audit import ChainCheck, ChainedEntry, Finding, Head
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
    findings: tuple[Finding, ...] = ()


class AuditCheck:
    """Reads page by page. While others write, what they add meanwhile is not looked at."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def teams(self, *, team: str | None = None, anchors: Anchors | None = None) -> AsyncIterator[TeamChecked]:
        """Each team's chain, held against the anchors of the database and the given ones.

        Raises DatabaseUnavailable and NotMigrated.
        """
        given = anchors or {}
        heads = await self._database.ask_patiently(_heads(team))
        stands = {row.team: row for row in heads}
        others = {name for name in given if team in (None, name)} - stands.keys()
        for name in sorted({*stands, *others}):
            yield await self._team(name, stands.get(name), given.get(name, ()))

    async def _team(self, team: str, stands: Row[Any] | None, given: Sequence[Head]) -> TeamChecked:
        head, cut = Head(), Head()
        if stands is not None and stands.number is not None:
            head = Head(number=stands.number, hash=stands.hash)
            cut = Head(number=stands.cut_number, hash=stands.cut_hash)
        noted = await self._database.execute(select(audit_anchors).where(audit_anchors.c.team == team))
        ours = {row.number: row.hash for row in noted}
        # What stands outside the database is believed more than what stands in it.
        check = ChainCheck(team, cut=cut, head=head, anchors=ours | {one.number: one.hash for one in given})
        findings: list[Finding] = []
        # Entries behind the head that were there when the head was read: nobody adds one without moving it.
        last = max(head.number, stands.newest or 0) if stands is not None else 0
        async for row in self._entries(team, last):
            findings += check.see(row)
        findings += check.end()
        for beside in BESIDE:
            rows = await self._database.ask_patiently(beside.differences().bindparams(team=team))
            findings += [beside.finding(team, row) for row in rows]
        return TeamChecked(
            team=team,
            entries=check.count,
            head=head,
            cut=cut.number,
            anchors=len(ours.keys() | {one.number for one in given}),
            findings=tuple(findings[:FINDINGS_OF_A_TEAM]),
        )

    async def _entries(self, team: str, last: int) -> AsyncIterator[ChainedEntry]:
        after = -(2**62)
        while True:
            page = (
                select(audit)
                .where(audit.c.team == team, audit.c.number > after, audit.c.number <= last)
                .order_by(audit.c.number)
                .limit(_PAGE)
            )
            rows = await self._database.execute(page)
            for row in rows:
                yield entry_of(row)
            if len(rows) < _PAGE:
                return
            after = rows[-1].number


def _heads(team: str | None) -> Select[Any]:
    """Heads and the newest entries, seen at one moment; also of teams whose head was removed."""
    newest = select(audit.c.team, func.max(audit.c.number).label("newest")).group_by(audit.c.team).subquery()
    both = audit_heads.join(newest, audit_heads.c.team == newest.c.team, full=True)
    name = func.coalesce(audit_heads.c.team, newest.c.team)
    columns = [column for column in audit_heads.c if column.name != "team"]
    query = select(name.label("team"), *columns, newest.c.newest).select_from(both)
    return query if team is None else query.where(name == team)
