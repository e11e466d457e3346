"""`db upgrade`: brings the database's tables to what this build needs."""

import asyncio

import typer

from commands.console import AsJson, Exit, command, emit
from devsync.settings.environment import read_environment
from devsync.storage import migrate

app = typer.Typer(help="The PostgreSQL database.", no_args_is_help=True)


@app.command()
@command
async def upgrade(as_json: AsJson = False) -> Exit:
    """Run the migrations that are missing; safe to repeat, and to run twice at once."""
    url = read_environment().owned_database().get_secret_value()
    before = await asyncio.to_thread(migrate.current, url)
    await asyncio.to_thread(migrate.upgrade, url)
    after = await asyncio.to_thread(migrate.current, url)
    if as_json:
        emit({"from": before, "to": after})
    else:
        typer.echo(f"database at revision {after}" + ("" if before == after else f" (was {before or 'empty'})"))
    return Exit.OK
