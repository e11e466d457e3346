"""A team's schedule on the server: made from its file, held to it, and never at the cost of a week or of a pause."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from temporalio.api.common.v1 import Payload
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionExecutionStartWorkflow,
    ScheduleActionResult,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleBackfill,
    ScheduleCalendarSpec,
    ScheduleDescription,
    ScheduleHandle,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError, RPCStatusCode

from devsync.contracts import names
from devsync.contracts.due import DueRequest
from devsync.domain.changelog.window import last_week_ended_by
from devsync.runtime.policies import CATCH_UP
from devsync.settings.team import TeamConfig

GAPS_AHEAD = timedelta(days=5 * 366)
"""So far ahead the local times that daylight saving skips are named; each `apply` moves it on."""

DIGEST = "config_digest"
"""Memo of the schedule's action, and so of every run that it starts."""


class Change(StrEnum):
    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DELETED = "deleted"


@dataclass(frozen=True)
class Applied:
    """What `apply` did to one team's schedule."""

    change: Change
    description: ScheduleDescription
    caught_up: str | None = None
    """The week that the change had made due in the past, and that was started for this reason."""


def team_schedule(team: TeamConfig, now: datetime) -> Schedule:
    """The schedule that the team's file asks for, in the state of a new one. Raises ValueError without one."""
    if team.schedule is None:
        raise ValueError(f"{team.team} has no schedule in its file")
    clock = team.schedule.time
    weekly = _calendar(
        day_of_week=_only((team.schedule.weekday + 1) % 7),  # here 0 is Sunday
        hour=_only(clock.hour),
        minute=_only(clock.minute),
        comment=f"every {team.schedule.day} {clock:%H:%M}",
    )
    # Where clocks skip the time, the server would not fire at all that week.
    instead = [
        _calendar(
            year=_only(local.year),
            month=_only(local.month),
            day_of_month=_only(local.day),
            hour=_only(local.hour),
            minute=_only(local.minute),
            comment=f"clocks skip {clock:%H:%M} on this day",
        )
        for local in team.weekly_time.skipped(now, now + GAPS_AHEAD)
    ]
    summary, details = _words(team)
    return Schedule(
        action=ScheduleActionStartWorkflow(
            names.EDITION_TRIGGER,
            DueRequest(team=team.team),
            id=names.due_id(team.team),
            task_queue=names.CONTROL_QUEUE,
            memo={DIGEST: config_digest(team)},
            typed_search_attributes=TypedSearchAttributes([SearchAttributePair(names.TEAM, team.team)]),
            static_summary=summary,
            static_details=details,
        ),
        spec=ScheduleSpec(
            calendars=[weekly, *instead], jitter=team.schedule.jitter or None, time_zone_name=team.timezone
        ),
        # Each week has its own id, so that no week waits for, or gives way to, another one.
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.ALLOW_ALL, catchup_window=CATCH_UP),
    )


def config_digest(team: TeamConfig) -> str:
    """Twelve hexadecimal digits of what the file says of the schedule, and of our words for it."""
    said = [team.model_dump(mode="json", include={"team", "timezone", "schedule"}), *_words(team)]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:12]


def handle_of(client: Client, team: str) -> ScheduleHandle:
    return client.get_schedule_handle(names.schedule_id(team))


async def describe(client: Client, team: str) -> ScheduleDescription | None:
    """None when the server has no schedule for the team."""
    try:
        return await handle_of(client, team).describe()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise


async def scheduled_teams(client: Client) -> list[str]:
    """Every team that has a schedule on the server, with or without a file. A new one appears a moment late."""
    found = [schedule.id async for schedule in await client.list_schedules()]
    return sorted(id_.removeprefix(names.SCHEDULE_PREFIX) for id_ in found if id_.startswith(names.SCHEDULE_PREFIX))


async def put_schedule(
    client: Client, handle: ScheduleHandle, wanted: Schedule, digest: str | None = None
) -> tuple[Change, ScheduleDescription | None]:
    """Makes the schedule, or updates the one that is there and is not as wanted; gives how that one was before.

    A pause and its note stay. `digest`: of the configuration, where the action says it (see DIGEST).
    """
    try:
        await client.create_schedule(handle.id, wanted)
    except ScheduleAlreadyRunningError:
        pass
    else:
        return Change.CREATED, None
    before = await handle.describe()
    if await is_as_wanted(before, wanted, digest):
        return Change.UNCHANGED, before

    def keep_state(current: ScheduleUpdateInput) -> ScheduleUpdate:
        # An update replaces everything: without the state, an operator's pause and note would be gone.
        return ScheduleUpdate(replace(wanted, state=current.description.schedule.state))

    await handle.update(keep_state)
    return Change.UPDATED, before


async def is_as_wanted(there: ScheduleDescription, wanted: Schedule, digest: str | None) -> bool:
    """Whether the server has what is asked for; a pause and its note are the operators' own."""
    is_same = (there.schedule.spec, there.schedule.policy) == (wanted.spec, wanted.policy)
    return is_same and (digest is None or await digest_of(there) == digest)


async def apply_schedule(client: Client, team: TeamConfig) -> Applied:
    """Makes or updates the team's schedule; one that is as its file says is left alone.

    A pause and its note stay. A week whose new time lies in the past, and that has not fired, is started now.
    """
    now = datetime.now(UTC)
    handle = handle_of(client, team.team)
    change, before = await put_schedule(client, handle, team_schedule(team, now), config_digest(team))
    if before is not None and change is Change.UNCHANGED:
        return Applied(change, before)
    caught_up = await _catch_up(handle, team, before, now) if before is not None else None
    return Applied(change, await handle.describe(), caught_up)


async def is_as_filed(there: ScheduleDescription, team: TeamConfig, now: datetime) -> bool:
    """Whether the server has what the team's file asks for."""
    return await is_as_wanted(there, team_schedule(team, now), config_digest(team))


def started_by(action: ScheduleActionResult) -> str:
    """The workflow id of what one firing started: starting workflows is all that our schedules do."""
    execution = action.action
    return execution.workflow_id if isinstance(execution, ScheduleActionExecutionStartWorkflow) else ""


async def digest_of(there: ScheduleDescription) -> str | None:
    """Of the configuration that made it; None for a schedule that somebody made by other means."""
    action = there.schedule.action
    payload = (action.memo or {}).get(DIGEST) if isinstance(action, ScheduleActionStartWorkflow) else None
    if not isinstance(payload, Payload):
        return None
    (digest,) = await there.data_converter.decode([payload], [str])
    return str(digest)


def left_out(
    team: TeamConfig, *, created_at: datetime, fired: Iterable[datetime], is_paused: bool, now: datetime
) -> tuple[str, datetime] | None:
    """The week, and when it was due, that a change of time made at `now` would cost the team.

    The server fires only what falls due from then on: moved on a Monday at 08:30 from 09:00 to 08:00, the schedule
    would leave that week out. `fired` are the instants of which the schedule has made runs.
    """
    iso_week, due_at = team.weekly_time.last_due(now)
    has_fired = iso_week in {last_week_ended_by(at, team.timezone) for at in fired}
    is_ours = created_at < due_at and now - due_at < CATCH_UP
    return (iso_week, due_at) if is_ours and not has_fired and not is_paused else None


async def _catch_up(handle: ScheduleHandle, team: TeamConfig, before: ScheduleDescription, now: datetime) -> str | None:
    week = left_out(
        team,
        created_at=before.info.created_at,
        fired=[action.scheduled_at for action in before.info.recent_actions],
        is_paused=before.schedule.state.paused,
        now=now,
    )
    if week is None:
        return None
    iso_week, due_at = week
    await handle.backfill(ScheduleBackfill(due_at - timedelta(seconds=1), due_at, ScheduleOverlapPolicy.ALLOW_ALL))
    return iso_week


def _words(team: TeamConfig) -> tuple[str, str]:
    """Summary and details that the Web UI shows with the schedule and with each run that it starts."""
    when = f"{team.schedule.day} {team.schedule.time:%H:%M} {team.timezone}" if team.schedule else ""
    return (
        f"The changelog of {team.team} is due",
        f"Due every {when}. Starts the edition of the ISO week that had ended by then, and ends.",
    )


def _only(value: int) -> tuple[ScheduleRange, ...]:
    return (ScheduleRange(value, value, 1),)


def _calendar(
    *,
    hour: Sequence[ScheduleRange],
    minute: Sequence[ScheduleRange],
    comment: str,
    year: Sequence[ScheduleRange] = (),
    month: Sequence[ScheduleRange] = (ScheduleRange(1, 12, 1),),
    day_of_month: Sequence[ScheduleRange] = (ScheduleRange(1, 31, 1),),
    day_of_week: Sequence[ScheduleRange] = (ScheduleRange(0, 6, 1),),
) -> ScheduleCalendarSpec:
    """Written out as the server gives it back, so that both can be compared."""
    return ScheduleCalendarSpec(
        second=_only(0),
        minute=minute,
        hour=hour,
        day_of_month=day_of_month,
        month=month,
        year=year,
        day_of_week=day_of_week,
        comment=comment,
    )
