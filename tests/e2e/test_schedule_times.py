"""The server's calendar against ours: every week fires, at the instant that the arithmetic says, whatever clocks do."""

import uuid
from datetime import datetime, time, timedelta
from typing import NamedTuple

import pytest
from temporalio.client import Client, ScheduleBackfill, ScheduleDescription

from devsync.contracts import names
from devsync.domain.changelog.due import weeks_between
from devsync.domain.changelog.window import last_week_ended_by
from devsync.runtime.plugin import DevSyncPlugin
from devsync.runtime.schedules import describe, started_by, team_schedule
from devsync.settings.team import Day, GitHubSource, Schedule, SlackChannel, TeamConfig
from tests.e2e.stage import eventually, forget
from tests.servers import Servers


class Case(NamedTuple):
    day: Day
    clock: str
    timezone: str
    first: str
    last: str
    firings: int


CASES = [
    Case("monday", "09:00", "Europe/Berlin", "2026-W11", "2026-W14", 4),
    Case("monday", "09:00", "Europe/Berlin", "2025-W51", "2026-W02", 4),
    Case("friday", "17:30", "America/New_York", "2020-W52", "2021-W01", 3),  # 2020 has a week 53
    Case("sunday", "02:30", "Europe/Berlin", "2026-W11", "2026-W13", 3),  # no clock shows it on 29 March
    Case("sunday", "02:00", "Europe/Berlin", "2026-W11", "2026-W13", 3),
    Case("sunday", "02:30", "Europe/Berlin", "2026-W41", "2026-W43", 3),  # shown twice on 25 October, fires once
    Case("sunday", "00:30", "America/Santiago", "2026-W34", "2026-W36", 3),  # no clock shows it on 6 September
    Case("saturday", "23:30", "America/Santiago", "2026-W12", "2026-W14", 4),  # shown twice on 4 April, fires twice
    Case("sunday", "02:15", "Australia/Lord_Howe", "2026-W38", "2026-W40", 3),  # a gap of half an hour
    Case("sunday", "01:45", "Australia/Lord_Howe", "2026-W12", "2026-W14", 3),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.day} {case.clock} {case.timezone} {case.first}")
async def test_every_week_fires_when_it_is_due(servers: Servers, case: Case) -> None:
    client = await Client.connect(servers.temporal.address, plugins=[DevSyncPlugin()])
    team = TeamConfig(
        team=f"times-{uuid.uuid4().hex[:8]}",
        timezone=case.timezone,
        schedule=Schedule(day=case.day, time=time.fromisoformat(case.clock)),
        github=GitHubSource(repositories=("acme/api",)),
        channels=(SlackChannel(channel="#payments"),),
    )
    weeks = list(weeks_between(case.first, case.last))
    due = [team.weekly_time.due_at(week) for week in weeks]
    schedule = team_schedule(team, due[0] - timedelta(days=3))
    handle = await client.create_schedule(names.schedule_id(team.team), schedule)
    try:
        await handle.backfill(ScheduleBackfill(due[0] - timedelta(days=3), due[-1] + timedelta(days=3)))

        async def have_fired() -> bool:
            there = await describe(client, team.team)
            return there is not None and len(there.info.recent_actions) >= case.firings

        await eventually(have_fired)
        fired = sorted(fired_at(await handle.describe()))
    finally:
        await forget(client, team.team)
    assert len(fired) == case.firings
    assert {last_week_ended_by(at, case.timezone) for at in fired} == set(weeks)
    # Where a week fires twice, its last firing is the one whose edition stays.
    assert list({last_week_ended_by(at, case.timezone): at for at in fired}.values()) == due


def fired_at(schedule: ScheduleDescription) -> list[datetime]:
    """When each firing was due, as its workflow id says."""
    return [datetime.fromisoformat(started_by(action)[-20:]) for action in schedule.info.recent_actions]
