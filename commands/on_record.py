"""What the commands share that ask the records: their options, the database, and how numbers look."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated, Any, TypeVar

import typer

from commands.console import Exit, Told, output, progress
from devsync.domain.audit import AuditEntry
from devsync.domain.insight.enough import NotEnoughData
from devsync.domain.insight.span import Span
from devsync.settings.configuration import team_names
from devsync.settings.environment import read_environment
from devsync.settings.problems import ConfigError, any_of, did_you_mean
from devsync.storage.audit import Audit
from devsync.storage.connection import StorageError, WrongDatabaseUrl
from devsync.storage.database import Database

T = TypeVar("T")

Window = Annotated[str, typer.Option(help="How far back: 15m, 24h or 30d.")]
Until = Annotated[str | None, typer.Option(help="Where the window ends, 2026-11-23 or with a time; now without it.")]
OfTeam = Annotated[str | None, typer.Option("--team", help="Only what belongs to this team.")]


@asynccontextmanager
async def database_on_record(team: str | None = None) -> AsyncIterator[Database]:
    """One connection, for the block. With a team it raises as `expect_team` does."""
    database = Database(read_environment().database().get_secret_value(), pool_size=1)
    try:
        await _expect(team, database)
        yield database
    finally:
        await database.dispose()


async def if_known(what: str, ask: Callable[[Database], Awaitable[T]]) -> T | None:
    """What the records say; None, with a word that `what` is not known, and why, where they cannot be asked."""
    try:
        async with database_on_record() as database:
            return await ask(database)
    except (ConfigError, WrongDatabaseUrl, StorageError) as error:
        progress.print(f"{what} not known: {error}", markup=False, soft_wrap=True)
        return None


async def expect_team(team: str | None) -> None:
    """Raises Told for a team that neither a file nor a record knows; None and "" are none.

    One without a file may be a program's own, or have lost it: what is on record of it is told, with a note.
    """
    if team and team not in team_names(read_environment().config_dir):
        async with database_on_record(team):
            pass


async def _expect(team: str | None, database: Database) -> None:
    in_files = team_names(read_environment().config_dir)
    if not team or team in in_files:
        return
    on_record = await Audit(database).teams()
    if team not in on_record:
        known = sorted({*in_files, *on_record})
        cure = did_you_mean(team, known, f"the known ones are {any_of(known)}" if known else "there is none yet")
        raise Told(f'--team: neither config/ nor a record knows the team "{team}"; {cure}', Exit.USAGE)
    progress.print(f'note: config/ has no team "{team}"', markup=False, soft_wrap=True)


async def put_in_audit(entry: AuditEntry) -> None:
    """Of what is done already: where it cannot be told there, that is said."""
    try:
        async with database_on_record() as database:
            await Audit(database).write([entry])
    except (ConfigError, WrongDatabaseUrl, StorageError) as error:
        progress.print(f"it is done, and not in the audit: {error}", markup=False, soft_wrap=True)


def window_document(window: str, span: Span) -> dict[str, Any]:
    """How `--json` tells which window was asked about."""
    return {"window": window, "since": span.start, "until": span.end}


def window_words(window: str, until: str | None) -> str:
    """`in the last 24h`."""
    return f"in the {window} before {until}" if until else f"in the last {window}"


def print_not_enough(missing: Iterable[NotEnoughData]) -> None:
    """One line for all that lack the same."""
    lacking: dict[str, list[str]] = {}
    for one in missing:
        lacking.setdefault(one.why, []).append(one.about)
    for why, abouts in lacking.items():
        output().print(f"{', '.join(abouts)}: {why}", markup=False, soft_wrap=True)


def took(seconds: float) -> str:
    """`0.25 s`, `12.5 s`, `0:02:05`."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    return f"{seconds:.1f} s" if seconds < 60 else str(timedelta(seconds=round(seconds)))
