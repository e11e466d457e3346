"""`errors stats`: what went wrong lately, counted by what errors have in common."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from commands.console import AsJson, Exit, command, emit, output, print_whole
from commands.times import span_of
from devsync.domain.errors import ErrorSeverity
from devsync.settings.environment import read_environment
from devsync.storage.database import Database
from devsync.storage.errors import ErrorGroup, Errors

app = typer.Typer(help="Errors on record.", no_args_is_help=True)

_COLOURS = {ErrorSeverity.HIGH: "yellow", ErrorSeverity.CRITICAL: "red"}

Window = Annotated[str, typer.Option(help="How far back: 90s, 15m, 24h or 7d.")]
Limit = Annotated[int, typer.Option(min=1, help="The kinds of errors to list, the most frequent first.")]


@app.command()
@command
async def stats(window: Window = "24h", limit: Limit = 20, as_json: AsJson = False) -> Exit:
    """Count errors by category, service and fingerprint: failed attempts, also those that a later attempt healed."""
    until = datetime.now(UTC)
    span = span_of(window, until)
    database = Database(read_environment().database().get_secret_value(), pool_size=1)
    try:
        groups = await Errors(database).groups(until - span)
    finally:
        await database.dispose()
    if as_json:
        emit(document(groups, window, until - span, until, limit))
    else:
        _print(groups, window, limit)
    return Exit.OK


def document(groups: Sequence[ErrorGroup], window: str, since: datetime, until: datetime, limit: int) -> dict[str, Any]:
    """What `--json` prints. `fingerprints` holds `limit` at most, the totals hold all."""
    return {
        "window": window,
        "since": since,
        "until": until,
        "total": sum(group.count for group in groups),
        "by_category": _counted(groups, lambda group: group.category.value),
        "by_service": _counted(groups, lambda group: group.service),
        "fingerprints": [group.model_dump(mode="json") for group in groups[:limit]],
    }


def _counted(groups: Sequence[ErrorGroup], key: Callable[[ErrorGroup], str]) -> dict[str, int]:
    """Errors by key, the most frequent first."""
    counts: Counter[str] = Counter()
    for group in groups:
        counts[key(group)] += group.count
    return dict(counts.most_common())


def _print(groups: Sequence[ErrorGroup], window: str, limit: int) -> None:
    if not groups:
        output().print(f"no errors on record in the last {window}")
        return
    output().print(f"{sum(group.count for group in groups)} errors in the last {window}")
    for title, key in (("category", lambda one: one.category.value), ("service", lambda one: one.service)):
        counts = _counted(groups, key)
        output().print(f"by {title}: " + ", ".join(f"{name} {count}" for name, count in counts.items()))
    table = Table(
        "count",
        "severity",
        "category",
        "where",
        "first (UTC)",
        "last (UTC)",
        "latest",
        "fingerprint",
        box=None,
        pad_edge=False,
    )
    for group in groups[:limit]:
        colour = _COLOURS.get(group.severity, "default")
        table.add_row(
            str(group.count),
            f"[{colour}]{group.severity.value}[/]",
            group.category.value,
            f"{group.service}.{group.operation}",
            f"{group.first_seen:%m-%d %H:%M:%S}",
            f"{group.last_seen:%m-%d %H:%M:%S}",
            Text(group.message.splitlines()[0]),
            group.fingerprint,
        )
    print_whole(table)
    if len(groups) > limit:
        output().print(f"{len(groups) - limit} more kinds; --limit {len(groups)} lists all")
