"""All that the rules of recommendations look at, read from the records."""

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta

from devsync.domain.errors import ErrorCategory
from devsync.domain.health.thresholds import Thresholds
from devsync.domain.insight.recommendations import CategoryCount, Observations, ServiceNumbers
from devsync.domain.insight.span import Span
from devsync.storage.breakers import BreakerTransitions
from devsync.storage.database import Database
from devsync.storage.performance import Performance
from devsync.storage.statistics import Statistics


async def observations(
    database: Database,
    span: Span,
    *,
    settings: Mapping[str, ServiceNumbers],
    refresh_every: timedelta,
    thresholds: Thresholds,
) -> Observations:
    """`settings` are those that are in force now, by service. Raises DatabaseUnavailable and NotMigrated."""
    statistics, performance = Statistics(database), Performance(database)
    categories: Counter[tuple[str, ErrorCategory]] = Counter()
    for group in await statistics.error_groups(span):
        categories[group.service, group.category] += group.count
    return Observations(
        span=span,
        operations=tuple(await statistics.call_counts(span)),
        categories=tuple(
            CategoryCount(service=service, category=category, count=count)
            for (service, category), count in categories.items()
        ),
        stages=tuple(await performance.stages(span)),
        editions=await performance.edition_use(span),
        uses=tuple(await performance.service_uses(span)),
        breakers=tuple(await BreakerTransitions(database).uses(span)),
        caches=tuple(await performance.cache_uses(span)),
        settings=dict(settings),
        refresh_every=refresh_every,
        generation_limit_seconds=thresholds.generation_time_seconds,
        memory_limit_mb=thresholds.memory_usage_mb,
        error_rate_limit=thresholds.error_rate_percentage,
    )
