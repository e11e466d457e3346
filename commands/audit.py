"""`audit`: what was done and what went wrong, and whether that record is as it was written."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text
from temporalio.service import RPCError

from commands.console import AsJson, Exit, command, emit, output, progress
from devsync.domain.audit import ChainedEntry, Head
from devsync.runtime.connection import NamespaceUnusable, TemporalUnreachable, connect
from devsync.runtime.noted_heads import noted_heads
from devsync.settings.environment import read_environment
from devsync.storage.audit import Audit
from devsync.storage.audit_check import AuditCheck, TeamChecked
from devsync.storage.database import Database

app = typer.Typer(help="The audit: a hash chain a team.", no_args_is_help=True)

_WIDEST = 500
_SHARED = "(no team)"

Team = Annotated[str | None, typer.Option(help="Only this team's; `''` for what belongs to no team.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="How many, the newest first.")]


@app.command()
@command
async def verify(team: Team = None, as_json: AsJson = False) -> Exit:
    """Find entries that were changed, removed or slipped in: exit code 1 where there is one.

    Held against the heads that were noted in the database and, where it can be reached, in Temporal.
    """
    async with _database() as database:
        noted = await _noted(database)
        checked = [one async for one in AuditCheck(database).teams(team=team, anchors=noted)]
    is_whole = not any(one.findings for one in checked)
    if as_json:
        teams = [one.model_dump(mode="json") for one in checked]
        emit({"ok": is_whole, "temporal_asked": noted is not None, "teams": teams})
    else:
        _print_checked(checked)
    return Exit.OK if is_whole else Exit.FAILED


@app.command("list")
@command
async def list_(team: Team = None, limit: Limit = 20, as_json: AsJson = False) -> Exit:
    """The last entries: who did what, when, to what, and what came of it."""
    async with _database() as database:
        found = await Audit(database).latest(team=team, limit=limit)
    if as_json:
        emit(
            {
                "entries": [
                    {"number": one.number, **one.entry.model_dump(mode="json"), "hash": one.hash} for one in found
                ]
            }
        )
    else:
        _print_entries(found)
    return Exit.OK


async def _noted(database: Database) -> dict[str, list[Head]] | None:
    """What Temporal remembers; None, and said so, where it cannot be asked."""
    try:
        return await noted_heads(await connect(), await Audit(database).database_id())
    except (TemporalUnreachable, NamespaceUnusable, RPCError) as error:
        first = str(error).splitlines()[0]
        progress.print(f"without the heads that Temporal has noted: {first}", markup=False, soft_wrap=True)
        return None


@asynccontextmanager
async def _database() -> AsyncIterator[Database]:
    database = Database(read_environment().database().get_secret_value(), pool_size=1)
    try:
        yield database
    finally:
        await database.dispose()


def _print_checked(checked: Sequence[TeamChecked]) -> None:
    out = output()
    if not checked:
        out.print("no entries in the audit")
    for one in checked:
        name, until = one.team or _SHARED, f"{_count(one.entries, 'entry', 'entries')}, to number {one.head.number}"
        cut = f", from number {one.cut + 1} on" if one.cut else ""
        word = "broken" if one.findings else "whole"
        anchors = _count(one.anchors, "anchor", "anchors")
        out.print(f"{name}: {word}, {until}{cut}, held against {anchors}", markup=False, soft_wrap=True)
        for finding in one.findings:
            entry = f"entry {finding.number}" if finding.number else "no entry"
            out.print(f"  {finding.damage.value}: {entry}: {finding.detail}", markup=False, soft_wrap=True)


def _print_entries(found: Sequence[ChainedEntry]) -> None:
    if not found:
        output().print("no entries in the audit")
        return
    table = Table("when (UTC)", "team", "who", "action", "to what", "outcome", box=None, pad_edge=False)
    for one in found:
        entry = one.entry
        cells: list[Any] = [f"{entry.at:%Y-%m-%d %H:%M:%S}", entry.team or _SHARED]
        table.add_row(*cells, *map(Text, (entry.actor, entry.action, entry.what, _line(entry.outcome))))
    needed = output(_WIDEST).measure(table).maximum
    output(max(output().width, needed)).print(table)


def _line(text: str) -> str:
    return text.splitlines()[0] if text else ""


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
