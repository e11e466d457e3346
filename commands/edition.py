"""`edition approve|reject|edit|cancel`: what a person decides about one edition."""

from typing import Annotated

import typer

from commands.arguments import Team, Week
from commands.console import AsJson, Exit, Told, command, emit
from commands.editions import team_of, week_or_last
from commands.messages import by_me
from commands.person import given, me
from devsync.contracts import names
from devsync.contracts.approval import Approve, Edit, Reject
from devsync.runtime.approvals import ApprovalOperations, ApprovalRefused, EditionNotUnderWay
from devsync.runtime.connection import connect
from devsync.settings.environment import read_environment
from devsync.settings.problems import ConfigError

app = typer.Typer(help="One edition that is under way.", no_args_is_help=True)

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
    return await _decide(team, week, by_me(Approve, {"note": note, "preview": preview}), as_json=as_json)


@app.command()
@command
async def reject(
    team: Team,
    reason: Annotated[str, typer.Option(help="Why; it is recorded with your name.")],
    week: Week = None,
    as_json: AsJson = False,
) -> Exit:
    """Post nothing this week."""
    return await _decide(team, week, by_me(Reject, {"reason": given(reason)}), as_json=as_json)


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
    changes = by_me(Edit, {"hide": hide or (), "retitle": titles, "note": note})
    return await _decide(team, week, changes, as_json=as_json)


def _titled(text: str) -> tuple[str, str]:
    # An id may hold a `#`, a `/` or an `@`, and never a `=`.
    name, equals, title = text.partition("=")
    if not (equals and name.strip() and title.strip()):
        raise Told(f'--retitle "{text}" is not ID=TITLE; write it like --retitle "PAY-7=A better title"', Exit.USAGE)
    return name.strip(), title.strip()


async def _under_way(operations: ApprovalOperations, team: str, week: str | None) -> str:
    """The id of the edition that is meant. One that runs goes by its team's file as it was when it began: whether that
    is still there, or right, is no matter. Raises ConfigError where no such edition runs either."""
    try:
        return names.edition_id(team, week_or_last(week, team_of(read_environment().config_dir, team)))
    except ConfigError:
        running = await operations.running(team)
        if week is not None:
            running = [one for one in running if one == names.edition_id(team, week)]
        if len(running) != 1:
            raise
        return running[0]


async def _decide(team: str, week: str | None, said: Approve | Reject | Edit, *, as_json: bool) -> Exit:
    operations = ApprovalOperations(await connect())
    workflow_id = await _under_way(operations, team, week)
    try:
        answer = await operations.say(workflow_id, said)
    except ApprovalRefused as error:
        raise Told(f"{workflow_id} refused: {error}") from error
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
    # The temporal CLI cannot send a reason with the cancellation of one workflow.
    said = f"{me()}: {given(reason)}"
    client = await connect()
    operations = ApprovalOperations(client)
    workflow_id = await _under_way(operations, team, week)
    # The server takes a cancellation of a closed run without a word.
    if not await operations.is_running(workflow_id):
        raise EditionNotUnderWay(workflow_id)
    await client.get_workflow_handle(workflow_id).cancel(reason=said)
    if as_json:
        emit({"workflow_id": workflow_id, "cancelled_because": said})
    else:
        typer.echo(f"{workflow_id} is told to stop ({said}); calls that are under way end within 10 s")
    return Exit.OK
