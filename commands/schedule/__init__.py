"""`schedule`: what fires when, and the operator's hand on it."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from temporalio.client import ScheduleDescription

from commands.arguments import Team
from commands.console import AsJson, Exit, command, emit, output, progress
from commands.on_record import put_in_audit
from commands.person import me
from commands.schedule.backfill import backfill
from commands.schedule.shown import document, firing_document, lines, on_record, schedule_states, without_edition
from commands.times import local_time
from devsync.contracts import names
from devsync.contracts.due import DueOutcome
from devsync.runtime import schedule_deeds as deeds
from devsync.runtime.connection import connect
from devsync.runtime.refresh_schedules import delete_refresh
from devsync.runtime.schedule_states import ScheduleState, weeks_without_edition
from devsync.runtime.schedules import handle_of
from devsync.settings.configuration import load_configuration
from devsync.settings.environment import read_environment
from devsync.settings.problems import ConfigError

app = typer.Typer(help="The teams' schedules: when editions are due, and what became of it.", no_args_is_help=True)
app.command()(backfill)

Note = Annotated[str, typer.Option(help="Why; it is shown wherever the schedule is.")]


@app.command("list")
@command
async def list_(as_json: AsJson = False) -> Exit:
    """Show each team's schedule: next firings, the last one and its edition, pauses, what was missed."""
    configuration = load_configuration(read_environment().config_dir)
    states = await schedule_states(await connect(), configuration, await on_record())
    if as_json:
        emit({"schedules": [document(state) for state in states]})
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
    description = await deeds.pause(await connect(), team, me(), note)
    await put_in_audit(deeds.in_audit(team, me(), "pause", "paused", note))
    return _told_state(as_json, description, team, "paused")


@app.command()
@command
async def resume(team: Team, note: Note = "", as_json: AsJson = False) -> Exit:
    """Fire again from now on, and tell the weeks that have no edition."""
    description = await deeds.resume(await connect(), team, me(), note)
    await put_in_audit(deeds.in_audit(team, me(), "resume", "active", note))
    await _tell_missing(team, description)
    return _told_state(as_json, description, team, "resumed")


@app.command()
@command
async def trigger(team: Team, as_json: AsJson = False) -> Exit:
    """Fire now, also while paused: the last week that has ended. A week that is out becomes its next revision."""
    firing = await deeds.trigger(await connect(), team)
    await put_in_audit(deeds.in_audit(team, me(), "trigger", firing.due_id))
    if as_json:
        emit({"team": team, **firing_document(firing)})
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
    await deeds.schedule_of(client, team)
    await handle_of(client, team).delete()
    await delete_refresh(client, team)
    await put_in_audit(deeds.in_audit(team, me(), "delete", "deleted"))
    if as_json:
        emit({"team": team, "schedule_id": names.schedule_id(team), "deleted": True})
    else:
        typer.echo(f"schedule of {team} deleted; `apply` makes it again while config/teams/{team}.yaml asks for one")
    return Exit.OK


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
    try:
        settings = load_configuration(read_environment().config_dir).teams.get(team)
    except ConfigError as error:
        progress.print(f"weeks without an edition are not known: {error}", markup=False, soft_wrap=True)
        return
    known = await on_record() if settings else None
    if settings is None or known is None:
        return
    missing = weeks_without_edition(settings, description, known, datetime.now(UTC))
    if missing:
        progress.print(without_edition(team, missing), markup=False, soft_wrap=True)


def _tell(out: Console, state: ScheduleState) -> None:
    colour = {"active": "green", "paused": "yellow"}.get(state.state, "red")
    out.print(f"[bold]{state.team}[/] [{colour}]{state.state}[/] {state.when}", end="")
    out.print(f"  ({state.note})" if state.note else "", markup=False, soft_wrap=True)
    for line in lines(state):
        out.print(f"  {line}", markup=False, soft_wrap=True)
