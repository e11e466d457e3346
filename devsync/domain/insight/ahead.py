"""A look ahead: all that can be said of daily counts, and of what is used up."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from devsync.domain.insight.capacity import CapacityRow, Metric, capacity
from devsync.domain.insight.changes import Change, change
from devsync.domain.insight.enough import NotEnoughData
from devsync.domain.insight.forecasts import Forecast, forecast
from devsync.domain.insight.series import Series
from devsync.domain.insight.trends import Trend, trend


class Ahead(NamedTuple):
    """What is said of each series; what would not be said is in `not_enough`."""

    forecasts: Sequence[Forecast]
    trends: Sequence[Trend]
    changes: Sequence[Change]
    capacity: Sequence[CapacityRow]
    not_enough: Sequence[NotEnoughData]


def look_ahead(series: Iterable[tuple[str, Series]], metrics: Sequence[Metric], days: int) -> Ahead:
    """`series`: daily counts by name. Takes a tenth of a second for each of them: not on an event loop."""
    named = list(series)
    answers = [
        *(forecast(name, counts, days) for name, counts in named),
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
