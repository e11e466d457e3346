"""Exponential smoothing with a weekly season: a level, a damped trend and seven weekdays, each slowly adapted.

Holt-Winters' additive method with damping (Hyndman and Athanasopoulos, "Forecasting: Principles and Practice", 8.3 and
8.4). Its own forty lines: statsmodels would bring numpy, scipy and pandas, 75 MB of wheels, for hardly better forecasts
of such counts (docs/explanation/insight.md has the figures).
"""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

from devsync.domain.insight.series import WEEK


class Rates(NamedTuple):
    """How fast each part follows what is seen, from 0 (never) to 1 (at once)."""

    level: float
    trend: float
    season: float


DAMPING = 0.9
"""Of a trend this share is left a day later: in two weeks it fades, since no count grows for ever."""

GRID = tuple(
    Rates(level, trend, season)
    for level, trend, season in product((0.02, 0.05, 0.1, 0.2, 0.4), (0.0, 0.05), (0.0, 0.05, 0.15))
)


class Fit(NamedTuple):
    """What is known after the last day."""

    level: float
    trend: float
    seasons: tuple[float, ...]
    """By weekday, beginning with the day after the last one; their sum is about 0."""
    error: float
    """Mean of the absolute errors of the forecasts for the next day, the two first weeks aside."""

    def forecast(self, days: int) -> Iterator[float]:
        """Never below zero: what is counted is never less than none."""
        trend, ahead = self.trend, 0.0
        for number in range(days):
            trend *= DAMPING
            ahead += trend
            yield max(self.level + ahead + self.seasons[number % WEEK], 0.0)


def best_fit(values: Sequence[float]) -> Fit:
    """The rates that would have forecast these days best, one day ahead. Needs two weeks and a day."""
    return min((fitted(values, rates) for rates in GRID), key=lambda fit: fit.error)


def fitted(values: Sequence[float], rates: Rates) -> Fit:
    """Goes through all days; begins with the means of the two first weeks."""
    first = values[: 2 * WEEK]
    level, trend = sum(first) / len(first), 0.0
    seasons = [(values[day] + values[day + WEEK]) / 2 - level for day in range(WEEK)]
    errors = 0.0
    for number, value in enumerate(values):
        season = seasons[number % WEEK]
        expected = level + DAMPING * trend + season
        if number >= 2 * WEEK:
            errors += abs(value - max(expected, 0.0))
        before = level
        level = expected - season + rates.level * (value - expected)
        trend = DAMPING * trend + rates.trend * (level - before - DAMPING * trend)
        seasons[number % WEEK] = season + rates.season * (value - level - season)
    turn = len(values) % WEEK
    return Fit(level, trend, (*seasons[turn:], *seasons[:turn]), errors / max(len(values) - 2 * WEEK, 1))
