"""The audit is verified because somebody asks for it: what is found is told in the chain itself, with who asked."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, NamedTuple

from pydantic import ValidationError
from sqlalchemy.exc import IntegrityError
from temporalio.service import RPCError

from dashboard.site import Site
from devsync.domain.audit import AuditEntry, Head
from devsync.domain.model import Model
from devsync.runtime.noted_heads import noted_heads
from devsync.runtime.payload_codec import KeyMissing
from devsync.storage.audit import Audit
from devsync.storage.audit_check import AuditCheck, TeamChecked
from devsync.storage.audit_list import AuditList, EntryKind
from devsync.storage.connection import StorageError

WHOLE: Final = "whole"
BROKEN: Final = "broken"
_PATIENCE_SECONDS: Final = 20.0
"""For Temporal, which is asked for each run that has noted heads."""


class AlreadyVerified(Exception):
    """Somebody verifies it just now; the message says who."""


class Verified(NamedTuple):
    """What was found just now."""

    checked: TeamChecked
    is_on_record: bool
    """False: the chain takes no entry any more, or the database has gone away."""


class Verification(Model):
    """The context of an entry that tells of one."""

    entries: int
    number: int
    """Of the newest of them."""
    hash: str
    anchors: int
    was_temporal_asked: str
    """`yes`, or `no`: it did not answer, or in no words that can be read."""
    findings: int
    first: str = ""
    """Of the findings."""


class LastVerified(NamedTuple):
    by: str
    at: datetime
    outcome: str
    found: Verification


async def last_verified(site: Site, team: str) -> LastVerified | None:
    """None: nobody has asked for it here, or what tells of it is not of our making."""
    told = await AuditList(site.database).entries(team, kind=EntryKind.VERIFICATION, limit=1)
    for entry in (one.entry for one in told):
        with suppress(ValidationError):
            return LastVerified(entry.actor, entry.at, entry.outcome, Verification.model_validate(entry.context))
    return None


async def verify(site: Site, team: str, by: str) -> Verified | None:
    """As `audit verify` does; None where the team has no chain. Raises AlreadyVerified, DatabaseUnavailable and
    NotMigrated."""
    if team in site.verifying:
        raise AlreadyVerified(f"{site.verifying[team]} verifies it just now; look again in a moment")
    site.verifying[team] = by
    try:
        noted = await _noted(site)
        async for checked in AuditCheck(site.database).teams(team=team, anchors=noted):
            return Verified(
                checked, await _is_recorded(site, _entry(checked, by, was_temporal_asked=noted is not None))
            )
        return None
    finally:
        del site.verifying[team]


async def _noted(site: Site) -> dict[str, list[Head]] | None:
    """What Temporal remembers; None where it cannot be asked, or what it says cannot be read."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            return await noted_heads(site.temporal, await Audit(site.database).database_id())
    except (RPCError, TimeoutError, KeyMissing):
        return None


def _entry(checked: TeamChecked, by: str, *, was_temporal_asked: bool) -> AuditEntry:
    now = datetime.now(UTC)
    first = next(iter(checked.findings), None)
    found = Verification(
        entries=checked.entries,
        number=checked.head.number,
        hash=checked.head.hash,
        anchors=checked.anchors,
        was_temporal_asked="yes" if was_temporal_asked else "no",
        findings=len(checked.findings),
        first=f"{first.damage.value}: entry {first.number}: {first.detail}" if first else "",
    )
    return AuditEntry(
        team=checked.team,
        id=f"{EntryKind.VERIFICATION.value}:{now.isoformat()}",
        at=now,
        actor=by,
        what="audit",
        action="verify",
        outcome=BROKEN if checked.findings else WHOLE,
        context=found.model_dump(),
    )


async def _is_recorded(site: Site, entry: AuditEntry) -> bool:
    try:
        await Audit(site.database).write([entry])
    except (StorageError, IntegrityError):  # a chain without its head begins anew, and its numbers are taken
        return False
    return True
