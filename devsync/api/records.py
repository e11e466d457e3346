"""What is on record, as the API tells it: errors, operations, recommendations. Plain dicts: programs print them."""

import math
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, Final

from devsync.api.core import Core
from devsync.domain.health.thresholds import Thresholds
from devsync.domain.insight.advice import advise
from devsync.domain.insight.recommendations import Advice
from devsync.domain.insight.span import ImpossibleSpan, Span, last, span
from devsync.domain.insight.statistics import ErrorStatistics, Rate, Share, error_statistics
from devsync.settings.adjustable import service_numbers, usual_refresh
from devsync.storage.observations import observations
from devsync.storage.performance import Performance
from devsync.storage.statistics import ErrorGroup, Statistics

Window = timedelta | tuple[datetime, datetime]

USUAL: Final = timedelta(hours=24)
ADVISED_BY: Final = timedelta(days=28)
_SHOWN_GROUPS: Final = 20
_WRITTEN_WITHIN: Final = 0.3
"""Seconds that what this program has just recorded has to get to the database first."""


def span_of(window: Window, now: datetime) -> Span:
    """Raises ImpossibleSpan, a ValueError, for one that is empty, negative, in the future or longer than anything is
    kept, and TypeError for what is no window."""
    if isinstance(window, timedelta):
        return last(window, now)
    if not (isinstance(window, tuple) and len(window) == 2 and all(isinstance(one, datetime) for one in window)):
        raise TypeError("a window is a timedelta, or a tuple of two datetimes")
    start, end = window
    if start.tzinfo is None or end.tzinfo is None:
        raise ImpossibleSpan("the window has times without a timezone; write datetime.now(UTC)")
    return span(start, end, now)


async def errors_on_record(core: Core, asked: Span, team: str | None = None) -> dict[str, Any]:
    """Raises DatabaseUnavailable, NotMigrated, and ConfigError without a DATABASE_URL."""
    records = Statistics(core.database)
    await core.is_written(_WRITTEN_WITHIN)
    groups = await records.error_groups(asked, team=team, limit=_SHOWN_GROUPS)
    counts = await records.error_counts(asked, team=team) + await records.error_counts(asked.before, team=team)
    days = await records.daily_errors(asked, team=team)
    attempts = await records.call_counts(asked, team=team)
    return _errors(error_statistics(asked, counts, attempts, chain.from_iterable(days.values())), groups)


async def operations_on_record(core: Core, asked: Span) -> list[dict[str, Any]]:
    """Of all workers and programs; what takes most time first. Raises as `errors_on_record` does."""
    await core.is_written(_WRITTEN_WITHIN)
    return [one.model_dump(mode="python") for one in await Performance(core.database).operations(asked)]


async def advice_on_record(core: Core, asked: Span, thresholds: Thresholds) -> Advice:
    """Raises as `errors_on_record` does, and ConfigError for a configuration that is wrong."""
    configuration = await core.configuration()
    seen = await observations(
        core.database,
        asked,
        settings=service_numbers(configuration.services) if configuration else {},
        refresh_every=usual_refresh(configuration.teams.values() if configuration else ()),
        thresholds=thresholds,
    )
    return advise(seen)


def recommendations_of(advice: Advice) -> list[dict[str, Any]]:
    return [{"key": one.key, **one.model_dump(mode="python")} for one in advice.recommendations]


def _errors(found: ErrorStatistics, groups: Iterable[ErrorGroup]) -> dict[str, Any]:
    return {
        "window_start": found.span.start,
        "window_end": found.span.end,
        "total_errors": found.total,
        "total_errors_before": found.total_before,
        "errors_by_category": _counts(found.by_category),
        "errors_by_severity": _counts(found.by_severity),
        "errors_by_service": _counts(found.by_service),
        "errors_by_operation": _counts(found.by_operation),
        "errors_by_day": {one.day: one.count for one in found.by_day},
        "error_rate": _percentage(found.overall),
        "error_rates": {rate.service: _percentage(rate) for rate in found.rates},
        "kinds": found.fingerprints,
        "most_frequent": [group.model_dump(mode="python") for group in groups],
    }


def _counts(shares: Iterable[Share]) -> dict[str, int]:
    return {share.name: share.count for share in shares}


def _percentage(rate: Rate | None) -> float:
    """Not a number where nothing was called: that is not 0 %."""
    return 100 * rate.rate if rate is not None and rate.rate is not None else math.nan
