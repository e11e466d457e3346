"""A team's second schedule: every few hours it asks the sources of the next edition, so that they are known."""

import hashlib
import json
from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleHandle,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.service import RPCError, RPCStatusCode

from devsync.contracts import names
from devsync.contracts.refresh import RefreshRequest
from devsync.runtime.schedules import DIGEST, Change, put_schedule
from devsync.settings.durations import format_duration
from devsync.settings.team import TeamConfig

CATCH_UP = timedelta(minutes=10)
"""A refresh that was missed helps nobody hours later: the next one does."""


def is_refreshed(team: TeamConfig) -> bool:
    """A team without a schedule has no next edition."""
    return team.schedule is not None and team.refresh.enabled


def refresh_schedule(team: TeamConfig) -> Schedule:
    """What the team's file asks for, in the state of a new one."""
    every = team.refresh.every
    return Schedule(
        action=ScheduleActionStartWorkflow(
            names.SOURCE_REFRESH,
            RefreshRequest(team=team.team),
            id=names.refresh_id(team.team),
            task_queue=names.CONTROL_QUEUE,
            memo={DIGEST: _digest(team)},
            typed_search_attributes=TypedSearchAttributes([SearchAttributePair(names.TEAM, team.team)]),
            static_summary=_summary(team),
            static_details="Collects what the next edition will ask for, as far as it has come. Nothing depends on it.",
        ),
        # Each team at its own minute: the services that they ask are the same.
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=every, offset=_offset(team.team, every))]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
    )


async def apply_refresh(client: Client, team: TeamConfig) -> Change | None:
    """Makes or updates the schedule, and deletes it where the file wants none; None: there is none, and was none.

    A pause and its note stay.
    """
    handle = handle_of_refresh(client, team.team)
    if not is_refreshed(team):
        return Change.DELETED if await delete_refresh(client, team.team) else None
    change, _ = await put_schedule(client, handle, refresh_schedule(team), _digest(team))
    return change


async def delete_refresh(client: Client, team: str) -> bool:
    """False where there was none."""
    try:
        await handle_of_refresh(client, team).delete()
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True


def handle_of_refresh(client: Client, team: str) -> ScheduleHandle:
    return client.get_schedule_handle(names.refresh_id(team))


def _summary(team: TeamConfig) -> str:
    return f"The sources of {team.team} are asked every {format_duration(team.refresh.every)}"


def _digest(team: TeamConfig) -> str:
    """Of all that makes the schedule."""
    said = [team.team, team.refresh.model_dump(mode="json"), _summary(team)]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:12]


def _offset(team: str, every: timedelta) -> timedelta:
    minutes = int(every.total_seconds()) // 60
    return timedelta(minutes=int(hashlib.sha256(team.encode()).hexdigest(), 16) % minutes)
