"""`forecast`: how many errors to expect, what grows, and when something meets its limit."""

from collections.abc import Iterable
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
    window_document,
    window_words,
)
from commands.times import window_of
from devsync.domain.insight.ahead import Ahead, look_ahead
from devsync.domain.insight.capacity import CapacityRow
from devsync.domain.insight.forecasts import LONGEST, Forecast
from devsync.domain.insight.trends import Direction
from devsync.settings.configuration import load_configuration
from devsync.settings.environment import read_environment
from devsync.storage.past import past

Days = Annotated[int, typer.Option(min=1, max=LONGEST, help="How many days to look ahead.")]


@command
async def forecast(
    window: Window = "84d", until: Until = None, days: Days = 14, team: OfTeam = None, as_json: AsJson = False
) -> Exit:
    """Forecast daily errors with intervals and the error of the method, and tell when limits are met."""
    span = window_of(window, until, datetime.now(UTC))
    limits = load_configuration(read_environment().config_dir).monitoring.limits
    async with database_on_record(team) as database:
        found = await past(database, span, team=team, limits=limits)
    ahead = look_ahead(found.errors, found.metrics, days)
    if as_json:
        emit(window_document(window, span) | document(ahead))
    else:
        _print(ahead, window_words(window, until), days)
    return Exit.OK


def document(found: Ahead) -> dict[str, Any]:
    """What `--json` prints beside the window."""
    return {name: [one.model_dump(mode="json") for one in part] for name, part in found._asdict().items()}


def _print(found: Ahead, window: str, days: int) -> None:
    if found.forecasts:
        output().print(f"the next {days} days, by what is on record {window}")
        print_whole(_forecasts(found.forecasts))
    for one in found.trends:
        if one.direction is not Direction.STEADY:
            words = f"{one.about}: {one.direction.value} by {abs(one.per_week):.2g} a week since {one.since}"
            output().print(f"{words}, between {one.low:.2g} and {one.high:.2g}")
    for other in found.changes:
        levels = f"{other.before:g} a day before and {other.after:g} now"
        output().print(f"{other.about}: another level since {other.on}, {levels}")
    if found.capacity:
        print_whole(_capacity(found.capacity))
    print_not_enough(found.not_enough)


def _forecasts(forecasts: Iterable[Forecast]) -> Table:
    columns = ("of", "together", "busiest day", "between", "error a day", "as a week before", "MASE")
    table = Table(*columns, box=None, pad_edge=False)
    for one in forecasts:
        busiest, test = max(one.days, key=lambda day: day.expected), one.back_test
        table.add_row(
            one.about,
            f"{one.total:.0f}",
            f"{busiest.day:%a %Y-%m-%d} {busiest.expected:.1f}",
            f"{busiest.low:.1f} and {busiest.high:.1f}",
            f"{test.mean_absolute_error:.2f}",
            f"{test.naive_error:.2f}",
            f"{test.mase:.2f}" if test.mase is not None else "-",
        )
    return table


def _capacity(rows: Iterable[CapacityRow]) -> Table:
    table = Table("of", "now", "a week", "limit", "reached", "between", box=None, pad_edge=False)
    for one in rows:
        reached = one.reached_on.isoformat() if one.reached_on else "not in sight"
        between = f"{one.earliest or '…'} and {one.latest or '…'}" if one.earliest or one.latest else ""
        table.add_row(
            one.metric,
            f"{one.now:.4g} {one.unit}",
            f"{one.per_week:+.3g}",
            f"{one.limit:g}",
            reached,
            between,
        )
    return table
