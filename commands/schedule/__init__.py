"""`schedule`: what fires when, and the operator's hand on it."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from temporalio.client import Client, ScheduleActionResult, ScheduleDescription, WorkflowFailureError

from commands.arguments import Team
from commands.console import AsJson, Exit, Told, command, emit, output, progress
from commands.person import me
from commands.schedule.backfill import backfill
from commands.schedule.states import (
    Firing,
    ScheduleState,
    firing_of,
    schedule_states,
    weeks_on_record,
    weeks_without_edition,
    without_edition,
)
from commands.times import local_time
from devsync.contracts import names
from devsync.contracts.due import DueOutcome
from devsync.runtime.connection import connect
from devsync.runtime.refresh_schedules import delete_refresh
from devsync.runtime.schedules import describe, handle_of, scheduled_teams, started_by
from devsync.settings.configuration import load_configuration
from devsync.settings.environment import read_environment
from devsync.settings.problems import ConfigError, did_you_mean

app = typer.Typer(help="The teams' schedules: when editions are due, and what became of it.", no_args_is_help=True)
app.command()(backfill)

Note = Annotated[str, typer.Option(help="Why; it is shown wherever the schedule is.")]

FIRING_SECONDS = 5.0
"""Within this a server has started what was triggered."""
WORKER_SECONDS = 10.0
"""Within this a worker that is there has worked out the week."""


@app.command("list")
@command
async def list_(as_json: AsJson = False) -> Exit:
    """Show each team's schedule: next firings, the last one and its edition, pauses, what was missed."""
    environment = read_environment()
    configuration = load_configuration(environment.config_dir)
    states = await schedule_states(await connect(), environment, configuration)
    if as_json:
        emit({"schedules": [state.document() for state in states]})
        return Exit.OK
    out = output()
    for state in states:
        _tell(out, state)
    if not states:
        out.print("no team has a schedule; add one to a team's file and run: python starter.py apply", soft_wrap=True)
    return Exit.OK


@app.command()
@command
async def pause(team: Team, note: Note = "", as_json: AsJson = False) -> Exit:
    """Stop firing until `resume`. Weeks that fall due meanwhile are not made up for by themselves."""
    client = await connect()
    await _schedule_of(client, team)
    await handle_of(client, team).pause(note=f"{me()}: {note}" if note else f"paused by {me()}")
    return _told_state(as_json, await _schedule_of(client, team), team, "paused")


@app.command()
@command
async def resume(team: Team, note: Note = "", as_json: AsJson = False) -> Exit:
    """Fire again from now on, and tell the weeks that have no edition."""
    client = await connect()
    await _schedule_of(client, team)
    await handle_of(client, team).unpause(note=f"{me()}: {note}" if note else f"resumed by {me()}")
    description = await _schedule_of(client, team)
    await _tell_missing(team, description)
    return _told_state(as_json, description, team, "resumed")


@app.command()
@command
async def trigger(team: Team, as_json: AsJson = False) -> Exit:
    """Fire now, also while paused: the last week that has ended. A week that is out becomes its next revision."""
    client = await connect()
    firing = await _outcome(client, await _fire(client, team))
    if firing.state not in {"running", "completed"}:
        raise Told(f"{firing.due_id} {firing.state}: {firing.problem}")
    if as_json:
        emit({"team": team, **firing.document()})
    elif firing.due is None:
        typer.echo(f"{firing.due_id} waits: {firing.problem or 'no worker has taken it yet'}")
    else:
        verb = "started" if firing.due.outcome is DueOutcome.STARTED else "runs already, and will be delivered"
        typer.echo(f"{firing.due.edition_id} {verb}; watch it: python starter.py status")
    return Exit.OK


@app.command()
@command
async def delete(team: Team, as_json: AsJson = False) -> Exit:
    """Remove the schedule, and the one that refreshes the team's sources. Editions that run go on.

    `apply` makes both again while the team's file asks for them.
    """
    client = await connect()
    await _schedule_of(client, team)
    await handle_of(client, team).delete()
    await delete_refresh(client, team)
    if as_json:
        emit({"team": team, "schedule_id": names.schedule_id(team), "deleted": True})
    else:
        typer.echo(f"schedule of {team} deleted; `apply` makes it again while config/teams/{team}.yaml asks for one")
    return Exit.OK


async def _schedule_of(client: Client, team: str) -> ScheduleDescription:
    description = await describe(client, team)
    if description is None:
        known = await scheduled_teams(client)
        cure = did_you_mean(team, known, "run `python starter.py apply` when its file asks for one")
        raise Told(f'the team "{team}" has no schedule on the server; {cure}', Exit.USAGE)
    return description


async def _fire(client: Client, team: str) -> ScheduleActionResult:
    """What the server started. Triggers of the same second share one: their ids have whole seconds."""
    before = (await _schedule_of(client, team)).info.num_actions
    await handle_of(client, team).trigger()
    deadline = asyncio.get_running_loop().time() + FIRING_SECONDS
    while True:
        info = (await _schedule_of(client, team)).info
        is_over = asyncio.get_running_loop().time() > deadline
        if info.recent_actions and (info.num_actions > before or is_over):
            return info.recent_actions[-1]
        if is_over:
            raise Told(f"the server did not start anything within {FIRING_SECONDS:.0f} s")
        await asyncio.sleep(0.1)


async def _outcome(client: Client, action: ScheduleActionResult) -> Firing:
    """Once it is over, or as far as it has come by then."""
    result = client.get_workflow_handle(started_by(action)).result()
    with suppress(TimeoutError, WorkflowFailureError):
        await asyncio.wait_for(result, WORKER_SECONDS)
    return await firing_of(client, action)


def _told_state(as_json: bool, description: ScheduleDescription, team: str, done: str) -> Exit:
    state = description.schedule.state
    if as_json:
        emit({"team": team, "schedule_id": description.id, "paused": state.paused, "note": state.note})
        return Exit.OK
    upcoming = description.info.next_action_times
    zone = description.schedule.spec.time_zone_name or "UTC"
    next_ = f", next {local_time(upcoming[0], zone)}" if upcoming and not state.paused else ""
    typer.echo(f"schedule of {team} {done}{next_} ({state.note})")
    return Exit.OK


async def _tell_missing(team: str, description: ScheduleDescription) -> None:
    """As far as the team's file and the records tell: the schedule itself is in order without them."""
    environment = read_environment()
    try:
        settings = load_configuration(environment.config_dir).teams.get(team)
    except ConfigError as error:
        progress.print(f"weeks without an edition are not known: {error}", markup=False, soft_wrap=True)
        return
    on_record = await weeks_on_record(environment) if settings else None
    if settings is None or on_record is None:
        return
    missing = weeks_without_edition(settings, description, on_record, datetime.now(UTC))
    if missing:
        progress.print(without_edition(team, missing), markup=False, soft_wrap=True)


def _tell(out: Console, state: ScheduleState) -> None:
    colour = {"active": "green", "paused": "yellow"}.get(state.state, "red")
    out.print(f"[bold]{state.team}[/] [{colour}]{state.state}[/] {state.when}", end="")
    out.print(f"  ({state.note})" if state.note else "", markup=False, soft_wrap=True)
    for line in state.lines():
        out.print(f"  {line}", markup=False, soft_wrap=True)
