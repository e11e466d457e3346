"""What `doctor` asks the teams' calendars: can each be read, and does it tell anything?"""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from activities.calendar.ics import read_calendar
from activities.clients.calendar import CalendarClient
from commands.doctor.findings import Finding
from devsync.contracts.names import CALENDAR
from devsync.domain.changelog.upcoming import AHEAD
from devsync.rendering.wording import counted
from devsync.runtime.classification import classify
from devsync.settings.configuration import Configuration
from devsync.settings.environment import Environment

CURE = "copy the calendar's address anew into calendar.ics of the team's file; it must be readable without a login"


async def check_calendars(environment: Environment, configuration: Configuration) -> AsyncIterator[Finding]:
    """Addresses are not shown: with many calendars they are the password."""
    teams = {
        name: (team.calendar.ics, team.timezone)
        for name, team in configuration.teams.items()
        if team.calendar and team.calendar.ics
    }
    if not teams:
        return
    settings = configuration.services.service(CALENDAR)
    client = CalendarClient(
        private_hosts=environment.private_hosts(),
        concurrency=1,
        connect_timeout=settings.http_connect,
        read_timeout=settings.http_read,
    )
    try:
        for name, (address, timezone) in teams.items():
            yield await _finding(client, f"calendar {name}", address, timezone)
    finally:
        await client.close()


async def _finding(client: CalendarClient, check: str, address: str, timezone: str) -> Finding:
    today = datetime.now(ZoneInfo(timezone)).date()
    try:
        answer = await client.read(address)
        data, notes = read_calendar(answer.content or b"", today, today + AHEAD, timezone)
    except Exception as error:  # noqa: BLE001 (of several libraries; the one table knows them)
        return Finding(check, False, classify(error, CALENDAR, datetime.now(UTC)).message, CURE)
    weeks = AHEAD // timedelta(weeks=1)
    found = f"{counted(len(data.absences), 'absence')}, {counted(len(data.milestones), 'date')}"
    told = f"readable; in the next {weeks} weeks {found}"
    return Finding(check, True, "; ".join([told, *notes]))
