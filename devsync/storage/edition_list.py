"""Editions on record as a list: one line for each week of each team, its newest revision, where it went."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.dialects.postgresql import distinct_on

from devsync.contracts.delivery import DeliveryState
from devsync.contracts.edition import EditionStatus
from devsync.domain.model import Model
from devsync.storage.database import Database
from devsync.storage.deliveries import RANK, WORST_FIRST, is_for_readers
from devsync.storage.tables import deliveries, editions


class ChannelLine(Model):
    """A channel that a week went to, or is to go to."""

    channel: str
    kind: str
    state: DeliveryState
    """Of its parts, the one that needs somebody most."""
    revision: int


class EditionLine(Model):
    team: str
    iso_week: str
    revision: int
    status: EditionStatus
    completeness: float
    item_count: int
    gap_count: int
    composed_at: datetime
    channels: tuple[ChannelLine, ...] = ()
    completed_at: datetime | None = None
    """Of one that is complete and had gone out partial: when the revision was composed that lacks nothing."""


_LINE: Final = (
    editions.c.team,
    editions.c.iso_week,
    editions.c.revision,
    editions.c.status,
    editions.c.completeness,
    editions.c.item_count,
    func.jsonb_array_length(editions.c.gaps).label("gap_count"),
    editions.c.composed_at,
)


class EditionList:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def newest(
        self,
        *,
        teams: Sequence[str] | None,
        iso_weeks: Sequence[str] | None = None,
        status: EditionStatus | None = None,
        after: tuple[str, str] | None = None,
        limit: int,
    ) -> list[EditionLine]:
        """The latest weeks first, within one the teams by name. Three queries, however many lines.

        `teams`, `iso_weeks`: of these alone, None for all. `after`: week and team of the last line before. Raises
        DatabaseUnavailable.
        """
        newest = select(*_LINE).ext(distinct_on(editions.c.iso_week, editions.c.team))
        newest = newest.order_by(editions.c.iso_week.desc(), editions.c.team, editions.c.revision.desc())
        if teams is not None:
            newest = newest.where(editions.c.team.in_(teams))
        if iso_weeks is not None:
            newest = newest.where(editions.c.iso_week.in_(iso_weeks))
        if after is not None:
            week, team = after
            newest = newest.where(
                (editions.c.iso_week < week) | ((editions.c.iso_week == week) & (editions.c.team > team))
            )
        found = newest.subquery()
        query = select(found).order_by(found.c.iso_week.desc(), found.c.team).limit(limit)
        if status is not None:
            query = query.where(found.c.status == status.value)
        rows = await self._database.execute(query)
        channels = await self._channels([(row.team, row.iso_week) for row in rows])
        later = [row for row in rows if row.revision > 1 and row.status == EditionStatus.COMPLETE.value]
        completed = await self._completed([(row.team, row.iso_week) for row in later])
        return [
            EditionLine.model_validate(
                {
                    **row._mapping,
                    "channels": channels.get((row.team, row.iso_week), ()),
                    "completed_at": completed.get((row.team, row.iso_week)),
                }
            )
            for row in rows
        ]

    async def revisions(self, team: str, iso_week: str) -> list[EditionLine]:
        """Of one week, the newest first, without channels."""
        query = select(*_LINE).where(editions.c.team == team, editions.c.iso_week == iso_week)
        rows = await self._database.execute(query.order_by(editions.c.revision.desc()))
        return [EditionLine.model_validate(row._mapping) for row in rows]

    async def channels_of(self, team: str, iso_week: str) -> list[ChannelLine]:
        """Where one week went, or is to go to."""
        return (await self._channels([(team, iso_week)])).get((team, iso_week), [])

    async def _completed(self, weeks: Sequence[tuple[str, str]]) -> dict[tuple[str, str], datetime]:
        """Of weeks that are complete, those that were partial before: the first revision after that."""
        if not weeks:
            return {}
        key, partial = (editions.c.team, editions.c.iso_week), editions.alias()
        last_partial = (
            select(func.max(partial.c.revision))
            .where(partial.c.team == editions.c.team, partial.c.iso_week == editions.c.iso_week)
            .where(partial.c.status == EditionStatus.PARTIAL.value)
            .scalar_subquery()
        )
        query = select(*key, func.min(editions.c.composed_at).label("at"))
        rows = await self._database.execute(
            query.where(tuple_(*key).in_(weeks), editions.c.revision > last_partial).group_by(*key)
        )
        return {(row.team, row.iso_week): row.at for row in rows}

    async def _channels(self, weeks: Sequence[tuple[str, str]]) -> dict[tuple[str, str], list[ChannelLine]]:
        found: dict[tuple[str, str], list[ChannelLine]] = {}
        if weeks:
            for row in await self._database.execute(_worst_parts(weeks)):
                line = ChannelLine.model_validate({**row._mapping, "state": WORST_FIRST[row.rank]})
                found.setdefault((row.team, row.iso_week), []).append(line)
        return found


def _worst_parts(weeks: Sequence[tuple[str, str]]) -> Select[Any]:
    key = (deliveries.c.team, deliveries.c.iso_week, deliveries.c.channel)
    return (
        select(
            *key,
            func.max(deliveries.c.kind).label("kind"),
            func.max(deliveries.c.revision).label("revision"),
            func.min(RANK).label("rank"),
        )
        .where(tuple_(deliveries.c.team, deliveries.c.iso_week).in_(weeks), is_for_readers())
        .group_by(*key)
        .order_by(*key)
    )
