"""What became of teams' weeks: when an edition was delivered first, and who called one off."""

from collections.abc import Collection
from datetime import datetime
from typing import Final

from sqlalchemy import and_, case, func, select
from sqlalchemy.dialects.postgresql import distinct_on

from devsync.contracts.edition import EditionStatus
from devsync.domain.model import Model
from devsync.storage.database import Database
from devsync.storage.deliveries import has_reached_readers
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
    first = func.min(deliveries.c.delivered_at).filter(has_reached_readers())
    delivered = (
        select(deliveries.c.team, deliveries.c.iso_week, first.label("delivered_at"))
        .where(deliveries.c.iso_week.in_(iso_weeks))
        .group_by(deliveries.c.team, deliveries.c.iso_week)
        .subquery()
    )
    last_run = (
        select(
            runs.c.team,
            runs.c.iso_week,
            case((runs.c.status.in_(_CALLED_OFF), runs.c.status + ": " + runs.c.cancelled_because), else_="").label(
                "called_off"
            ),
        )
        .ext(distinct_on(runs.c.team, runs.c.iso_week))
        .where(runs.c.iso_week.in_(iso_weeks), runs.c.workflow_id.startswith("changelog:", autoescape=True))
        .order_by(runs.c.team, runs.c.iso_week, runs.c.started_at.desc(), runs.c.ended_at.desc())
        .subquery()
    )
    team, iso_week = (func.coalesce(delivered.c[name], last_run.c[name]) for name in ("team", "iso_week"))
    is_the_same = and_(delivered.c.team == last_run.c.team, delivered.c.iso_week == last_run.c.iso_week)
    query = (
        select(
            team.label("team"),
            iso_week.label("iso_week"),
            delivered.c.delivered_at,
            func.coalesce(last_run.c.called_off, "").label("called_off"),
        )
        .select_from(delivered.join(last_run, is_the_same, full=True))
        .order_by(iso_week, team)
    )
    return [WeekOnRecord.model_validate(row._mapping) for row in await database.execute(query)]


async def last_deliveries(database: Database) -> dict[str, datetime]:
    """By team, when a channel last got an edition that it did not have. Raises DatabaseUnavailable and NotMigrated."""
    query = (
        select(deliveries.c.team, func.max(deliveries.c.delivered_at).label("newest"))
        .where(has_reached_readers())
        .group_by(deliveries.c.team)
    )
    return {row.team: row.newest for row in await database.execute(query)}
