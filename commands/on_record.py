"""What the commands share that ask the records: their options, the database, and how numbers look."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Annotated, Any

import typer

from commands.console import output
from devsync.domain.insight.enough import NotEnoughData
from devsync.domain.insight.span import Span
from devsync.settings.environment import read_environment
from devsync.storage.database import Database

Window = Annotated[str, typer.Option(help="How far back: 15m, 24h or 30d.")]
Until = Annotated[str | None, typer.Option(help="Where the window ends, 2026-11-23 or with a time; now without it.")]
OfTeam = Annotated[str | None, typer.Option("--team", help="Only what belongs to this team.")]


@asynccontextmanager
async def database_on_record() -> AsyncIterator[Database]:
    """One connection, for the block."""
    database = Database(read_environment().database().get_secret_value(), pool_size=1)
    try:
        yield database
    finally:
        await database.dispose()


def window_document(window: str, span: Span) -> dict[str, Any]:
    """How `--json` tells which window was asked about."""
    return {"window": window, "since": span.start, "until": span.end}


def window_words(window: str, until: str | None) -> str:
    """`in the last 24h`."""
    return f"in the {window} before {until}" if until else f"in the last {window}"


def print_not_enough(missing: Iterable[NotEnoughData]) -> None:
    for one in missing:
        output().print(str(one), markup=False, soft_wrap=True)


def took(seconds: float) -> str:
    """`0.25 s`, `12.5 s`, `0:02:05`."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    return f"{seconds:.1f} s" if seconds < 60 else str(timedelta(seconds=round(seconds)))
