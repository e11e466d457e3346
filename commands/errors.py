"""`errors stats`: what went wrong lately, counted by what errors have in common."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from commands.console import AsJson, Exit, command, emit, output, print_whole
from commands.on_record import (
    OfTeam,
    Until,
    Window,
    database_on_record,
    window_document,
    window_words,
)
from commands.times import window_of
from devsync.domain.errors import ErrorSeverity
from devsync.domain.insight.counted import place
from devsync.domain.insight.statistics import ErrorStatistics, Rate, Share
from devsync.rendering.wording import counted
from devsync.storage.errors_within import errors_within
from devsync.storage.statistics import ErrorGroup

app = typer.Typer(help="Errors on record.", no_args_is_help=True)

_COLOURS = {ErrorSeverity.HIGH: "yellow", ErrorSeverity.CRITICAL: "red"}
_SHOWN_OPERATIONS = 5

Limit = Annotated[int, typer.Option(min=1, help="The kinds of errors to list, the most frequent first.")]


@app.command()
@command
async def stats(
    window: Window = "24h", until: Until = None, team: OfTeam = None, limit: Limit = 20, as_json: AsJson = False
) -> Exit:
    """Count errors by category, severity, service, operation and fingerprint: failed attempts, also those that a later
    attempt healed. And of which part of its attempts each service fails."""
    span = window_of(window, until, datetime.now(UTC))
    async with database_on_record(team) as database:
        found, groups = await errors_within(database, span, team=team, limit=limit)
    if as_json:
        emit(document(found, groups, window))
    else:
        _print(found, groups, window_words(window, until))
    return Exit.OK


def document(found: ErrorStatistics, groups: Sequence[ErrorGroup], window: str) -> dict[str, Any]:
    """What `--json` prints. `fingerprints` holds the most frequent kinds, the totals hold all."""
    return {
        **window_document(window, found.span),
        "total": found.total,
        "total_before": found.total_before,
        "by_category": _counts(found.by_category),
        "by_severity": _counts(found.by_severity),
        "by_service": _counts(found.by_service),
        "by_operation": _counts(found.by_operation),
        "by_day": {one.day.isoformat(): one.count for one in found.by_day},
        "rates": [_rate_document(rate) for rate in found.rates],
        "overall": _rate_document(found.overall) if found.overall else None,
        "fingerprints": [group.model_dump(mode="json") for group in groups],
    }


def _counts(shares: Iterable[Share]) -> dict[str, int]:
    return {share.name: share.count for share in shares}


def _rate_document(rate: Rate) -> dict[str, Any]:
    return {"service": rate.service, "attempts": rate.attempts, "failures": rate.failures, "rate": rate.rate}


def _print(found: ErrorStatistics, groups: Sequence[ErrorGroup], window: str) -> None:
    if not groups:
        output().print(f"no errors on record {window}")
        _print_rates(found)
        return
    output().print(f"{counted(found.total, 'error')} {window}, {found.total_before:,} in as long a time before")
    by = {
        "category": found.by_category,
        "severity": found.by_severity,
        "service": found.by_service,
        "operation": found.by_operation[:_SHOWN_OPERATIONS],
    }
    for title, shares in by.items():
        told = ", ".join(f"{share.name} {share.count}" for share in shares)
        output().print(f"by {title}: {told}", markup=False, soft_wrap=True)
    _print_rates(found)
    print_whole(_table(groups))
    if found.fingerprints > len(groups):
        more = counted(found.fingerprints - len(groups), "more kind")
        output().print(f"{more}; --limit {found.fingerprints} lists all")


def _table(groups: Iterable[ErrorGroup]) -> Table:
    columns = ("count", "severity", "category", "where", "first (UTC)", "last (UTC)", "latest", "fingerprint")
    table = Table(*columns, box=None, pad_edge=False)
    for group in groups:
        colour = _COLOURS.get(group.severity, "default")
        table.add_row(
            str(group.count),
            f"[{colour}]{group.severity.value}[/]",
            group.category.value,
            place(group.service, group.operation),
            f"{group.first_seen:%m-%d %H:%M:%S}",
            f"{group.last_seen:%m-%d %H:%M:%S}",
            Text(group.message.splitlines()[0]),
            group.fingerprint,
        )
    return table


def _print_rates(found: ErrorStatistics) -> None:
    """Counts beside the percentage: one of two is no 50 %."""
    failing = [rate for rate in found.rates if rate.failures]
    if found.overall is None or not failing:
        return
    told = ", ".join(
        f"{one.service} {one.failures} of {one.attempts} ({one.failures / one.attempts:.1%})" for one in failing
    )
    every = found.overall
    output().print(f"attempts that failed: {every.failures} of {every.attempts}; {told}", markup=False, soft_wrap=True)
