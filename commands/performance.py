"""`performance stats`: how long editions, their phases, activities and API calls took, and the memory they needed."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from commands.console import AsJson, Exit, command, emit, output, print_whole
from commands.on_record import (
    OfTeam,
    Until,
    Window,
    database_on_record,
    print_not_enough,
    took,
    window_document,
    window_words,
)
from commands.times import window_of
from devsync.domain.insight.counted import OperationCalls, OperationCount, place
from devsync.domain.insight.enough import NotEnoughData
from devsync.domain.insight.statistics import Bottleneck
from devsync.rendering.wording import counted
from devsync.storage.measured import Measured, measured

app = typer.Typer(help="What was measured of editions, activities and API calls.", no_args_is_help=True)

_TIMES = ("median", "19 of 20 within", "together")

Limit = Annotated[int, typer.Option(min=1, help="The operations to list, those that take most time first.")]


@app.command()
@command
async def stats(
    window: Window = "7d", until: Until = None, team: OfTeam = None, limit: Limit = 20, as_json: AsJson = False
) -> Exit:
    """Show where the time goes: measured, each phase, activity and API call."""
    span = window_of(window, until, datetime.now(UTC))
    async with database_on_record(team) as database:
        found = await measured(database, span, team=team)
    if as_json:
        emit(window_document(window, span) | document(found, limit))
    else:
        _print(found, window_words(window, until), limit)
    return Exit.OK


def document(found: Measured, limit: int) -> dict[str, Any]:
    """What `--json` prints beside the window; seconds throughout. What nobody measured is null."""
    stages, missing = ((), [found.stages]) if isinstance(found.stages, NotEnoughData) else (found.stages, [])
    return {
        "editions": found.editions.model_dump(mode="json") if found.editions else None,
        "stages": [one.model_dump(mode="json") for one in stages],
        "operations": [_attempts(one) for one in found.attempts[:limit]],
        "api_calls": [one.model_dump(mode="json") for one in found.calls[:limit]],
        "not_enough": [one.model_dump(mode="json") for one in missing],
    }


def _attempts(one: OperationCount) -> dict[str, Any]:
    told = one.model_dump(mode="json")
    return {"attempts" if name == "calls" else name: value for name, value in told.items()}


def _print(found: Measured, window: str, limit: int) -> None:
    if not found.attempts and found.editions is None:
        output().print(f"nothing was measured {window}")
        return
    if found.editions is not None:
        made, peak = found.editions, found.editions.peak_mb_p95
        memory = f", and {peak:.0f} MB" if peak is not None else ""
        output().print(
            f"{counted(made.editions, 'edition')} {window}; 19 of 20 took up to {took(made.seconds_p95)}{memory}"
        )
    if isinstance(found.stages, NotEnoughData):
        print_not_enough([found.stages])
    else:
        print_whole(_stages(found.stages))
    _print_attempts(found.attempts, limit)
    _print_calls(found.calls, limit)


def _stages(stages: Iterable[Bottleneck]) -> Table:
    table = Table("phase", "share", "median", "19 of 20 within", "editions", box=None, pad_edge=False)
    for one in stages:
        table.add_row(
            one.stage, f"{one.share:.0%}", took(one.seconds_median), took(one.seconds_p95), str(one.editions)
        )  # fmt: skip
    return table


def _print_attempts(operations: Sequence[OperationCount], limit: int) -> None:
    if not operations:
        return
    table = Table("activities", "attempts", "failed", *_TIMES, box=None, pad_edge=False)
    for one in operations[:limit]:
        times = (one.seconds_median, one.seconds_p95, one.seconds_total)
        table.add_row(place(one.service, one.operation), str(one.calls), str(one.failures), *map(took, times))
    _print_with_rest(table, len(operations), limit)


def _print_calls(calls: Sequence[OperationCalls], limit: int) -> None:
    if not calls:
        return
    table = Table("API calls of", "asked", "answered", "failed", "refused", *_TIMES, box=None, pad_edge=False)
    for one in calls[:limit]:
        counts = (one.asked, one.answered, one.failed, one.refused)
        times = (one.seconds_median, one.seconds_p95, one.seconds_total) if one.asked else ()
        table.add_row(place(one.service, one.operation), *map(str, counts), *(took(each or 0.0) for each in times))
    _print_with_rest(table, len(calls), limit)


def _print_with_rest(table: Table, count: int, limit: int) -> None:
    output().print()
    print_whole(table)
    if count > limit:
        output().print(f"{count - limit} more; --limit {count} lists all")
