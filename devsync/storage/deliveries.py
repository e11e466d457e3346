"""Deliveries on record: one row for each part of a channel's message.

A copy of the state that the `Delivery` workflow decides by; it outlives the retention of workflow histories,
so that a week delivered long ago is updated in place and not posted again.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Executable, and_, case, delete, exists, func, select, tuple_

from devsync.contracts.delivery import DeliveryState
from devsync.contracts.names import REVIEWERS_PREFIX, delivery_id
from devsync.domain.model import Model
from devsync.storage.database import Database
from devsync.storage.tables import deliveries
from devsync.storage.upsert import upsert


class DeliveryRecord(Model):
    """One part of one channel's message; the key is (team, iso_week, channel, part), never a run."""

    team: str
    iso_week: str
    channel: str
    part: int = 0
    """0 is the channel message, the others its thread."""
    kind: str = ""
    """`slack`, `email`, `webhook`, `feed`."""
    revision: int
    state: DeliveryState
    target: str = ""
    """Of mail: the recipient."""
    channel_id: str = ""
    message_id: str = ""
    content_digest: str = ""
    attempts: int = 0
    last_error: str = ""
    sent_at: datetime | None = None
    """Start of a send whose outcome is not known."""
    updated_at: datetime
    """Workflow time: of two reports about the same revision the later one stays."""


class DeliverySummary(Model):
    """One channel's delivery of a week, all its parts together."""

    id: str
    """The workflow's."""
    team: str
    iso_week: str
    channel: str
    kind: str
    revision: int
    state: DeliveryState
    """Of its parts, the one that needs somebody most."""
    parts: int
    delivered: int
    """How many of them are in the channel."""
    attempts: int
    """Of the part that was tried most often."""
    last_error: str
    updated_at: datetime


WORST_FIRST = (
    DeliveryState.DEAD,
    DeliveryState.FAILED,
    DeliveryState.UNCERTAIN,
    DeliveryState.PENDING,
    DeliveryState.DELIVERED,
)
"""Those that a row can have."""

RANK = case({one.value: n for n, one in enumerate(WORST_FIRST)}, value=deliveries.c.state)
"""The place of a part's state among them."""


class Deliveries:
    """Queries. `devsync.storage.records.Records` writes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_edition(self, team: str, iso_week: str, *, channel: str | None = None) -> list[DeliveryRecord]:
        """Every part of the week's deliveries, ordered by channel and part."""
        query = (
            select(deliveries)
            .where(deliveries.c.team == team, deliveries.c.iso_week == iso_week)
            .order_by(deliveries.c.channel, deliveries.c.part)
        )
        if channel is not None:
            query = query.where(deliveries.c.channel == channel)
        rows = await self._database.execute(query)
        return [DeliveryRecord.model_validate(dict(row._mapping)) for row in rows]

    async def summaries(
        self,
        *,
        teams: Collection[str] | None = None,
        iso_week: str | None = None,
        channel: str | None = None,
        state: DeliveryState | None = None,
        after: tuple[datetime, str, str, str] | None = None,
        limit: int,
    ) -> list[DeliverySummary]:
        """One for each channel of each week, the latest first.

        `teams`: of these alone; `channel`: by its key or its kind; `state`: that of the whole; `after`: when the last
        one before was updated, its team, week and channel.
        """
        key = (deliveries.c.team, deliveries.c.iso_week, deliveries.c.channel)
        rank = func.min(RANK)
        query = select(
            *key,
            func.max(deliveries.c.kind).label("kind"),
            func.max(deliveries.c.revision).label("revision"),
            rank.label("rank"),
            func.count().label("parts"),
            func.count().filter(deliveries.c.state == DeliveryState.DELIVERED.value).label("delivered"),
            func.max(deliveries.c.attempts).label("attempts"),
            func.coalesce(func.max(func.nullif(deliveries.c.last_error, "")), "").label("last_error"),
            func.max(deliveries.c.updated_at).label("updated_at"),
        ).group_by(*key)
        if teams is not None:
            query = query.where(deliveries.c.team.in_(teams))
        if iso_week is not None:
            query = query.where(deliveries.c.iso_week == iso_week)
        if channel is not None:
            query = query.where((deliveries.c.channel == channel) | (deliveries.c.kind == channel))
        if state is not None:
            if state not in WORST_FIRST:
                return []
            query = query.having(rank == WORST_FIRST.index(state))
        place = (func.max(deliveries.c.updated_at), *key)
        if after is not None:
            query = query.having(tuple_(*place) < after)
        rows = await self._database.execute(query.order_by(*(one.desc() for one in place)).limit(limit))
        return [_summary(dict(row._mapping)) for row in rows]


def _summary(row: dict[str, Any]) -> DeliverySummary:
    workflow_id = delivery_id(row["team"], row["iso_week"], row["channel"])
    return DeliverySummary.model_validate(row | {"id": workflow_id, "state": WORST_FIRST[row["rank"]]})


def delivery_statements(records: Sequence[DeliveryRecord]) -> list[Executable]:
    """Writes channels' messages, each with all its parts, which are distinct and reported at the same moment.

    An older revision, or an earlier report of the same one, changes nothing; parts that a newer report no longer has
    are deleted, so that a later, longer revision does not update a message that is gone.
    """
    channels = sorted({(record.team, record.iso_week, record.channel) for record in records})
    return [_upsert(records), *(_delete_outdated(*channel) for channel in channels)]


def is_for_readers() -> ColumnElement[bool]:
    """Of a part: it belongs to a channel of the edition, and not to a preview, which reviewers alone see."""
    return ~deliveries.c.channel.startswith(REVIEWERS_PREFIX, autoescape=True)


def has_reached_readers() -> ColumnElement[bool]:
    """Of a part: it stands, or stood, in a channel of the edition."""
    return and_(deliveries.c.delivered_at.is_not(None), is_for_readers())


def _upsert(records: Sequence[DeliveryRecord]) -> Executable:
    return upsert(
        deliveries,
        [_row(record) for record in records],
        may_replace=lambda new: (
            tuple_(new.excluded.revision, new.excluded.updated_at)
            >= tuple_(deliveries.c.revision, deliveries.c.updated_at)
        ),
        # Once in the channel, always in the channel: a pending revision does not undo the first delivery.
        keep=lambda new: {"delivered_at": func.coalesce(deliveries.c.delivered_at, new.excluded.delivered_at)},
    )


def _delete_outdated(team: str, iso_week: str, channel: str) -> Executable:
    newer = deliveries.alias("newer")
    is_of_channel = (deliveries.c.team == team, deliveries.c.iso_week == iso_week, deliveries.c.channel == channel)
    is_newer = tuple_(newer.c.revision, newer.c.updated_at) > tuple_(deliveries.c.revision, deliveries.c.updated_at)
    return delete(deliveries).where(
        *is_of_channel,
        exists().where(newer.c.team == team, newer.c.iso_week == iso_week, newer.c.channel == channel, is_newer),
    )


def _row(record: DeliveryRecord) -> dict[str, Any]:
    delivered_at = record.updated_at if record.state is DeliveryState.DELIVERED else None
    return record.model_dump() | {"delivered_at": delivered_at}
