"""Since when something is different: the one day from which a series has another level that lasts.

Pettitt's test (1979) on ranks within each weekday, so that neither a bad day nor a weekend makes a change; with the
variance that the ranks have, since quiet days are alike and ties have less than Pettitt supposes.
"""

from collections.abc import Sequence
from datetime import date
from itertools import accumulate
from math import exp
from statistics import fmean, median, pvariance

from devsync.domain.insight.enough import NotEnoughData
from devsync.domain.insight.series import WEEK, Series
from devsync.domain.model import Model

FEWEST_MEASURED = 12
SIGNIFICANCE = 0.001
"""Smaller than a trend's: this test takes days for independent of each other, and every team is looked at each week."""


class Change(Model):
    about: str
    on: date
    """The first day of the new level."""
    before: float
    """The median of the days before it, as `after` is that of the days from then on."""
    after: float
    p_value: float


class NoChange(Model):
    """One level, as far as can be told."""

    about: str


def change(about: str, series: Series) -> Change | NoChange | NotEnoughData:
    measured = series.measured
    if len(measured) < FEWEST_MEASURED:
        return NotEnoughData(about=f"level of {about}", found=len(measured), needed=FEWEST_MEASURED, what="days")
    heights = _heights(measured)
    spread = pvariance(heights)
    if not spread:
        return NoChange(about=about)
    # By how much the days up to each one are higher than the whole, added up; the last day aside.
    apart = [abs(total - (number + 1) * fmean(heights)) for number, total in enumerate(accumulate(heights[:-1]))]
    at = max(range(len(apart)), key=apart.__getitem__)
    p_value = min(2 * exp(-2 * apart[at] ** 2 / (len(heights) * spread)), 1.0)
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
