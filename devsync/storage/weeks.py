"""What became of teams' weeks: when an edition was delivered first, and who called one off."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import case, func, select, union

from devsync.contracts.edition import EditionStatus
from devsync.domain.model import Model
from devsync.storage.database import Database
from devsync.storage.tables import deliveries, runs

_CALLED_OFF: Final = tuple(
    status.value for status in (EditionStatus.CANCELLED, EditionStatus.REJECTED, EditionStatus.ABORTED)
)


class WeekOnRecord(Model):
    """What `devsync.domain.health.snapshot.DueEdition` has to know beyond the deadline."""

    team: str
    iso_week: str
    delivered_at: datetime | None
    """When its first channel had it."""
    called_off: str
    """By the last run of the week that was no dry run: how it ended, by whom and why; empty where nobody did."""


async def weeks_on_record(database: Database, iso_weeks: Collection[str]) -> list[WeekOnRecord]:
    """Of those weeks, every team's of which anything is on record. Raises DatabaseUnavailable and NotMigrated."""
    is_edition = runs.c.workflow_id.startswith("changelog:", autoescape=True)
    told = union(
        select(runs.c.team, runs.c.iso_week).where(runs.c.iso_week.in_(iso_weeks), is_edition),
        select(deliveries.c.team, deliveries.c.iso_week).where(deliveries.c.iso_week.in_(iso_weeks)),
    ).subquery()
    delivered = (
        select(func.min(deliveries.c.delivered_at))
        .where(deliveries.c.team == told.c.team, deliveries.c.iso_week == told.c.iso_week)
        .scalar_subquery()
    )
    called_off = (
        select(case((runs.c.status.in_(_CALLED_OFF), runs.c.status + ": " + runs.c.cancelled_because), else_=""))
        .where(runs.c.team == told.c.team, runs.c.iso_week == told.c.iso_week, is_edition)
        .order_by(runs.c.started_at.desc(), runs.c.ended_at.desc())
        .limit(1)
        .scalar_subquery()
    )
    query = select(
        told.c.team,
        told.c.iso_week,
        delivered.label("delivered_at"),
        func.coalesce(called_off, "").label("called_off"),
    ).order_by(told.c.iso_week, told.c.team)
    return [WeekOnRecord.model_validate(row._asdict()) for row in await database.execute(query)]


async def last_deliveries(database: Database) -> dict[str, datetime]:
    """By team, when a channel last got an edition that it did not have. Raises DatabaseUnavailable and NotMigrated."""
    query = (
        select(deliveries.c.team, func.max(deliveries.c.delivered_at).label("newest"))
        .where(deliveries.c.delivered_at.is_not(None))
        .group_by(deliveries.c.team)
    )
    return {row.team: row.newest for row in await database.execute(query)}
