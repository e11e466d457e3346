"""What `schedule list` shows of each team: the file, the server and the records put side by side."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import (
    Client,
    ScheduleActionResult,
    ScheduleDescription,
    WorkflowExecutionStatus,
    WorkflowFailureError,
)
from temporalio.service import RPCError, RPCStatusCode

from commands.console import progress
from commands.editions import root_cause
from commands.side_by_side import side_by_side
from commands.times import local_time
from devsync.contracts import names
from devsync.contracts.due import EditionDue
from devsync.domain.changelog.due import told, weeks_between
from devsync.domain.changelog.window import iso_week_of
from devsync.runtime.schedules import describe, is_as_wanted, scheduled_teams, started_by
from devsync.settings.configuration import Configuration
from devsync.settings.durations import format_duration
from devsync.settings.environment import Environment
from devsync.settings.problems import ConfigError
from devsync.settings.team import TeamConfig
from devsync.storage.connection import StorageError, WrongDatabaseUrl
from devsync.storage.database import Database
from devsync.storage.editions import Editions

LOOK_BACK = timedelta(weeks=12)
"""So far back weeks without an edition are named."""

_UPCOMING = 3


@dataclass(frozen=True)
class Firing:
    """The last time that a schedule started something, and what became of it."""

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

    def document(self) -> dict[str, Any]:
        edition = None
        if self.due is not None:
            edition = {"workflow_id": self.due.edition_id, "week": self.due.iso_week, "status": self.edition_state}
        return {
            "scheduled_at": self.scheduled_at.isoformat(timespec="seconds"),
            "started_at": self.started_at.isoformat(timespec="seconds"),
            "late_seconds": self.due.late_by.total_seconds() if self.due and self.due.late_by else 0,
            "due_id": self.due_id,
            "state": self.state,
            "problem": self.problem,
            "outcome": self.due.outcome.value if self.due else None,
            "edition": edition,
        }


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
    last: Firing | None = None
    counters: dict[str, int] = field(default_factory=dict)
    """The server's own: actions, and those that it left out."""
    weeks_without_edition: list[str] | None = None
    """None: the records cannot tell."""

    def document(self) -> dict[str, Any]:
        return {
            "team": self.team,
            "schedule_id": names.schedule_id(self.team),
            "state": self.state,
            "when": self.when,
            "timezone": self.timezone,
            "outdated": self.is_outdated,
            "note": self.note,
            "next": [time.isoformat(timespec="seconds") for time in self.upcoming],
            "last": self.last.document() if self.last else None,
            "counters": self.counters,
            "weeks_without_edition": self.weeks_without_edition,
        }

    def lines(self) -> list[str]:
        """What a person reads below the name, a line a fact; nothing is said of what is as it should be."""
        lines = []
        if self.state == "missing":
            lines.append("not on the server: python starter.py apply")
        if self.state == "orphaned":
            lines.append(f"no team file asks for it: python starter.py schedule delete {self.team}")
        if self.is_outdated:
            lines.append("the team's file says something else by now: python starter.py apply")
        if self.upcoming and self.state != "paused":
            lines.append(f"next     {', '.join(local_time(time, self.timezone) for time in self.upcoming)}")
        if self.last:
            lines.append(f"last     {self._last(self.last)}")
        left_out = {name: count for name, count in self.counters.items() if count and name != "actions"}
        if left_out:
            lines.append(f"left out {', '.join(f'{count} {name}' for name, count in left_out.items())}")
        if self.weeks_without_edition:
            lines.append(without_edition(self.team, self.weeks_without_edition))
        return lines

    def _last(self, last: Firing) -> str:
        said = f"due {local_time(last.scheduled_at, self.timezone)}"
        if last.due is None:
            return f"{said}, {last.due_id} {last.state}" + (f": {last.problem}" if last.problem else "")
        late = f", {told(last.due.late_by)} late" if last.due.late_by else ""
        return f"{said}{late}: {last.due.edition_id} {last.due.outcome.value}, now {last.edition_state}"


def without_edition(team: str, weeks: list[str]) -> str:
    """The weeks (there are some), and what to do about them."""
    command = f"python starter.py schedule backfill {team} --from {weeks[0]} --to {weeks[-1]} --deliver"
    return f"without an edition: {', '.join(weeks)}; to make them: {command}"


async def schedule_states(
    client: Client, environment: Environment, configuration: Configuration
) -> list[ScheduleState]:
    """Of every team that has a schedule in its file or on the server, by name."""
    on_record = await weeks_on_record(environment)
    in_files = {name for name, team in configuration.teams.items() if team.schedule}
    return await side_by_side(
        lambda name: _state(client, name, configuration.teams.get(name), on_record),
        sorted(in_files | set(await scheduled_teams(client))),
    )


async def weeks_on_record(environment: Environment) -> dict[str, set[str]] | None:
    """By team, the weeks of which there is an edition; None, with a word about why, when the records cannot tell."""
    since = iso_week_of((datetime.now(UTC) - LOOK_BACK).date())
    try:
        database = Database(environment.database().get_secret_value(), pool_size=1)
    except (ConfigError, WrongDatabaseUrl) as error:
        progress.print(f"weeks without an edition are not known: {error}", markup=False, soft_wrap=True)
        return None
    try:
        return await Editions(database).weeks_on_record(since=since)
    except StorageError as error:
        progress.print(f"weeks without an edition are not known: {error}", markup=False, soft_wrap=True)
        return None
    finally:
        await database.dispose()


def weeks_without_edition(
    team: TeamConfig, schedule: ScheduleDescription, on_record: dict[str, set[str]], now: datetime
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


async def _state(
    client: Client, name: str, team: TeamConfig | None, on_record: dict[str, set[str]] | None
) -> ScheduleState:
    there = await describe(client, name)
    is_asked_for = team is not None and team.schedule is not None
    if there is None:
        return ScheduleState(name, "missing", _when(team), timezone=team.timezone if team else "UTC")
    now = datetime.now(UTC)
    info, state = there.info, there.schedule.state
    return ScheduleState(
        team=name,
        state="paused" if state.paused else "active" if is_asked_for else "orphaned",
        when=_when(team) or next((spec.comment or "" for spec in there.schedule.spec.calendars), ""),
        timezone=there.schedule.spec.time_zone_name or "UTC",
        is_outdated=team is not None and is_asked_for and not await is_as_wanted(there, team, now),
        note=state.note or "",
        upcoming=list(info.next_action_times[:_UPCOMING]),
        last=await firing_of(client, info.recent_actions[-1]) if info.recent_actions else None,
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


def _when(team: TeamConfig | None) -> str:
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
