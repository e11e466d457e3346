"""`audit`: what was done and what went wrong, and whether that record is as it was written."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text
from temporalio.service import RPCError

from commands.console import AsJson, Exit, Told, command, emit, output, print_whole, progress
from commands.on_record import database_on_record, expect_team
from devsync.domain.audit import ChainedEntry, Head
from devsync.rendering.wording import counted, listed
from devsync.runtime.connection import NamespaceUnusable, TemporalUnreachable, connect
from devsync.runtime.noted_heads import noted_heads
from devsync.storage.audit import Audit
from devsync.storage.audit_check import AuditCheck, TeamChecked
from devsync.storage.database import Database

app = typer.Typer(help="The audit: a hash chain a team.", no_args_is_help=True)

_SHARED = "(no team)"
_AT = "%Y-%m-%d %H:%M:%S"

Team = Annotated[str | None, typer.Option(help="Only this team's; `''` for what belongs to no team.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="How many, the newest first.")]


@app.command()
@command
async def verify(team: Team = None, as_json: AsJson = False) -> Exit:
    """Find entries that were changed, removed or slipped in: exit code 1 where there is one.

    Held against the heads that were noted in the database and, where it can be reached, in Temporal.
    """
    async with database_on_record() as database:
        noted = await _noted(database)
        checked = [one async for one in AuditCheck(database).teams(team=team, anchors=noted)]
    if not checked and team is not None:  # one whose entries are all gone may be known to Temporal alone
        await expect_team(team)
        raise Told(f"nothing was verified: the audit has no entry of {team or _SHARED}, and no head of it was noted")
    is_whole = not any(one.findings for one in checked)
    if as_json:
        teams = [one.model_dump(mode="json") | {"unseen": one.unseen} for one in checked]
        emit({"ok": is_whole, "temporal_asked": noted is not None, "teams": teams})
    else:
        _print_checked(checked)
    return Exit.OK if is_whole else Exit.FAILED


@app.command("list")
@command
async def list_(team: Team = None, limit: Limit = 20, as_json: AsJson = False) -> Exit:
    """The last entries: who did what, when, to what, and what came of it."""
    async with database_on_record(team) as database:
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
        progress.print(f"could not see the heads that Temporal has noted: {first}", markup=False, soft_wrap=True)
        return None


def _print_checked(checked: Sequence[TeamChecked]) -> None:
    out = output()
    if not checked:
        out.print("no entries in the audit")
    for one in checked:
        for line in _checked_lines(one):
            out.print(line, markup=False, soft_wrap=True)


def _checked_lines(one: TeamChecked) -> Iterator[str]:
    """The verdict, what is wrong, what it rests on, and what nobody could see."""
    word = "broken" if one.findings else "whole"
    which = counted(one.entries, "entry", "entries")
    if one.since and one.until:
        which += f", number {one.cut + 1} to {one.head.number}, of {one.since:{_AT}} to {one.until:{_AT}} UTC"
    yield f"{one.team or _SHARED}: {word}, {which}"
    for finding in one.findings:
        entry = f"entry {finding.number}" if finding.number else "no entry"
        yield f"  {finding.damage.value}: {entry}: {finding.detail}"
    anchors = (
        f"{counted(one.anchors, 'anchor')}, the newest of entry {one.anchored}" if one.anchors else "no anchor yet"
    )
    rows = [counted(count, f"row of {table}", f"rows of {table}") for table, count in one.beside.items() if count]
    yield f"  held against {listed([*rows, anchors])}"
    for what in one.unseen:
        yield f"  could not see {what}"


def _print_entries(found: Sequence[ChainedEntry]) -> None:
    if not found:
        output().print("no entries in the audit")
        return
    table = Table("when (UTC)", "team", "who", "action", "to what", "outcome", box=None, pad_edge=False)
    for one in found:
        entry = one.entry
        cells: list[Any] = [f"{entry.at:{_AT}}", entry.team or _SHARED]
        table.add_row(*cells, *map(Text, (entry.actor, entry.action, entry.what, _line(entry.outcome))))
    print_whole(table)


def _line(text: str) -> str:
    return text.splitlines()[0] if text else ""
