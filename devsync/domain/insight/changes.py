"""Since when something is different: the one day from which a series has another level that lasts.

Pettitt's test (1979) on ranks within each weekday, so that neither a bad day nor a weekend makes a change.
"""

from collections.abc import Sequence
from datetime import date
from itertools import accumulate
from math import exp
from statistics import median

from devsync.domain.insight.enough import NotEnoughData
from devsync.domain.insight.series import WEEK, Series
from devsync.domain.model import Model

FEWEST_MEASURED = 12
SIGNIFICANCE = 0.01
"""Smaller than a trend's: days are not independent of each other, which this test takes them for."""


class Change(Model):
    about: str
    on: date
    """The first day of the new level."""
    before: float
    """Medians of both sides."""
    after: float
    p_value: float


class NoChange(Model):
    """One level, as far as can be told."""

    about: str


def change(about: str, series: Series) -> Change | NoChange | NotEnoughData:
    measured = series.measured
    if len(measured) < FEWEST_MEASURED:
        return NotEnoughData(about=about, found=len(measured), needed=FEWEST_MEASURED, what="days")
    heights = _heights(measured)
    # Pettitt's U: by how much the days up to each one rank below all others, the last day aside.
    rising = [2 * total - (number + 1) for number, total in enumerate(accumulate(heights[:-1]))]
    size = len(measured)
    at = max(range(len(rising)), key=lambda number: abs(rising[number]))
    statistic = abs(rising[at]) * size
    p_value = min(2 * exp(-6 * statistic**2 / (size**3 + size**2)), 1.0)
    if p_value > SIGNIFICANCE:
        return NoChange(about=about)
    return Change(
        about=about,
        on=series.day(measured[at + 1][0]),
        before=median(value for _, value in measured[: at + 1]),
        after=median(value for _, value in measured[at + 1 :]),
        p_value=p_value,
    )


def _heights(measured: Sequence[tuple[int, float]]) -> list[float]:
    """The share of the same weekdays that are lower; a tie counts half."""
    by_weekday: dict[int, list[float]] = {}
    for number, value in measured:
        by_weekday.setdefault(number % WEEK, []).append(value)

    def height(number: int, value: float) -> float:
        others = by_weekday[number % WEEK]
        return (sum(other < value for other in others) + sum(other <= value for other in others)) / (2 * len(others))

    return [height(number, value) for number, value in measured]
