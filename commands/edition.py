"""`edition approve|reject|edit|cancel`: what a person decides about one edition."""

from contextlib import suppress
from datetime import timedelta
from typing import Annotated, Any

import typer
from temporalio.client import (
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.service import RPCError, RPCStatusCode

from commands.arguments import Team, Week
from commands.console import AsJson, Exit, Told, command, emit
from commands.editions import root_cause, team_of, week_or_last
from commands.person import given, me
from devsync.contracts import names
from devsync.contracts.approval import ApprovalProgress, Approve, Edit, Reject
from devsync.runtime.connection import connect
from devsync.runtime.pollers import queue_of
from devsync.settings.environment import read_environment

app = typer.Typer(help="One edition that is under way.", no_args_is_help=True)


PATIENCE = timedelta(seconds=10)
"""So long a decision waits for a worker that takes it. Later it is not taken at all."""

Note = Annotated[str, typer.Option(help="What else there is to say; it is recorded with your name.")]


@app.command()
@command
async def approve(
    team: Team,
    week: Week = None,
    preview: Annotated[
        int | None, typer.Option(help="Number of the preview that you mean; else the one that stands in the channel.")
    ] = None,
    note: Note = "",
    as_json: AsJson = False,
) -> Exit:
    """Agree with the edition that waits for approval: it is posted."""
    return await _decide(team, week, Approve(by=me(), note=note, preview=preview), as_json=as_json)


@app.command()
@command
async def reject(
    team: Team,
    reason: Annotated[str, typer.Option(help="Why; it is recorded with your name.")],
    week: Week = None,
    as_json: AsJson = False,
) -> Exit:
    """Post nothing this week."""
    return await _decide(team, week, Reject(by=me(), reason=given(reason)), as_json=as_json)


@app.command()
@command
async def edit(
    team: Team,
    week: Week = None,
    hide: Annotated[list[str] | None, typer.Option(help="Id of an item that is not told; repeatable.")] = None,
    retitle: Annotated[list[str] | None, typer.Option(help="ID=TITLE: call the item so; repeatable.")] = None,
    note: Annotated[str | None, typer.Option(help="A sentence at the head of the edition.")] = None,
    as_json: AsJson = False,
) -> Exit:
    """Change the edition that waits for approval; the preview follows, and waits again."""
    titles = dict(_titled(one) for one in retitle or ())
    changes = Edit(by=me(), hide=tuple(hide or ()), retitle=titles, note=note)
    return await _decide(team, week, changes, as_json=as_json)


def _titled(text: str) -> tuple[str, str]:
    # An id may hold a `#`, a `/` or an `@`, and never a `=`.
    name, equals, title = text.partition("=")
    if not (equals and name.strip() and title.strip()):
        raise Told(f'--retitle "{text}" is not ID=TITLE; write it like --retitle "PAY-7=A better title"', Exit.USAGE)
    return name.strip(), title.strip()


async def _decide(team: str, week: str | None, said: Approve | Reject | Edit, *, as_json: bool) -> Exit:
    """Sends it as an update, which answers. Raises Told where nobody waits for it, or nobody takes it."""
    workflow_id = names.edition_id(team, week_or_last(week, team_of(read_environment().config_dir, team)))
    client = await connect()
    handle = client.get_workflow_handle(workflow_id)
    name = type(said).__name__.lower()
    if not await _is_running(handle):
        raise Told(f"{workflow_id} is not under way; `python starter.py status` shows what is")
    with suppress(RPCError):  # a server that does not tell
        if not (await queue_of(client, names.EDITIONS_QUEUE)).pollers:
            # The server would keep it for the next worker, and it cannot be withdrawn.
            raise Told("no worker runs that could take it; start one: python worker.py")
    try:
        answer = await handle.execute_update(name, said, result_type=ApprovalProgress, rpc_timeout=PATIENCE)
    except WorkflowUpdateFailedError as refused:
        raise Told(f"{workflow_id} refused: {root_cause(refused)}") from refused
    except WorkflowUpdateRPCTimeoutOrCancelledError as error:
        raise Told(f"{workflow_id} has not answered in {PATIENCE.seconds} s; it may still take it") from error
    if as_json:
        emit({"workflow_id": workflow_id, **answer.model_dump(mode="json")})
    else:
        edited = f", edited by {', '.join(answer.edited_by)}" if answer.edited_by else ""
        typer.echo(f"{workflow_id}: {answer.state.value}{edited}")
    return Exit.OK


@app.command()
@command
async def cancel(
    team: Team,
    reason: Annotated[str, typer.Option(help="Why; it is recorded with your name.")],
    week: Week = None,
    as_json: AsJson = False,
) -> Exit:
    """Stop the week's edition that is under way. What a channel's delivery has begun goes on."""
    iso_week = week_or_last(week, team_of(read_environment().config_dir, team))
    workflow_id = names.edition_id(team, iso_week)
    # The temporal CLI cannot send a reason with the cancellation of one workflow.
    said = f"{me()}: {given(reason)}"
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
