"""Whether something grows or falls from week to week, by how much, and whether that could as well be chance.

Mondays are compared with Mondays: the slope is the median over all pairs of the same weekday (Theil-Sen, by season),
and the test is the seasonal Kendall test with the covariance of the weekdays (Hirsch and Slack, 1984), so that a week
that is bad as a whole counts as one event and not as seven.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from itertools import combinations
from math import floor, sqrt
from statistics import NormalDist, median

from devsync.domain.insight.enough import NotEnoughData
from devsync.domain.insight.series import WEEK, Series
from devsync.domain.model import Model

FEWEST_WEEKS = 6
"""Of the best known weekday. With fewer, any order of the weeks comes by chance too often."""
SIGNIFICANCE = 0.05
"""Of series without a trend, this share is said to have one."""

_Weekdays = Mapping[int, Mapping[int, float]]
"""By weekday the value of each week."""


class Direction(StrEnum):
    RISING = "rising"
    FALLING = "falling"
    STEADY = "steady"
    """No trend that could not as well be chance."""


class Trend(Model):
    about: str
    direction: Direction
    per_week: float
    """The slope, in the metric's unit; its best estimate also where it could be chance."""
    low: float
    high: float
    """The slope lies between them with a probability of 95 %."""
    p_value: float
    """How often chance alone would show as much."""
    level: float
    """What the busiest weekday has now, on the line through all weeks; without a trend, its median."""
    as_of: date
    """The busiest weekday's date, in the last week that was measured."""
    weeks: int
    since: date
    """The first day that was looked at."""


def trend(about: str, series: Series) -> Trend | NotEnoughData:
    """The trend over the whole series; days that were not measured are left out."""
    weekdays = _by_weekday(series)
    weeks = max(map(len, weekdays.values()), default=0)
    if weeks < FEWEST_WEEKS:
        return NotEnoughData(about=f"trend of {about}", found=weeks, needed=FEWEST_WEEKS, what="weeks")
    slopes = sorted(slope for values in weekdays.values() for slope in _slopes(values))
    spread = sqrt(_variance(weekdays))
    p_value = _p_value(sum(_kendall(values) for values in weekdays.values()), spread)
    per_week = median(slopes)
    low, high = _bounds(slopes, spread)
    direction = _direction(per_week, p_value)
    level, day = _level(weekdays, per_week if direction is not Direction.STEADY else 0.0)
    return Trend(
        about=about,
        direction=direction,
        per_week=per_week,
        low=low,
        high=high,
        p_value=p_value,
        level=level,
        as_of=series.day(day),
        weeks=weeks,
        since=series.start,
    )


def _by_weekday(series: Series) -> _Weekdays:
    weekdays: dict[int, dict[int, float]] = {}
    for number, value in series.measured:
        weekdays.setdefault(number % WEEK, {})[number // WEEK] = value
    return weekdays


def _slopes(values: Mapping[int, float]) -> list[float]:
    return [(later - earlier) / (w - v) for (v, earlier), (w, later) in combinations(values.items(), 2)]


def _kendall(values: Mapping[int, float]) -> int:
    """Pairs that rise less those that fall."""
    return sum(_sign(later - earlier) for earlier, later in combinations(values.values(), 2))


def _variance(weekdays: _Weekdays) -> float:
    """Of the sum of all weekdays' Kendall scores, if there were no trend."""
    weeks = sorted({week for values in weekdays.values() for week in values})
    ranks = {weekday: _ranks(values, weeks) for weekday, values in weekdays.items()}
    own = sum(_own_variance(list(values.values())) for values in weekdays.values())
    shared = sum(
        2 * _covariance(weekdays[one], weekdays[other], ranks[one], ranks[other], weeks)
        for one, other in combinations(weekdays, 2)
    )
    return max(own + shared, 0.0)


def _own_variance(values: Sequence[float]) -> float:
    def part(count: int) -> float:
        return count * (count - 1) * (2 * count + 5) / 18

    return part(len(values)) - sum(part(values.count(value)) for value in set(values))


def _covariance(
    one: Mapping[int, float],
    other: Mapping[int, float],
    one_ranks: Mapping[int, float],
    other_ranks: Mapping[int, float],
    weeks: Sequence[int],
) -> float:
    """Hirsch and Slack's equation, in the form of Dietz and Killeen for weeks in which a day was not measured."""
    both = [week for week in weeks if week in one and week in other]
    together = sum(_sign((one[w] - one[v]) * (other[w] - other[v])) for v, w in combinations(both, 2))
    ranks = sum(one_ranks[week] * other_ranks[week] for week in weeks)
    return (together + 4 * ranks - len(weeks) * (len(one) + 1) * (len(other) + 1)) / 3


def _ranks(values: Mapping[int, float], weeks: Sequence[int]) -> Mapping[int, float]:
    """The middle rank for a week that is missing."""
    middle = (len(values) + 1) / 2
    return {
        week: middle + sum(_sign(values[week] - value) for value in values.values()) / 2 if week in values else middle
        for week in weeks
    }


def _p_value(score: int, spread: float) -> float:
    """Two-sided; one pair less for the steps of a score that is a whole number."""
    if not spread or not score:
        return 1.0
    return 2 * (1 - NormalDist().cdf((abs(score) - 1) / spread))


def _bounds(slopes: Sequence[float], spread: float) -> tuple[float, float]:
    reach = NormalDist().inv_cdf(1 - SIGNIFICANCE / 2) * spread
    below, above = floor((len(slopes) - reach) / 2), floor((len(slopes) + reach) / 2)
    return slopes[max(below, 0)], slopes[min(above, len(slopes) - 1)]


def _direction(per_week: float, p_value: float) -> Direction:
    if p_value > SIGNIFICANCE or not per_week:
        return Direction.STEADY
    return Direction.RISING if per_week > 0 else Direction.FALLING


def _level(weekdays: _Weekdays, per_week: float) -> tuple[float, int]:
    """The highest of the weekdays' levels in the last week, and its day by number."""
    last = max(week for values in weekdays.values() for week in values)
    return max(
        (median(value + per_week * (last - week) for week, value in values.items()), last * WEEK + weekday)
        for weekday, values in weekdays.items()
    )


def _sign(number: float) -> int:
    return (number > 0) - (number < 0)
