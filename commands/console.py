"""How every command speaks: results on standard output, progress on standard error, one message for an error."""

import asyncio
import json
import signal
import sys
from collections.abc import Callable, Coroutine
from datetime import datetime
from enum import IntEnum
from functools import wraps
from typing import Annotated, Any, ParamSpec

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text
from temporalio.service import RPCError

from devsync.domain.changelog.window import ImpossibleWeek
from devsync.runtime.connection import (
    NamespaceUnusable,
    SearchAttributesMissing,
    TemporalUnreachable,
    missing_namespace,
    namespace_problem,
)
from devsync.runtime.payload_codec import KeyMissing
from devsync.runtime.refusals import NotDone, NotThere
from devsync.settings.configuration import UnknownTeam
from devsync.settings.problems import ConfigError
from devsync.storage.connection import StorageError, WrongDatabaseUrl

P = ParamSpec("P")

progress = Console(stderr=True, highlight=False, emoji=False)
"""Progress and errors. With --json, standard output holds one JSON document and nothing else."""

_WIDEST = 1000
"""Of a table: a terminal scrolls, or wraps."""

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on standard output.")]


class Exit(IntEnum):
    """How a command ended, for scripts."""

    OK = 0
    """What was asked for is done."""
    FAILED = 1
    """It could not be done: a server or a worker is away, a file is wrong, or who was asked refused it as things stand
    (somebody has acknowledged it already). The message on standard error says why and what to do. Or the edition is
    made, and a channel ended `failed`, `uncertain` or `dead`. One that is `queued` counts as done: its delivery goes
    on."""
    USAGE = 2
    """The command line cannot be meant so: an option is unknown or makes no sense, a reason is empty; or it names what
    is not there, or is over, somebody having been faster: a team, week, service, edition, approval, delivery,
    escalation, alert."""
    PARTIAL = 3
    """The edition went out, and names what is missing in it."""
    DEGRADED = 10
    """`health`: a threshold is crossed, or from 5 % of calls on fail."""
    UNHEALTHY = 11
    """`health`: more than 15 % of calls fail, or several services do."""
    CRITICAL = 12
    """`health`: everything fails, or more than one breaker is open."""
    CANNOT_TELL = 13
    """`health`: what could be asked is healthy, and something could not be asked."""


class Told(Exception):
    """Ends a command with one message that says what happened, to which thing, and what to do."""

    def __init__(self, message: str, code: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.code = code


_IMPOSSIBLE: tuple[type[Exception], ...] = (ImpossibleWeek, UnknownTeam, NotThere)
"""Exit code 2, wherever it is found out."""

_KNOWN: tuple[type[Exception], ...] = (
    NotDone,
    ConfigError,
    TemporalUnreachable,
    NamespaceUnusable,
    SearchAttributesMissing,
    KeyMissing,
    StorageError,
    WrongDatabaseUrl,
)


def command(work: Callable[P, Coroutine[Any, Any, Exit | None]]) -> Callable[P, None]:
    """Makes a typer command of a coroutine function: its return value is the exit code, None means 0.

    Errors that a person can mend become one message and the right code; a traceback is a bug.
    """

    @wraps(work)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = asyncio.run(work(*args, **kwargs)) or Exit.OK
        except Told as told:
            code = _tell(str(told), told.code, kwargs)
        except _IMPOSSIBLE as error:
            code = _tell(str(error), Exit.USAGE, kwargs)
        except _KNOWN as error:
            code = _tell(str(error), Exit.FAILED, kwargs)
        except RPCError as error:
            code = _tell(_refusal(error), Exit.FAILED, kwargs)
        except KeyboardInterrupt:
            code = Exit.FAILED
        raise typer.Exit(int(code))

    return run


def output(width: int | None = None) -> Console:
    """Standard output for people. Without emoji: rich would draw `changelog:ledger:2026-W47` with a ledger in it."""
    return Console(highlight=False, emoji=False, width=width)


def print_whole(table: Table) -> None:
    """As wide as it is, a line each, however narrow the terminal: the ids are what every other command asks for."""
    needed = output(_WIDEST).measure(table).maximum
    output(max(output().width, needed)).print(table)


async def until_interrupted() -> None:
    """Until Ctrl-C or SIGTERM; neither ends the process any more, so that it can end what it started."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


def emit(document: Any, *, on_one_line: bool = False) -> None:
    """Prints the document of --json. Accepts what json does, and times, which it writes as ISO 8601 does.

    On one line where the command goes on: whoever reads it must see that it is whole.
    """
    indent = None if on_one_line else 2
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=indent, default=_as_json) + "\n")
    sys.stdout.flush()


def _as_json(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _refusal(error: RPCError) -> str:
    missing = missing_namespace(error)
    return str(namespace_problem(error, missing)) if missing else f"Temporal refused: {error.message}"


def _tell(message: str, code: Exit, arguments: dict[str, Any]) -> Exit:
    progress.print(Text.assemble(("error:", "bold red"), " ", message), soft_wrap=True)
    if arguments.get("as_json"):
        emit({"error": message})
    return code
