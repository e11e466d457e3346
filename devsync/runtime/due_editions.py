"""Which editions should be there by now: what the teams' files promise, the records have, and the schedules say."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from temporalio.client import Client, ScheduleListDescription

from devsync.contracts import names
from devsync.domain.changelog.due import WeeklyTime
from devsync.domain.changelog.window import iso_week_of, monday_of
from devsync.domain.health.snapshot import DueEdition
from devsync.runtime.schedules import describe
from devsync.settings.team import TeamConfig
from devsync.storage.database import Database
from devsync.storage.pauses import pauses
from devsync.storage.weeks import WeekOnRecord, weeks_on_record

WEEKS_MISSED: Final = 2
"""How many of a team's last due weeks can be missing; of older ones nobody needs to hear again."""
WEEKS_LOOKED_AT: Final = 4
"""A team that has none of these on record, nor a schedule, has not begun."""
ON_RECORD_AFTER: Final = timedelta(minutes=2)
"""What was delivered in the last second is on record a moment later."""

_Week = tuple[str, str]
"""Team and ISO week."""


class _Promise(NamedTuple):
    team: TeamConfig
    iso_week: str
    due_at: datetime
    starts_by: datetime
    """The last moment that the schedule's jitter allows."""
    deadline: datetime

    @property
    def week(self) -> _Week:
        return self.team.team, self.iso_week


async def due_editions(
    database: Database,
    client: Client | None,
    teams: Iterable[TeamConfig],
    now: datetime,
    called_off: Mapping[str, str],
) -> tuple[DueEdition, ...]:
    """The last weeks that fell due, of each team that has a schedule in its file.

    `called_off` are weeks whose schedule was seen paused before, as `week_key` names them, with why: a pause that is
    over does not make them wanted. One that was begun and ended by our commands or pages is known without that, by the
    audit; of one that lasts, the server is asked, if there is a client. Raises DatabaseUnavailable, NotMigrated,
    RPCError and TimeoutError.
    """
    promises = [promise for team in teams if team.schedule for promise in _promises(team, now)]
    if not promises:
        return ()
    known = {
        (one.team, one.iso_week): one for one in await weeks_on_record(database, {one.iso_week for one in promises})
    }
    open_ones = [one for one in promises if not _is_settled(known.get(one.week))]
    paused = await _paused(client) if client is not None and open_ones else {}
    reasons = {one.week: called_off.get(week_key(*one.week)) or paused.get(one.team.team, "") for one in open_ones}
    reasons |= await _were_paused(database, [one for one in open_ones if one.deadline < now and not reasons[one.week]])
    late = [one for one in open_ones if one.deadline < now and not reasons[one.week]]
    earlier = await weeks_on_record(database, _looked_at(late)) if late else []
    on_record = {(one.team, one.iso_week) for one in earlier}
    had_begun = await asyncio.gather(*(_had_begun(client, one, on_record) for one in late))
    unwanted = {one.week for one, is_wanted in zip(late, had_begun, strict=True) if not is_wanted}
    return tuple(
        DueEdition(
            team=one.team.team,
            iso_week=one.iso_week,
            deadline=one.deadline,
            delivered_at=known[one.week].delivered_at if one.week in known else None,
            called_off=reasons.get(one.week) or (known[one.week].called_off if one.week in known else ""),
            is_paused=bool(reasons.get(one.week)),
        )
        for one in promises
        if one.week not in unwanted
    )


def week_key(team: str, iso_week: str) -> str:
    """`payments:2026-W47`."""
    return f"{team}:{iso_week}"


def _promises(team: TeamConfig, now: datetime) -> list[_Promise]:
    """Counted from the last start that its schedule may choose."""
    jitter = team.schedule.jitter if team.schedule else timedelta()
    time = jitter + team.deliver_by + ON_RECORD_AFTER
    return [
        _Promise(team, week, due_at, due_at + jitter, due_at + time)
        for week, due_at in _last_weeks(team.weekly_time, now)
    ]


@lru_cache(maxsize=256)
def _last_weeks(time: WeeklyTime, now: datetime) -> tuple[tuple[str, datetime], ...]:
    """Those that fell due last, with when, the newest first: worked out once for all teams that go by the same time."""
    last, _ = time.last_due(now)
    return tuple((week, time.due_at(week)) for week in _back_from(last, WEEKS_MISSED))


def _back_from(iso_week: str, count: int) -> list[str]:
    return [iso_week_of(monday_of(iso_week) - number * timedelta(days=7)) for number in range(count)]


def _looked_at(promises: Collection[_Promise]) -> set[str]:
    return {week for last in {one.iso_week for one in promises} for week in _back_from(last, WEEKS_LOOKED_AT)}


def _is_settled(week: WeekOnRecord | None) -> bool:
    return week is not None and bool(week.delivered_at or week.called_off)


async def _paused(client: Client) -> dict[str, str]:
    """By team, of every schedule that is paused, why: one question for all of them."""
    return {
        listed.id.removeprefix(names.SCHEDULE_PREFIX): _why(listed)
        async for listed in await client.list_schedules()
        if listed.id.startswith(names.SCHEDULE_PREFIX) and listed.schedule and listed.schedule.state.paused
    }


def _why(listed: ScheduleListDescription) -> str:
    note = listed.schedule.state.note if listed.schedule else None
    return f"its schedule is paused: {note or 'no reason given'}"


async def _were_paused(database: Database, late: Collection[_Promise]) -> dict[_Week, str]:
    """Of those whose schedule somebody had paused when it was to start them, who and why."""
    by_team = await pauses(database, {one.team.team for one in late}) if late else {}
    return {
        one.week: f"its schedule was paused: {f'{pause.by}: {pause.note}' if pause.note else f'by {pause.by}'}"
        for one in late
        for pause in by_team.get(one.team.team, ())
        if pause.covers(one.starts_by)
    }


async def _had_begun(client: Client | None, late: _Promise, on_record: Collection[_Week]) -> bool:
    """Whether the team's schedule was there when the week fell due; of one that is gone, or cannot be asked, whether
    the team has had editions lately. Late ones are few: each schedule is asked by itself."""
    schedule = await describe(client, late.team.team) if client is not None else None
    if schedule is not None:
        return schedule.info.created_at <= late.due_at
    return any((late.team.team, week) in on_record for week in _back_from(late.iso_week, WEEKS_LOOKED_AT))
