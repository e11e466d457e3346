"""`edition cancel`: what a person decides about one edition."""

from typing import Annotated, Any

import typer
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from commands.arguments import Team, Week
from commands.console import AsJson, Exit, Told, command, emit
from commands.editions import team_of, week_or_last
from commands.person import me
from devsync.contracts import names
from devsync.runtime.connection import connect
from devsync.settings.configuration import load_configuration
from devsync.settings.environment import read_environment

app = typer.Typer(help="One edition that is under way.", no_args_is_help=True)


@app.command()
@command
async def cancel(
    team: Team,
    reason: Annotated[str, typer.Option(help="Why; it is recorded with your name.")],
    week: Week = None,
    as_json: AsJson = False,
) -> Exit:
    """Stop the week's edition that is under way. What a channel's delivery has begun goes on."""
    configuration = load_configuration(read_environment().config_dir)
    iso_week = week_or_last(week, team_of(configuration, team))
    workflow_id = names.edition_id(team, iso_week)
    # The temporal CLI cannot send a reason with the cancellation of one workflow.
    said = f"{me()}: {reason}"
    handle = (await connect()).get_workflow_handle(workflow_id)
    if not await _is_running(handle):
        raise Told(f"{workflow_id} is not under way; `python starter.py status` shows what is")
    await handle.cancel(reason=said)
    if as_json:
        emit({"workflow_id": workflow_id, "cancelled_because": said})
    else:
        typer.echo(f"{workflow_id} is told to stop ({said}); calls that are under way end within 10 s")
    return Exit.OK


async def _is_running(handle: WorkflowHandle[Any, Any]) -> bool:
    """The server takes a cancellation of a closed run without a word."""
    try:
        return (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
