"""`apply`: makes the Temporal namespace ready for the workers; idempotent, run at every deploy."""

import typer

from commands.console import AsJson, Exit, command, emit
from devsync.runtime.connection import connect, register_search_attributes
from devsync.settings.configuration import load_configuration
from devsync.settings.environment import read_environment


@command
async def apply(as_json: AsJson = False) -> Exit:
    """Register the search attributes and check the configuration."""
    load_configuration(read_environment().config_dir)
    client = await connect()
    added = await register_search_attributes(client)
    if as_json:
        emit({"namespace": client.namespace, "search_attributes_added": added})
    else:
        what = f"added {', '.join(added)}" if added else "all there already"
        typer.echo(f"namespace {client.namespace}: search attributes {what}")
    return Exit.OK
