"""What became of deliveries that met errors: there after all, another channel in their place, given up, not known."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import case, func, select, tuple_

from devsync.contracts.delivery import DeliveryState
from devsync.contracts.errors import ErrorRecord
from devsync.contracts.names import DeliveryKey, delivery_key
from devsync.domain.recovery.builtin import DELIVER, DELIVER_ALTERNATIVE, DELIVER_EMAIL
from devsync.storage.database import Database
from devsync.storage.deliveries import RANK, WORST_FIRST
from devsync.storage.tables import deliveries, recoveries, recovery_steps


class DeliveryEnd(NamedTuple):
    """How a channel's delivery stands after an error of it."""

    key: DeliveryKey
    state: DeliveryState
    """DELIVERED also where a later revision is on its way: what met the error is there."""
    at: datetime
    """Since when."""
    is_later: bool
    """The end came after the error."""
    has_stand_in: bool
    """Another channel has it in its place, by the recovery of the same run."""

    @property
    def words(self) -> str:
        if self.state is DeliveryState.DELIVERED:
            return "delivered later" if self.is_later else "delivered"
        if self.has_stand_in:
            return "another channel stands in"
        return "still tried" if self.state is DeliveryState.PENDING else self.state.value


async def delivery_ends(database: Database, met: Sequence[ErrorRecord]) -> list[DeliveryEnd | None]:
    """One for each error; None where it is none of a delivery, or the delivery is not on record. Two queries, however
    many. Raises DatabaseUnavailable and NotMigrated."""
    keys = [delivery_key(one.workflow_id) for one in met]
    wanted = {key for key in keys if key is not None}
    if not wanted:
        return [None for _ in met]
    standing = await _standing(database, wanted)
    stand_ins = await _stand_ins(database, wanted)
    return [
        _end(key, standing[key], one, has_stand_in=(key, one.owner_run_id) in stand_ins)
        if key is not None and key in standing
        else None
        for key, one in zip(keys, met, strict=True)
    ]


def _end(key: DeliveryKey, row: Any, error: ErrorRecord, *, has_stand_in: bool) -> DeliveryEnd:
    state, at = WORST_FIRST[row.rank], row.updated_at
    if row.there_at is not None and row.there_at >= error.occurred_at:
        state, at = DeliveryState.DELIVERED, row.there_at  # whatever became of a later revision
    return DeliveryEnd(key, state, at, at >= error.occurred_at, has_stand_in)


async def _standing(database: Database, keys: Collection[DeliveryKey]) -> dict[DeliveryKey, Any]:
    table = deliveries.c
    key = (table.team, table.iso_week, table.channel)
    is_there = func.bool_and(table.delivered_at.is_not(None))
    query = (
        select(
            *key,
            func.min(RANK).label("rank"),
            func.max(table.updated_at).label("updated_at"),
            case((is_there, func.max(table.delivered_at))).label("there_at"),
        )
        .where(tuple_(*key).in_(keys))
        .group_by(*key)
    )
    return {DeliveryKey(row.team, row.iso_week, row.channel): row for row in await database.execute(query)}


async def _stand_ins(database: Database, keys: Collection[DeliveryKey]) -> set[tuple[DeliveryKey, str | None]]:
    """Each with the run whose recovery found it."""
    table, step = recoveries.c, recovery_steps.c
    channel = func.jsonb_array_elements_text(step.healed).table_valued("value", name="channel")
    query = (
        select(table.team, table.iso_week, channel.c.value, table.owner_run_id)
        .join(recovery_steps, (step.workflow_id == table.workflow_id) & (step.run_id == table.run_id))
        .join(channel, channel.c.value.is_not(None))
        .where(
            tuple_(table.team, table.iso_week).in_({(key.team, key.iso_week) for key in keys}),
            table.phase == DELIVER,
            step.activity.in_((DELIVER_ALTERNATIVE, DELIVER_EMAIL)),
        )
    )
    rows = await database.execute(query)
    return {(DeliveryKey(row.team, row.iso_week, row.value), row.owner_run_id) for row in rows}
