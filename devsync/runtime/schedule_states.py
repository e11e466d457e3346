"""A team's schedule as it stands: the file, the server and the records put side by side."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from temporalio.client import (
    Client,
    ScheduleActionResult,
    ScheduleDescription,
    WorkflowExecutionStatus,
    WorkflowFailureError,
)
from temporalio.service import RPCError, RPCStatusCode

from devsync.contracts import names
from devsync.contracts.due import EditionDue
from devsync.domain.changelog.due import weeks_between
from devsync.domain.changelog.window import iso_week_of
from devsync.runtime.causes import root_cause
from devsync.runtime.schedules import describe, is_as_filed, started_by
from devsync.runtime.side_by_side import side_by_side
from devsync.settings.durations import format_duration
from devsync.settings.team import TeamConfig
from devsync.storage.database import Database
from devsync.storage.editions import Editions

LOOK_BACK = timedelta(weeks=12)
"""So far back weeks without an edition are named."""

OnRecord = dict[str, set[str]]
"""By team, the weeks of which there is an edition."""

_UPCOMING = 3


@dataclass(frozen=True)
class Firing:
    """A time that a schedule started something, and what became of it."""

    scheduled_at: datetime
    started_at: datetime
    due_id: str
    state: str
    """Of the EditionTrigger: `running`, `completed`, `failed`, …; `forgotten` once the server's retention is over."""
    due: EditionDue | None = None
    edition_state: str = ""
    """Of the edition's newest run, as its search attribute says: `running`, `complete`, `partial`, …"""
    problem: str = ""
    """Why it failed, or what it waits for to be mended."""


@dataclass(frozen=True)
class ScheduleState:
    team: str
    state: str
    """`active`, `paused`, `missing` on the server, `orphaned`: on the server alone."""
    when: str
    timezone: str = "UTC"
    is_outdated: bool = False
    note: str = ""
    upcoming: list[datetime] = field(default_factory=list)
    firings: list[Firing] = field(default_factory=list)
    """The newest first."""
    counters: dict[str, int] = field(default_factory=dict)
    """The server's own: actions, and those that it left out."""
    weeks_without_edition: list[str] | None = None
    """None: the records cannot tell."""

    @property
    def last(self) -> Firing | None:
        return self.firings[0] if self.firings else None


async def weeks_on_record(database: Database, now: datetime) -> OnRecord:
    """Of the last weeks. Raises what the database raises."""
    return await Editions(database).weeks_on_record(since=iso_week_of((now - LOOK_BACK).date()))


def weeks_without_edition(
    team: TeamConfig, schedule: ScheduleDescription, on_record: OnRecord, now: datetime
) -> list[str]:
    """Weeks that fell due since the schedule was made, whose deadline is over, and of which nothing is on record."""
    recorded = on_record.get(team.team, set())
    last, _ = team.weekly_time.last_due(now)
    return [
        week
        for week in weeks_between(iso_week_of((now - LOOK_BACK).date()), last)
        if week not in recorded
        and schedule.info.created_at < team.weekly_time.due_at(week)
        and team.weekly_time.due_at(week) + team.deliver_by < now
    ]


async def schedule_state(
    client: Client, name: str, team: TeamConfig | None, on_record: OnRecord | None, *, firings: int = 1
) -> ScheduleState:
    """`team`: what its file says; `firings`: so many of the last ones, of which the server is asked one by one."""
    there = await describe(client, name)
    is_asked_for = team is not None and team.schedule is not None
    if there is None:
        return ScheduleState(name, "missing", when_due(team), timezone=team.timezone if team else "UTC")
    now = datetime.now(UTC)
    info, state = there.info, there.schedule.state
    return ScheduleState(
        team=name,
        state="paused" if state.paused else "active" if is_asked_for else "orphaned",
        when=when_due(team) or next((spec.comment or "" for spec in there.schedule.spec.calendars), ""),
        timezone=there.schedule.spec.time_zone_name or "UTC",
        is_outdated=team is not None and is_asked_for and not await is_as_filed(there, team, now),
        note=state.note or "",
        upcoming=list(info.next_action_times[:_UPCOMING]),
        firings=await side_by_side(
            lambda action: firing_of(client, action), list(reversed(info.recent_actions))[:firings]
        ),
        counters={
            "actions": info.num_actions,
            "missed_catchup_window": info.num_actions_missed_catchup_window,
            "overlap_skipped": info.num_actions_skipped_overlap,
            "buffer_dropped": there.raw_description.info.buffer_dropped,
        },
        weeks_without_edition=(
            weeks_without_edition(team, there, on_record, now)
            if team and is_asked_for and on_record is not None
            else None
        ),
    )


def when_due(team: TeamConfig | None) -> str:
    """`monday 09:00 Europe/Berlin, jitter 2m`; empty where its file asks for no schedule."""
    if team is None or team.schedule is None:
        return ""
    jitter = f", jitter {format_duration(team.schedule.jitter)}" if team.schedule.jitter else ""
    return f"{team.schedule.day} {team.schedule.time:%H:%M} {team.timezone}{jitter}"


async def firing_of(client: Client, action: ScheduleActionResult) -> Firing:
    """What became of a firing, as far as it has come."""
    handle = client.get_workflow_handle(started_by(action), result_type=EditionDue)
    firing = Firing(action.scheduled_at, action.started_at, handle.id, "forgotten")
    try:
        there = await handle.describe()
        status = there.status or WorkflowExecutionStatus.RUNNING
        if status is WorkflowExecutionStatus.RUNNING:
            pending = there.raw_description.pending_activities
            problem = pending[0].last_failure.message if pending else ""
            return replace(firing, state=status.name.lower(), problem=problem)
        due: EditionDue = await handle.result()
    except WorkflowFailureError as error:
        return replace(firing, state=status.name.lower(), problem=root_cause(error))
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return firing
    edition = await _edition_state(client, due.edition_id)
    return replace(firing, scheduled_at=due.scheduled_at, state="completed", due=due, edition_state=edition)


async def _edition_state(client: Client, workflow_id: str) -> str:
    try:
        edition = await client.get_workflow_handle(workflow_id).describe()
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return "forgotten by the server"
    status = edition.status or WorkflowExecutionStatus.RUNNING
    said = edition.typed_search_attributes.get(names.EDITION_STATUS)
    return said if said and status is WorkflowExecutionStatus.COMPLETED else status.name.lower()
