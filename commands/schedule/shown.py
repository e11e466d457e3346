"""What `schedule list` shows of each team, for people and as a document."""

from datetime import UTC, datetime
from typing import Any

from temporalio.client import Client

from commands.on_record import if_known
from commands.times import local_time
from devsync.contracts import names
from devsync.domain.changelog.due import duration_words
from devsync.runtime.schedule_states import Firing, OnRecord, ScheduleState, schedule_state, weeks_on_record
from devsync.runtime.schedules import scheduled_teams
from devsync.runtime.side_by_side import side_by_side
from devsync.settings.configuration import Configuration


async def schedule_states(client: Client, configuration: Configuration, known: OnRecord | None) -> list[ScheduleState]:
    """Of every team that has a schedule in its file or on the server, by name. `known`: see `on_record`."""
    in_files = {name for name, team in configuration.teams.items() if team.schedule}
    return await side_by_side(
        lambda name: schedule_state(client, name, configuration.teams.get(name), known),
        sorted(in_files | set(await scheduled_teams(client))),
    )


async def on_record() -> OnRecord | None:
    """The weeks of which there is an edition; None, with a word about why, when the records cannot tell."""
    return await if_known("weeks without an edition are", lambda database: weeks_on_record(database, datetime.now(UTC)))


def document(state: ScheduleState) -> dict[str, Any]:
    """One entry of --json."""
    return {
        "team": state.team,
        "schedule_id": names.schedule_id(state.team),
        "state": state.state,
        "when": state.when,
        "timezone": state.timezone,
        "outdated": state.is_outdated,
        "note": state.note,
        "next": [time.isoformat(timespec="seconds") for time in state.upcoming],
        "last": firing_document(state.last) if state.last else None,
        "counters": state.counters,
        "weeks_without_edition": state.weeks_without_edition,
    }


def firing_document(firing: Firing) -> dict[str, Any]:
    edition = None
    if firing.due is not None:
        edition = {"workflow_id": firing.due.edition_id, "week": firing.due.iso_week, "status": firing.edition_state}
    return {
        "scheduled_at": firing.scheduled_at.isoformat(timespec="seconds"),
        "started_at": firing.started_at.isoformat(timespec="seconds"),
        "late_seconds": firing.due.late_by.total_seconds() if firing.due and firing.due.late_by else 0,
        "due_id": firing.due_id,
        "state": firing.state,
        "problem": firing.problem,
        "outcome": firing.due.outcome.value if firing.due else None,
        "edition": edition,
    }


def lines(state: ScheduleState) -> list[str]:
    """What a person reads below the name, a line a fact; nothing is said of what is as it should be."""
    said = []
    if state.state == "missing":
        said.append("not on the server: python starter.py apply")
    if state.state == "orphaned":
        said.append(f"no team file asks for it: python starter.py schedule delete {state.team}")
    if state.is_outdated:
        said.append("the team's file says something else by now: python starter.py apply")
    if state.upcoming and state.state != "paused":
        said.append(f"next     {', '.join(local_time(time, state.timezone) for time in state.upcoming)}")
    if state.last:
        said.append(f"last     {_last(state.last, state.timezone)}")
    left_out = {name: count for name, count in state.counters.items() if count and name != "actions"}
    if left_out:
        said.append(f"left out {', '.join(f'{count} {name}' for name, count in left_out.items())}")
    if state.weeks_without_edition:
        said.append(without_edition(state.team, state.weeks_without_edition))
    return said


def without_edition(team: str, weeks: list[str]) -> str:
    """The weeks (there are some), and what to do about them."""
    command = f"python starter.py schedule backfill {team} --from {weeks[0]} --to {weeks[-1]} --deliver"
    return f"without an edition: {', '.join(weeks)}; to make them: {command}"


def _last(last: Firing, timezone: str) -> str:
    said = f"due {local_time(last.scheduled_at, timezone)}"
    if last.due is None:
        return f"{said}, {last.due_id} {last.state}" + (f": {last.problem}" if last.problem else "")
    late = f", {duration_words(last.due.late_by)} late" if last.due.late_by else ""
    return f"{said}{late}: {last.due.edition_id} {last.due.outcome.value}, now {last.edition_state}"
