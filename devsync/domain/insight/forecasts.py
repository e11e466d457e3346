"""What the next two weeks bring: daily counts with intervals, and how wrong the same method was when it was tried.

The mean of two methods: smoothing, which follows growth, and the weekday's median, which no single bad day moves. On
the series at hand either may be better, and the mean is hardly worse than that one; choosing by the past was
(docs/explanation/insight.md).
"""

from collections.abc import Sequence
from datetime import date
from math import ceil, floor, sqrt
from statistics import fmean

from devsync.domain.insight.enough import NotEnoughData
from devsync.domain.insight.series import WEEK, Series
from devsync.domain.insight.smoothing import best_fit
from devsync.domain.model import Model

HELD_OUT = 2 * WEEK
FEWEST_DAYS = 3 * WEEK + 2 * HELD_OUT
"""Three weeks to learn from, two on which the forecast is tried, and two that are held out of all that."""
FEWEST_EVENTS = 20
"""Fewer say nothing of the next ones."""
CONFIDENCE = 0.9
"""This share of the days to come should lie within their intervals."""
LONGEST = 13 * WEEK
"""A forecast for more days would be a guess."""

_FIRST_TRY = FEWEST_DAYS - 2 * HELD_OUT
"""From so many days on it is tried on the days that follow."""
_FORGETTING = 0.75
"""A weekday counts this much less than the same one a week later."""


class ForecastDay(Model):
    day: date
    expected: float
    low: float
    high: float
    """Between them with a probability of `CONFIDENCE`."""


class BackTest(Model):
    """The last fourteen days, forecast from what was known before them."""

    days: int
    mean_absolute_error: float
    naive_error: float
    """Of "as on the same weekday of the week before", over the same days."""
    mase: float | None
    """The error by what "as a week before" was wrong by until then (Hyndman and Koehler, 2006): below 1 is better.
    None where that was never wrong."""
    within: float
    """The share of these days that lay within their intervals."""


class Forecast(Model):
    about: str
    days: tuple[ForecastDay, ...]
    back_test: BackTest

    @property
    def total(self) -> float:
        return sum(day.expected for day in self.days)


def forecast(about: str, counts: Series, days: int = HELD_OUT) -> Forecast | NotEnoughData:
    """Counts of the days that follow the series, `LONGEST` at most. Raises ValueError for less than one day."""
    if not 1 <= days <= LONGEST:
        raise ValueError(f"{days} days cannot be forecast; ask for 1 to {LONGEST}")
    values = _complete(counts)
    if len(values) < FEWEST_DAYS:
        return _not_enough(about, len(values), FEWEST_DAYS, "days")
    if sum(values) < FEWEST_EVENTS:
        return _not_enough(about, round(sum(values)), FEWEST_EVENTS, "events")
    return Forecast(
        about=about,
        days=tuple(
            ForecastDay(day=counts.day(len(counts.values) + number), expected=expected, low=low, high=high)
            for number, (expected, low, high) in enumerate(_intervals(values, days))
        ),
        back_test=_back_test(values),
    )


def _not_enough(about: str, found: int, needed: int, what: str) -> NotEnoughData:
    return NotEnoughData(about=f"forecast of {about}", found=found, needed=needed, what=what)


def same_weekday(values: Sequence[float], days: int) -> list[float]:
    """The seasonal naive forecast: as a week before."""
    return [values[len(values) - WEEK + number % WEEK] for number in range(days)]


def _expected(values: Sequence[float], days: int) -> list[float]:
    both = zip(best_fit(values).forecast(days), _weekday_medians(values, days), strict=True)
    return [fmean(pair) for pair in both]


def _weekday_medians(values: Sequence[float], days: int) -> list[float]:
    """The median of the same weekdays, older ones weighing less."""
    return [_weighted_median(values[(len(values) + number) % WEEK :: WEEK][::-1]) for number in range(days)]


def _weighted_median(newest_first: Sequence[float]) -> float:
    weighted = sorted((value, _FORGETTING**age) for age, value in enumerate(newest_first))
    half, seen = sum(weight for _, weight in weighted) / 2, 0.0
    for value, weight in weighted:
        seen += weight
        if seen >= half:
            return value
    return weighted[-1][0]


def _intervals(values: Sequence[float], days: int) -> list[tuple[float, float, float]]:
    """Expected, low and high of each day that follows.

    The bounds are order statistics of past misses ("split conformal"): no bell curve is supposed, and with few misses
    they lie at the worst of them.
    """
    misses = _misses(values)
    tail = (1 - CONFIDENCE) / 2
    below = max(floor(tail * (len(misses) + 1)) - 1, 0)
    above = min(ceil((1 - tail) * (len(misses) + 1)) - 1, len(misses) - 1)
    low, high = min(misses[below], 0.0), max(misses[above], 0.0)
    return [
        (expected, max(expected + low * _noise(expected), 0.0), expected + high * _noise(expected))
        for expected in _expected(values, days)
    ]


def _misses(values: Sequence[float]) -> list[float]:
    """By how much the two weeks after each week of the past would have been missed, in units of the noise of the day.

    Sorted; above zero where more came than was forecast.
    """
    return sorted(
        (seen - expected) / _noise(expected)
        for known in range(len(values) - HELD_OUT, _FIRST_TRY - 1, -WEEK)
        for seen, expected in zip(values[known:], _expected(values[:known], HELD_OUT), strict=False)
    )


def _noise(expected: float) -> float:
    """Counts scatter with the root of their size; quiet weekends have narrower intervals than busy Tuesdays."""
    return sqrt(expected + 1)


def _back_test(values: Sequence[float]) -> BackTest:
    known, held_out = values[:-HELD_OUT], values[-HELD_OUT:]
    days = _intervals(known, HELD_OUT)
    error = fmean(abs(seen - expected) for seen, (expected, _, _) in zip(held_out, days, strict=True))
    naive = [abs(seen - before) for seen, before in zip(known[WEEK:], known, strict=False)]
    scale = fmean(naive)
    return BackTest(
        days=HELD_OUT,
        mean_absolute_error=error,
        naive_error=fmean(
            abs(seen - expected) for seen, expected in zip(held_out, same_weekday(known, HELD_OUT), strict=True)
        ),
        mase=error / scale if scale else None,
        within=fmean(low <= seen <= high for seen, (_, low, high) in zip(held_out, days, strict=True)),
    )


def _complete(series: Series) -> tuple[float, ...]:
    """The last stretch without a gap."""
    gaps = [number for number, value in enumerate(series.values) if value is None]
    return tuple(value for value in series.values[gaps[-1] + 1 if gaps else 0 :] if value is not None)
