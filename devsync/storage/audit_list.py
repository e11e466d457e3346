"""The audit as people read it: which chains there are, and a chain from its end."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import select, text

from devsync.domain.audit import ChainedEntry
from devsync.domain.model import Model
from devsync.storage.audit import entry_of
from devsync.storage.database import Database
from devsync.storage.tables import audit


class EntryKind(StrEnum):
    """What an entry tells of, as its id begins."""

    RUN = "run"
    DELIVERY = "delivery"
    RECOVERY = "recovery"
    ESCALATION = "escalation"
    ERROR = "error"
    ALERT = "alert"
    MUTE = "monitor"
    """Of alerts."""
    BREAKER = "breaker"
    RETENTION = "retention"
    VERIFICATION = "verification"
    """What one has found that was asked for on the dashboard."""


class Chain(Model):
    """One team's."""

    team: str
    """Empty: what belongs to no team, or to many."""
    number: int
    """Of its newest entry; 0: somebody has removed its head."""


_CHAINS: Final = text(
    """
    WITH RECURSIVE there AS (  -- each team once, without reading its entries
        (SELECT team FROM audit ORDER BY team LIMIT 1)
        UNION ALL
        SELECT (SELECT team FROM audit WHERE team > there.team ORDER BY team LIMIT 1) FROM there
        WHERE there.team IS NOT NULL
    )
    SELECT coalesce(head.team, there.team) AS team, coalesce(head.number, 0) AS number
    FROM audit_heads AS head FULL JOIN there ON there.team = head.team
    WHERE (there.team IS NOT NULL OR head.number > 0)
      AND (:is_everybody OR coalesce(head.team, there.team) = ANY(:teams))
    ORDER BY 1
    """
)
"""Also those whose head was removed."""


class AuditList:
    """All raise DatabaseUnavailable and NotMigrated."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def chains(self, teams: Sequence[str] | None) -> list[Chain]:
        """Of these teams, or all, by name."""
        asked = _CHAINS.bindparams(is_everybody=teams is None, teams=list(teams or ()))
        return [Chain.model_validate(row._mapping) for row in await self._database.execute(asked)]

    async def entries(
        self,
        team: str,
        *,
        kind: EntryKind | None = None,
        who: str = "",
        about: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        before: int | None = None,
        limit: int,
    ) -> list[ChainedEntry]:
        """Of one chain, the newest first. `who` and `about` are parts of the names; `before`: of lower numbers."""
        query = select(audit).where(audit.c.team == team)
        if kind is not None:
            query = query.where(audit.c.id.startswith(f"{kind.value}:", autoescape=True))
        if who:
            query = query.where(audit.c.actor.icontains(who, autoescape=True))
        if about:
            query = query.where(audit.c.what.icontains(about, autoescape=True))
        if since is not None:
            query = query.where(audit.c.at >= since)
        if until is not None:
            query = query.where(audit.c.at < until)
        if before is not None:
            query = query.where(audit.c.number < before)
        rows = await self._database.execute(query.order_by(audit.c.number.desc()).limit(limit))
        return [entry_of(row) for row in rows]
