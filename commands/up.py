"""`up`: the embedded servers in the foreground, with their data kept, for runs by hand."""

import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.apply import apply_configuration, lines
from commands.console import Exit, Told, command, emit, progress, until_interrupted
from commands.demo_world import demo_world_options
from devsync.runtime.connection import connect
from devsync.settings.configuration import load_configuration
from devsync.settings.environment import read_environment
from devsync.settings.problems import ConfigError

if TYPE_CHECKING:
    from commands.stack import Stack

LOCAL = Path(".local")
TEMPORAL_PORT = 7233
UI_PORT = 8233
DASHBOARD_PORT = 8300


@command
async def up(
    sandbox: Annotated[bool, typer.Option("--sandbox", help="Also the stand-ins of GitHub, JIRA and Slack.")] = False,
    worker: Annotated[bool, typer.Option("--worker", help="Also a worker, with this environment.")] = False,
    dashboard: Annotated[
        bool, typer.Option("--dashboard", help="Also the dashboard, and the Web UI opens sealed payloads by it.")
    ] = False,
    port: Annotated[int, typer.Option(help="Temporal's port.")] = TEMPORAL_PORT,
    ui_port: Annotated[int, typer.Option(help="The Web UI's port.")] = UI_PORT,
    dashboard_port: Annotated[int, typer.Option(help="The dashboard's port.")] = DASHBOARD_PORT,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document on one line, once everything is there.")
    ] = False,
) -> Exit:
    """Run PostgreSQL and Temporal on this machine until Ctrl-C; data stays in .local/."""
    # Imported here: the sandbox and the embedded servers are an extra that an image does not have.
    from commands.stack import (
        dashboard_process,
        local_stack,
        places,
        tell_addresses,
        tell_environment,
        worker_process,
        write_configuration,
        write_environment,
    )
    from sandbox.processes import ProcessFailed
    from sandbox.sole_use import InUse

    LOCAL.mkdir(exist_ok=True)
    world = demo_world_options() if sandbox else None
    try:
        async with AsyncExitStack() as running:
            shown_at = dashboard_port if dashboard else None
            stack = await running.enter_async_context(
                local_stack(LOCAL, world=world, port=port, ui_port=ui_port, dashboard_port=shown_at)
            )
            variables = dict(stack.environment)
            if stack.sandbox is not None:
                variables |= places(write_configuration(LOCAL, stack.sandbox))
            file = write_environment(LOCAL, variables)
            await _apply(variables)
            if worker:
                await running.enter_async_context(worker_process(LOCAL, variables))
            if dashboard:
                await running.enter_async_context(dashboard_process(LOCAL, variables, dashboard_port))
            if as_json:
                emit(_document(stack, file), on_one_line=True)
            tell_addresses(stack)
            tell_environment(file, "doctor")
            progress.print("Ctrl-C stops everything; the data stays.")
            await until_interrupted()
    except (ProcessFailed, InUse) as error:
        raise Told(str(error)) from error
    return Exit.OK


def _document(stack: "Stack", environment: Path) -> dict[str, Any]:
    """Addresses for a script that waits for them; credentials are in the file alone."""
    urls = stack.sandbox["urls"] if stack.sandbox is not None else {}
    return {
        "temporal": stack.temporal.address,
        "web_ui": stack.temporal.ui_url,
        "dashboard": stack.dashboard_url,
        "slack": urls.get("slack"),
        "mail": urls.get("smtp"),
        "control": urls.get("control"),
        "environment": str(environment.resolve()),
    }


async def _apply(variables: dict[str, str]) -> None:
    """As `apply` does. A configuration that is not right yet stops nobody from running the servers."""
    os.environ.update(variables)
    try:
        configuration = load_configuration(read_environment().config_dir)
    except ConfigError as error:
        progress.print(f"not applied, since the configuration is not right yet:\n{error}", markup=False, soft_wrap=True)
        return
    for line in lines(await apply_configuration(await connect(), configuration), configuration):
        progress.print(line, markup=False, soft_wrap=True)
