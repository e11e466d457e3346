"""What is on record, as the API tells it: errors, operations, recommendations. Plain dicts: programs print them."""

import math
from collections.abc import Iterable
from typing import Any, Final

from devsync.api.core import Core
from devsync.domain.health.thresholds import Thresholds
from devsync.domain.insight.advice import advise
from devsync.domain.insight.recommendations import Advice
from devsync.domain.insight.span import Span
from devsync.domain.insight.statistics import ErrorStatistics, Rate, Share
from devsync.settings.adjustable import service_numbers, usual_refresh
from devsync.storage.errors_within import errors_within
from devsync.storage.observations import observations
from devsync.storage.performance import Performance
from devsync.storage.statistics import ErrorGroup

_SHOWN_GROUPS: Final = 20
_WRITTEN_WITHIN: Final = 0.3
"""Seconds that what this program has just recorded has to get to the database first."""


async def errors_on_record(core: Core, asked: Span, team: str | None = None) -> dict[str, Any]:
    """Raises DatabaseUnavailable, NotMigrated, and ConfigError without a DATABASE_URL."""
    database = core.database
    await core.is_written(_WRITTEN_WITHIN)
    return _errors(*await errors_within(database, asked, team=team, limit=_SHOWN_GROUPS))


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
        "error_rate": _fraction(found.overall),
        "error_rates": {rate.service: _fraction(rate) for rate in found.rates},
        "kinds": found.fingerprints,
        "most_frequent": [group.model_dump(mode="python") for group in groups],
    }


def _counts(shares: Iterable[Share]) -> dict[str, int]:
    return {share.name: share.count for share in shares}


def _fraction(rate: Rate | None) -> float:
    """From 0 to 1; not a number where nothing was called, which is not 0."""
    return rate.rate if rate is not None and rate.rate is not None else math.nan
