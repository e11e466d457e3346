"""What a demo's story is played before: a team with a weekly schedule, a monitor that looks, weeks on record."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

from temporalio.client import Client

from commands.console import progress
from commands.editions import start_edition, watch_edition
from commands.outages import read_yaml, write_yaml
from devsync.domain.changelog.due import WeeklyTime, weeks_between
from devsync.domain.changelog.window import iso_week_of, monday_of
from devsync.rendering.wording import counted, listed
from devsync.settings.configuration import load_team

WEEKS_BEFORE = 2
"""With the story's own, enough for the time by stage to be told."""
QUIET = timedelta(hours=3)
"""No schedule fires for this long: a demo is over by then, or somebody plays with it and may see one."""
AT = time(9)

_SOONER = {"monitoring_interval_seconds": 5}
"""The monitor looks as often as it may: a minute would be long to watch."""
_OVER_SOONER = {"resolve_after": "10s"}
_FORGOTTEN_SOONER = {"window": "5m"}
"""Where calls fail, so that alerts end while somebody still looks: by the hour they would fire for an hour."""


def set_the_scene(config: Path, now: datetime, *, has_outage: bool) -> None:
    """Gives the teams a weekly time that does not come while the story is told, and hurries the monitor.

    Nor are sources refreshed between editions: a refresh in the middle of an outage would be a story of its own.
    """
    monitoring = read_yaml(config / "monitoring.yaml")
    settings = monitoring["changelog_monitoring"]
    settings |= _SOONER | {"alerts": settings["alerts"] | _OVER_SOONER} | (_FORGOTTEN_SOONER if has_outage else {})
    write_yaml(config / "monitoring.yaml", monitoring)
    for path in (config / "teams").glob("*.yaml"):
        team = read_yaml(path)
        team["schedule"]["day"] = quiet_day(now, team["timezone"])
        team["refresh"] = {"enabled": False}
        write_yaml(path, team)


def quiet_day(now: datetime, timezone: str) -> str:
    """Monday, as is usual; Tuesday where nine o'clock of Monday is near."""
    monday = WeeklyTime(weekday=0, clock=AT, timezone=timezone)
    _, due_at = monday.next_due(now)
    return "monday" if due_at - now > QUIET else "tuesday"


async def make_weeks_before(client: Client, config: Path, sandbox: Mapping[str, Any]) -> None:
    """Of each team, oldest first, as `schedule backfill` makes them: on record, and posted nowhere. Tells which."""
    for name in (spec["team"] for spec in sandbox["teams"]):
        weekly_time = load_team(config, name).team.weekly_time
        told = []
        for week in weeks_before(sandbox["week"]):
            handle = await start_edition(client, name, week, scheduled_at=weekly_time.due_at(week), deliver=False)
            result = await watch_edition(client, handle, lambda _now, _views: None)
            told.append(f"{week} ({counted(result.item_count, 'item')})")
        progress.print(f"{name} {listed(told)}: on record from before, posted nowhere", markup=False, soft_wrap=True)


def weeks_before(week: str) -> list[str]:
    first, last = (iso_week_of(monday_of(week) - number * timedelta(weeks=1)) for number in (WEEKS_BEFORE, 1))
    return list(weeks_between(first, last))
