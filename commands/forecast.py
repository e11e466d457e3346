"""`forecast`: how many errors to expect, what grows, and when something meets its limit."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Annotated, Any, Final, NamedTuple

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
from devsync.contracts import names
from devsync.domain.health.thresholds import Thresholds
from devsync.domain.insight.capacity import CapacityRow, Metric, capacity
from devsync.domain.insight.changes import Change, change
from devsync.domain.insight.enough import NotEnoughData
from devsync.domain.insight.forecasts import LONGEST, Forecast
from devsync.domain.insight.forecasts import forecast as forecast_of
from devsync.domain.insight.series import DailyCount, DailyValue, Series, of_counts, of_values
from devsync.domain.insight.span import Span
from devsync.domain.insight.trends import Direction, Trend, trend
from devsync.settings.configuration import load_configuration
from devsync.settings.environment import read_environment
from devsync.storage.database import Database
from devsync.storage.performance import Performance
from devsync.storage.statistics import Statistics

GITHUB_CALLS_AN_HOUR: Final = 5000
"""What GitHub lets one user's token ask by REST (docs.github.com, "Rate limits for the REST API"); an App has more."""

Days = Annotated[int, typer.Option(min=1, max=LONGEST, help="How many days to look ahead.")]


class Ahead(NamedTuple):
    """What is said of each series; what would not be said is in `not_enough`."""

    forecasts: Sequence[Forecast]
    trends: Sequence[Trend]
    changes: Sequence[Change]
    capacity: Sequence[CapacityRow]
    not_enough: Sequence[NotEnoughData]


@command
async def forecast(
    window: Window = "84d", until: Until = None, days: Days = 14, team: OfTeam = None, as_json: AsJson = False
) -> Exit:
    """Forecast daily errors with intervals and the error of the method, and tell when limits are met."""
    span = window_of(window, until, datetime.now(UTC))
    limits = load_configuration(read_environment().config_dir).monitoring.limits
    async with database_on_record() as database:
        known = await _known(database, span)
        errors = await Statistics(database).daily_errors(known, team=team)
        metrics = await _metrics(database, known, team, limits)
    found = look_ahead(_series(errors, known), metrics, days)
    if as_json:
        emit(window_document(window, span) | document(found))
    else:
        _print(found, window_words(window, until), days)
    return Exit.OK


def look_ahead(series: Iterable[tuple[str, Series]], metrics: Sequence[Metric], days: int) -> Ahead:
    """All that can be said of the named series of daily counts, and of what is used up."""
    named = list(series)
    answers = [
        *(forecast_of(name, counts, days) for name, counts in named),
        *(trend(name, counts) for name, counts in named),
        *(change(name, counts) for name, counts in named),
        *capacity(metrics),
    ]
    missing = {str(answer): answer for answer in answers if isinstance(answer, NotEnoughData)}
    return Ahead(
        forecasts=[answer for answer in answers if isinstance(answer, Forecast)],
        trends=[answer for answer in answers if isinstance(answer, Trend)],
        changes=[answer for answer in answers if isinstance(answer, Change)],
        capacity=[answer for answer in answers if isinstance(answer, CapacityRow)],
        not_enough=list(missing.values()),
    )


def document(found: Ahead) -> dict[str, Any]:
    """What `--json` prints beside the window."""
    return {name: [one.model_dump(mode="json") for one in part] for name, part in found._asdict().items()}


async def _known(database: Database, span: Span) -> Span:
    """The part of the window that the records know; where there is none, the moment of its end."""
    begin = await Statistics(database).begin()
    start = span.end if begin is None else min(max(span.start, begin), span.end)
    return Span(start=start, end=span.end)


def _series(errors: Mapping[str, Sequence[DailyCount]], known: Span) -> Iterator[tuple[str, Series]]:
    """All errors, then those of each service."""
    yield "errors", of_counts(chain.from_iterable(errors.values()), known)
    for service in sorted(errors):
        yield f"errors of {service}", of_counts(errors[service], known)


async def _metrics(database: Database, known: Span, team: str | None, limits: Thresholds) -> list[Metric]:
    performance = Performance(database)
    seconds, peaks = await performance.daily_editions(known, team=team)
    calls = await performance.busiest_hours(known, names.GITHUB) if team is None else []

    def metric(name: str, unit: str, limit: float, values: Iterable[DailyValue]) -> Metric:
        return Metric(name=name, unit=unit, limit=limit, series=of_values(values, known))

    return [
        metric("generation_time", "s", limits.generation_time_seconds, seconds),
        metric("memory", "MB", limits.memory_usage_mb, peaks),
        # A quota is not a team's.
        *([metric("api_quota.github", "calls an hour", GITHUB_CALLS_AN_HOUR, calls)] if team is None else []),
    ]


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
