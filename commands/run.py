"""`run` and `preview`: one edition by hand."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Annotated

import typer

from commands.arguments import Team, Week
from commands.console import AsJson, Exit, Told, command, emit, progress
from commands.documents import edition_document
from commands.editions import exit_code, start_edition, team_of, watch_edition, week_or_last
from commands.live import LiveProgress
from commands.on_record import database_on_record
from commands.summary import print_summary
from devsync.runtime.connection import connect
from devsync.settings.environment import read_environment
from devsync.storage.artifacts import ArtifactStore


class Format(StrEnum):
    """As people write it; the names, in lower case, are those of the renderings."""

    MARKDOWN = "md"
    HTML = "html"
    SLACK = "slack"
    TEXT = "text"
    JSON = "json"


@command
async def run(
    team: Team,
    week: Week = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Compose and store; post nothing.")] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Post it also over a more complete revision of the week.")
    ] = False,
    as_json: AsJson = False,
) -> Exit:
    """Make one edition now, with the configured services. Joins the week's run if one is under way."""
    if dry_run and replace:
        raise Told("--dry-run posts nothing, so there is nothing to --replace; leave one of them out", Exit.USAGE)
    iso_week = week_or_last(week, team_of(read_environment().config_dir, team))
    client = await connect()
    handle = await start_edition(client, team, iso_week, is_dry_run=dry_run, replace=replace)
    with _going_on_without_us(handle.id), LiveProgress(f"{team} {iso_week}") as live:
        result = await watch_edition(client, handle, live)
    if as_json:
        emit(edition_document(result))
    else:
        print_summary(result)
    return exit_code(result)


@command
async def preview(
    team: Team,
    week: Week = None,
    format: Annotated[Format, typer.Option(help="Which rendering to print.")] = Format.MARKDOWN,  # noqa: A002
    as_json: AsJson = False,
) -> Exit:
    """Compose the edition without posting it, and print one rendering."""
    iso_week = week_or_last(week, team_of(read_environment().config_dir, team))
    client = await connect()
    handle = await start_edition(client, team, iso_week, is_dry_run=True)
    with _going_on_without_us(handle.id), LiveProgress(f"preview of {team} {iso_week}") as live:
        result = await watch_edition(client, handle, live)
    reference = result.renderings.get(format.name.lower())
    if reference is None:
        raise Told(f"{result.workflow_id} ended as {result.status.value}, without a rendering")
    async with database_on_record() as database:
        text = (await ArtifactStore(database).get(reference)).decode()
    if as_json:
        emit({**edition_document(result), "format": format.value, "rendering": text})
    else:
        typer.echo(text)
    return exit_code(result)


@contextmanager
def _going_on_without_us(workflow_id: str) -> Iterator[None]:
    """Ctrl-C ends the watching, not what is watched."""
    try:
        yield
    except asyncio.CancelledError:
        progress.print(
            f"{workflow_id} goes on without you: `python starter.py status` follows it, `edition cancel` ends one",
            soft_wrap=True,
        )
        raise
