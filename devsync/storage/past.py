"""What a look ahead starts from: the errors of each day and what was used up, as the records know them."""

from collections.abc import Iterable
from itertools import chain
from typing import Final, NamedTuple

from devsync.contracts import names
from devsync.domain.health.thresholds import Thresholds
from devsync.domain.insight.capacity import Metric
from devsync.domain.insight.series import DailyValue, Series, of_counts, of_values
from devsync.domain.insight.span import Span
from devsync.storage.database import Database
from devsync.storage.performance import Performance
from devsync.storage.statistics import Statistics

GITHUB_CALLS_AN_HOUR: Final = 5000
"""What GitHub lets one user's token ask by REST (docs.github.com, "Rate limits for the REST API"); an App has more."""


class Past(NamedTuple):
    known: Span
    """The part of the window that the records know; where there is none, the moment of its end."""
    errors: list[tuple[str, Series]]
    """All errors, then those of each service."""
    metrics: list[Metric]


async def past(database: Database, span: Span, *, team: str | None = None, limits: Thresholds) -> Past:
    """Raises DatabaseUnavailable and NotMigrated."""
    known = await _known(database, span)
    days = await Statistics(database).daily_errors(known, team=team)
    errors = [("errors", of_counts(chain.from_iterable(days.values()), known))]
    errors += [(f"errors of {service}", of_counts(days[service], known)) for service in sorted(days)]
    return Past(known, errors, await _metrics(database, known, team, limits))


async def _known(database: Database, span: Span) -> Span:
    begin = await Statistics(database).begin()
    start = span.end if begin is None else min(max(span.start, begin), span.end)
    return Span(start=start, end=span.end)


async def _metrics(database: Database, known: Span, team: str | None, limits: Thresholds) -> list[Metric]:
    performance = Performance(database)
    editions = await performance.daily_editions(known, team=team)
    calls = await performance.busiest_hours(known, names.GITHUB) if team is None else []

    def metric(name: str, unit: str, limit: float, values: Iterable[DailyValue]) -> Metric:
        return Metric(name=name, unit=unit, limit=limit, series=of_values(values, known))

    return [
        metric("generation_time", "s", limits.generation_time_seconds, (one.usual for one in editions)),
        metric("memory", "MB", limits.memory_usage_mb, (one.peak for one in editions if one.peak)),
        # A quota is not a team's.
        *([metric("api_quota.github", "calls an hour", GITHUB_CALLS_AN_HOUR, calls)] if team is None else []),
    ]
