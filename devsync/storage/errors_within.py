"""What went wrong within a window: its errors counted by what they have in common, and the most frequent kinds."""

from itertools import chain
from typing import NamedTuple

from devsync.domain.insight.span import Span
from devsync.domain.insight.statistics import ErrorStatistics, error_statistics
from devsync.storage.database import Database
from devsync.storage.statistics import ErrorGroup, Statistics


class ErrorsWithin(NamedTuple):
    statistics: ErrorStatistics
    """Of all errors, beside those of as long a time before."""
    groups: list[ErrorGroup]
    """The most frequent kinds of them."""


async def errors_within(database: Database, span: Span, *, team: str | None, limit: int) -> ErrorsWithin:
    """With so many groups at most. Raises DatabaseUnavailable and NotMigrated."""
    records = Statistics(database)
    groups = await records.error_groups(span, team=team, limit=limit)
    counts = await records.error_counts(span, team=team) + await records.error_counts(span.before, team=team)
    days = await records.daily_errors(span, team=team)
    attempts = await records.call_counts(span, team=team)
    return ErrorsWithin(error_statistics(span, counts, attempts, chain.from_iterable(days.values())), groups)
