"""Which teams' editions are missing: due, past their deadline, and neither delivered nor called off."""

from collections.abc import Collection, Mapping
from datetime import datetime

from temporalio.client import Client

from devsync.domain.health.bands import missing
from devsync.domain.health.snapshot import DueEdition
from devsync.runtime.schedules import describe
from devsync.settings.team import TeamConfig
from devsync.storage.database import Database
from devsync.storage.weeks import weeks_on_record


async def due_editions(database: Database, teams: Collection[TeamConfig], now: datetime) -> list[DueEdition]:
    """Of each team with a schedule, the newest edition whose deadline has passed, as the records know it.

    Raises DatabaseUnavailable and NotMigrated.
    """
    due = {
        team.team: (*team.weekly_time.last_due(now - team.deliver_by), team.deliver_by)
        for team in teams
        if team.schedule is not None
    }
    on_record = {
        (one.team, one.iso_week): one
        for one in await weeks_on_record(database, {iso_week for iso_week, _, _ in due.values()})
    }
    found = []
    for team, (iso_week, due_at, deliver_by) in due.items():
        one = DueEdition(team=team, iso_week=iso_week, deadline=due_at + deliver_by)
        known = on_record.get((team, iso_week))
        changes = {"delivered_at": known.delivered_at, "called_off": known.called_off} if known else {}
        found.append(one.model_copy(update=changes))
    return found


async def overdue_teams(
    client: Client, due: Collection[DueEdition], teams: Mapping[str, TeamConfig], now: datetime
) -> set[str]:
    """Those of which one is missing, unless its schedule says that nobody waits for it. Raises RPCError."""
    return {one.team for one in missing(due, now) if await _is_waited_for(client, one, teams[one.team])}


async def _is_waited_for(client: Client, due: DueEdition, team: TeamConfig) -> bool:
    """Not of a schedule that is paused, was never applied, or was made when the edition had been due already."""
    schedule = await describe(client, due.team)
    if schedule is None or schedule.schedule.state.paused:
        return False
    return schedule.info.created_at < team.weekly_time.due_at(due.iso_week)
