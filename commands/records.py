"""`records due`: what retention would remove now, and what a legal hold keeps. Nothing is removed here."""

from collections.abc import Sequence
from datetime import UTC, datetime

import typer
from rich.table import Table
from rich.text import Text

from commands.console import AsJson, Exit, command, emit, output
from devsync.runtime.legal_holds import read_records_with_holds
from devsync.settings.environment import read_environment
from devsync.settings.records import RecordSettings
from devsync.storage.database import Database
from devsync.storage.retention import Due, Retention

app = typer.Typer(help="How long records are kept.", no_args_is_help=True)

_WIDEST = 500


@app.command()
@command
async def due(as_json: AsJson = False) -> Exit:
    """Show what the next run of the schedule `records` removes, and what legal holds keep."""
    environment = read_environment()
    database = Database(environment.database().get_secret_value(), pool_size=1)
    try:
        settings = await read_records_with_holds(environment.config_dir, database)
        retention = Retention(database, settings.keep.by_name(), settings.is_held, datetime.now(UTC))
        found = [one async for one in retention.due()]
    finally:
        await database.dispose()
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
    needed = output(_WIDEST).measure(table).maximum
    output(max(out.width, needed)).print(table)
