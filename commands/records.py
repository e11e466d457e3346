"""`records due`: what retention would remove now, and what a legal hold keeps. Nothing is removed here."""

from collections.abc import Sequence
from datetime import UTC, datetime

import typer
from rich.table import Table
from rich.text import Text

from commands.console import AsJson, Exit, command, emit, output, print_whole
from commands.on_record import database_on_record
from devsync.settings.environment import read_environment
from devsync.settings.records import RecordSettings, read_records
from devsync.storage.retention import Due, Retention

app = typer.Typer(help="How long records are kept.", no_args_is_help=True)


@app.command()
@command
async def due(as_json: AsJson = False) -> Exit:
    """Show what the next run of the schedule `records` removes, and what legal holds keep."""
    settings = read_records(read_environment().config_dir / "records.yaml").model
    async with database_on_record() as database:
        retention = Retention(database, settings.keep.by_name(), settings.is_held, datetime.now(UTC))
        found = [one async for one in retention.due()]
    if as_json:
        holds = [hold.model_dump(mode="json") for hold in settings.legal_holds]
        emit({"due": [one.model_dump(mode="json") for one in found], "legal_holds": holds})
    else:
        _print(found, settings)
    return Exit.OK


def _print(found: Sequence[Due], settings: RecordSettings) -> None:
    out = output()
    for hold in settings.legal_holds:
        whose = "everything" if hold.team == "*" else hold.team
        out.print(f"held: {whose}: {hold.reason}", markup=False, soft_wrap=True)
    if not found:
        out.print("nothing is older than it is to be kept")
        return
    table = Table("table", "team", "rows", "oldest (UTC)", "kept from (UTC)", "", box=None, pad_edge=False)
    for one in found:
        oldest = f"{one.oldest:%Y-%m-%d %H:%M}" if one.oldest else ""
        held = "held" if one.is_held else ""
        team = Text(one.team or "(no team)")
        table.add_row(one.table, team, str(one.rows), oldest, f"{one.before:%Y-%m-%d %H:%M}", held)
    print_whole(table)
