"""`delivery list|replay`: what became of editions in their channels, and once more for what gave up."""

import asyncio
from collections.abc import Sequence
from textwrap import shorten
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text
from temporalio.client import WorkflowFailureError

from commands.console import AsJson, Exit, Told, command, emit, output, print_whole
from commands.on_record import OfTeam, database_on_record
from commands.person import me
from devsync.contracts.delivery import IS_THERE, DeliveryOutcome, DeliveryState
from devsync.contracts.names import DeliveryKey
from devsync.runtime import delivery_again as again
from devsync.runtime.causes import root_cause
from devsync.runtime.connection import connect
from devsync.settings.configuration import load_team
from devsync.settings.environment import read_environment
from devsync.storage.deliveries import Deliveries, DeliverySummary

app = typer.Typer(help="What became of editions in their channels.", no_args_is_help=True)

_COLOURS = {
    DeliveryState.DELIVERED: "green",
    DeliveryState.PENDING: "yellow",
    DeliveryState.UNCERTAIN: "red",
    DeliveryState.FAILED: "red",
    DeliveryState.DEAD: "red",
}


@app.command("list")
@command
async def list_(
    state: Annotated[DeliveryState | None, typer.Option(help="Only those that are so: `dead`, `failed`, …")] = None,
    team: OfTeam = None,
    limit: Annotated[int, typer.Option(min=1, help="So many at most, the latest first.")] = 50,
    as_json: AsJson = False,
) -> Exit:
    """List deliveries on record, the latest first: one line for each team, week and channel."""
    async with database_on_record(team) as database:
        found = await Deliveries(database).summaries(teams=None if team is None else [team], state=state, limit=limit)
    if as_json:
        emit({"deliveries": [summary.model_dump(mode="json") for summary in found]})
    else:
        _print(found)
    return Exit.OK


@app.command()
@command
async def replay(
    which: Annotated[list[str], typer.Argument(help="Its id, as `list` shows it; or team, week and channel.")],
    wait: Annotated[int, typer.Option(min=1, help="So many seconds the outcome is waited for.")] = 60,
    as_json: AsJson = False,
) -> Exit:
    """Try a delivery again with the newest revision on record. What is in the channel already is not sent again.

    Exits with 0 when it is delivered, 1 when it failed, 3 when it is still tried.
    """
    key = parsed_id(which)
    configuration = await asyncio.to_thread(load_team, read_environment().config_dir, key.team)
    async with database_on_record() as database:
        handle = await again.replay(await connect(), database, configuration, key, me())
    try:
        outcome = await asyncio.wait_for(handle.result(), wait)
    except TimeoutError:
        outcome = await handle.query("outcome", result_type=DeliveryOutcome)
    except WorkflowFailureError as error:
        raise Told(f"{handle.id} failed: {root_cause(error)}") from error
    _tell(handle.id, outcome, as_json=as_json)
    if outcome.state is DeliveryState.PENDING:
        return Exit.PARTIAL
    return Exit.OK if outcome.state in IS_THERE else Exit.FAILED


def parsed_id(words: Sequence[str]) -> DeliveryKey:
    """`delivery:payments:2026-W47:slack-payments`, or the last three of it. Raises Told for anything else."""
    parts = words[0].split(":") if len(words) == 1 else ["delivery", *words]
    if len(parts) != len(("delivery", *DeliveryKey._fields)) or parts[0] != "delivery" or not all(parts):
        raise Told("name a delivery by its id, as `delivery list` shows it, or by team, week and channel", Exit.USAGE)
    return DeliveryKey(*parts[1:])


def _tell(delivery_id: str, outcome: DeliveryOutcome, *, as_json: bool) -> None:
    state = "still tried" if outcome.state is DeliveryState.PENDING else outcome.state.value
    if as_json:
        emit({"id": delivery_id, **outcome.model_dump(mode="json", include=_TOLD)})
    else:
        because = f": {outcome.reason}" if outcome.reason else ""
        typer.echo(f"{delivery_id} is {state}, revision {outcome.revision}{because}")


_WIDEST_WORDS = 80
_TOLD = {"team", "iso_week", "channel", "kind", "revision", "state", "reason", "message_id", "parts"}


def _print(found: Sequence[DeliverySummary]) -> None:
    if not found:
        output().print("no deliveries on record")
        return
    table = Table("delivery", "state", "revision", "parts", "tried", "last (UTC)", "why", box=None, pad_edge=False)
    for one in found:
        table.add_row(
            one.id,
            Text(one.state.value, _COLOURS.get(one.state, "")),
            str(one.revision),
            f"{one.delivered} of {one.parts}",
            str(one.attempts),
            f"{one.updated_at:%Y-%m-%d %H:%M}",
            Text(shorten(one.last_error, _WIDEST_WORDS)),
        )
    print_whole(table)
