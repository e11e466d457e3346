"""When what is used meets what there is: generation time, volume, API quota, memory, disk."""

from collections.abc import Iterable
from datetime import date, timedelta
from enum import StrEnum
from math import ceil
from typing import Annotated

from pydantic import Field, FiniteFloat

from devsync.domain.insight.enough import NotEnoughData
from devsync.domain.insight.series import Series
from devsync.domain.insight.trends import Direction, trend
from devsync.domain.model import Model

FARTHEST = timedelta(days=2 * 365)
"""A slope of some weeks says nothing of what lies beyond."""


class Metric(Model):
    """Something that is used up, measured day by day."""

    name: str
    """`generation_time`, `memory`, `api_quota.github`."""
    unit: str
    limit: Annotated[FiniteFloat, Field(gt=0)]
    """What it must stay below."""
    series: Series


class Outlook(StrEnum):
    REACHED = "reached"
    APPROACHING = "approaching"
    """It grows, and meets its limit on a date."""
    SAFE = "safe"
    """It does not grow, or not within two years as far as its limit."""


class CapacityRow(Model):
    metric: str
    unit: str
    now: float
    """On the busiest weekday, by the line through all weeks."""
    per_week: float
    """0 where no growth can be told from chance."""
    limit: float
    outlook: Outlook
    reached_on: date | None = None
    earliest: date | None = None
    latest: date | None = None
    """By the bounds of the slope, which hold with 95 %; None: not within two years."""


def capacity(metrics: Iterable[Metric]) -> tuple[CapacityRow | NotEnoughData, ...]:
    """A row for each metric, in their order."""
    return tuple(map(capacity_of, metrics))


def capacity_of(metric: Metric) -> CapacityRow | NotEnoughData:
    found = trend(metric.name, metric.series)
    if isinstance(found, NotEnoughData):
        return found.model_copy(update={"about": metric.name})
    grows = found.direction is Direction.RISING
    row = CapacityRow(
        metric=metric.name,
        unit=metric.unit,
        now=found.level,
        per_week=0.0 if found.direction is Direction.STEADY else found.per_week,
        limit=metric.limit,
        outlook=Outlook.SAFE,
    )
    left = metric.limit - found.level
    if left <= 0:
        return row.model_copy(update={"outlook": Outlook.REACHED, "reached_on": found.as_of})
    reached_on = _met(found.as_of, left, found.per_week) if grows else None
    if reached_on is None:
        return row
    return row.model_copy(
        update={
            "outlook": Outlook.APPROACHING,
            "reached_on": reached_on,
            "earliest": _met(found.as_of, left, found.high),
            "latest": _met(found.as_of, left, found.low),
        }
    )


def _met(as_of: date, left: float, per_week: float) -> date | None:
    """The day on which so much is used up; None beyond what can be told."""
    if per_week <= 0 or left / per_week * 7 > FARTHEST.days:
        return None
    return as_of + timedelta(days=ceil(left / per_week * 7))
