"""The audit: what was done or went wrong, by whom, in an order that nobody can change afterwards unseen.

Each team has its own chain: every entry carries a hash of itself and of the hash before it, so that whoever changes,
removes or slips in one has to write all later ones anew. The newest can be removed without that; so the head stands
outside the entries, and anchors (heads noted at intervals) stand outside the database. No I/O here.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from devsync.domain.model import Model

FIRST: Final = "0" * 64
"""Stands in the place of the hash before the first entry."""
CUT: Final = "retention.cut"
"""The action of the entry that says what retention has removed."""
AUDIT: Final = "audit"
"""What such an entry is about when entries themselves were removed: up to `number` in its context."""


class AuditEntry(Model):
    """One thing that was done, or went wrong. `team` and `id` name it: told twice, it is there once."""

    team: str
    """Empty: it is of no team, or of many."""
    id: str
    """Follows from what happened, never from when it is written."""
    at: datetime
    actor: str
    """Who: a person, or the part of the system that decided."""
    what: str
    """What it was done to: a workflow's id, a breaker's, …"""
    action: str
    outcome: str
    context: dict[str, str | int] = {}
    """Texts and whole numbers alone: fractions may come back from a database written otherwise."""


def deed(*, team: str, by: str, at: datetime, what: str, action: str, outcome: str, **context: str | int) -> AuditEntry:
    """What a person did to something that keeps no record of it by itself: a schedule, a delivery tried again."""
    return AuditEntry(
        team=team,
        id=f"deed:{what}:{action}:{at.astimezone(UTC).isoformat()}:{by}",
        at=at,
        actor=by,
        what=what,
        action=action,
        outcome=outcome,
        context=context,
    )


class Head(Model):
    """Where a chain stands: the number and hash of an entry, of none at its beginning."""

    number: int = 0
    hash: str = FIRST


class ChainedEntry(Model):
    """An entry in its place. Numbers count from 1 in each team's chain, without a hole."""

    number: int
    entry: AuditEntry
    hash: str


class Damage(StrEnum):
    CHANGED = "changed"
    REMOVED = "removed"
    INSERTED = "inserted"


class Finding(Model):
    """One thing that is wrong with a chain."""

    team: str
    damage: Damage
    number: int
    """The first entry that it is about; 0 for what is no entry."""
    detail: str


def hash_of(previous: str, number: int, entry: AuditEntry) -> str:
    """Never to be changed: what was written with it could not be verified any more."""
    said = [
        previous,
        number,
        entry.team,
        entry.id,
        entry.at.astimezone(UTC).isoformat(),
        entry.actor,
        entry.what,
        entry.action,
        entry.outcome,
        entry.context,
    ]
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def chained(head: Head, entries: Iterable[AuditEntry]) -> Iterator[ChainedEntry]:
    """The entries, which are of one team, in their order behind the head."""
    for number, entry in enumerate(entries, head.number + 1):
        head = Head(number=number, hash=hash_of(head.hash, number, entry))
        yield ChainedEntry(number=number, entry=entry, hash=head.hash)


class ChainCheck:
    """Looks at one team's chain, entry by entry in the order of their numbers, and says what is wrong with it.

    It goes on behind what is wrong, so that one changed entry is one finding.
    """

    def __init__(self, team: str, *, cut: Head, head: Head, anchors: Mapping[int, str]) -> None:
        """`cut` is where retention has cut the chain, `head` where it should end; `anchors` are hashes by number."""
        self._team = team
        self._cut = cut
        self._head = head
        self._anchors = {number: hash_ for number, hash_ in anchors.items() if number >= cut.number}
        self._last = cut.number
        self._previous: str | None = cut.hash
        self._said_cut = 0
        self.count = 0

    def see(self, row: ChainedEntry) -> Iterator[Finding]:
        """What is wrong with this entry, or lacks before it."""
        self.count += 1
        if row.number <= self._cut.number:
            yield self._found(Damage.INSERTED, row.number, "stands before the beginning of the chain")
            return
        if row.number > self._head.number:
            self._last = row.number
            yield self._found(Damage.INSERTED, row.number, f"the chain ends at entry {self._head.number}")
            return
        if row.number > self._last + 1:
            yield self._missing(self._last + 1, row.number - 1)
            self._previous = None
        if self._previous is not None and hash_of(self._previous, row.number, row.entry) != row.hash:
            yield self._found(Damage.CHANGED, row.number, "its hash does not follow from it and from the entry before")
        elif self._anchors.get(row.number, row.hash) != row.hash:
            yield self._found(Damage.CHANGED, row.number, "its anchor has another hash: the chain was written anew")
        if (row.entry.action, row.entry.what) == (CUT, AUDIT):
            self._said_cut = int(row.entry.context.get("number", 0))
        self._last, self._previous = row.number, row.hash

    def end(self) -> Iterator[Finding]:
        """What is wrong with the chain's two ends."""
        last_anchored = max(self._anchors, default=0)
        if self._last < self._head.number:
            yield self._missing(self._last + 1, self._head.number)
        elif self._last < last_anchored:
            yield self._missing(self._last + 1, last_anchored)
        elif self._last == self._head.number and self._previous not in (None, self._head.hash):
            yield self._found(Damage.CHANGED, self._last, "the chain's head has another hash")
        if self._cut.number != self._said_cut:
            yield self._found(
                Damage.REMOVED,
                1,
                f"the chain begins behind entry {self._cut.number}, and no entry of retention says so",
            )
        elif self._anchors.get(self._cut.number, self._cut.hash) != self._cut.hash:
            yield self._found(
                Damage.CHANGED, self._cut.number, "the chain was cut at an entry that its anchor does not know"
            )

    def _missing(self, first: int, last: int) -> Finding:
        return self._found(Damage.REMOVED, first, "is missing" if first == last else f"to {last} are missing")

    def _found(self, damage: Damage, number: int, detail: str) -> Finding:
        return Finding(team=self._team, damage=damage, number=number, detail=detail)
