"""One number a day: what trends and forecasts are made from."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Annotated, Self

from pydantic import Field, FiniteFloat, model_validator

from devsync.domain.insight.span import Span
from devsync.domain.model import Model

WEEK = 7
"""Days until the same weekday comes again: the one season of a team's work."""


class DailyCount(Model):
    """How many there were on one day of UTC. A day that is not told had none."""

    day: date
    count: Annotated[int, Field(ge=0)]


class DailyValue(Model):
    """A measured number of one day of UTC: its median, or its worst. A day that is not told was not measured."""

    day: date
    value: Annotated[FiniteFloat, Field(ge=0)]
    """In the unit of its metric; never a guess."""
    samples: Annotated[int, Field(ge=1)] = 1
    """From how many measurements."""


class DailyCalls(Model):
    """How often services were called on one day of UTC, and in vain."""

    day: date
    calls: Annotated[int, Field(ge=1)]
    failures: Annotated[int, Field(ge=0)]

    @property
    def error_rate(self) -> float:
        """A percentage."""
        return 100 * self.failures / self.calls


class DailyEditions(Model):
    """What the editions that ended on one day of UTC took."""

    day: date
    editions: Annotated[int, Field(ge=1)]
    seconds_median: Annotated[FiniteFloat, Field(ge=0)]
    seconds_slowest: Annotated[FiniteFloat, Field(ge=0)]
    peak_mb: Annotated[FiniteFloat, Field(ge=0)] | None = None
    """The highest of their peaks; None: of none it was measured."""
    peaks: Annotated[int, Field(ge=0)] = 0
    """Of how many of the editions it was measured."""

    @property
    def usual(self) -> DailyValue:
        """The day's median, in seconds."""
        return DailyValue(day=self.day, value=self.seconds_median, samples=self.editions)

    @property
    def peak(self) -> DailyValue | None:
        """The day's highest peak, in MB."""
        return None if self.peak_mb is None else DailyValue(day=self.day, value=self.peak_mb, samples=self.peaks)


class Series(Model):
    """Consecutive days from `start`; None: not measured on that day, which is not zero."""

    start: date
    values: tuple[Annotated[FiniteFloat, Field(ge=0)] | None, ...]

    @property
    def measured(self) -> tuple[tuple[int, float], ...]:
        """The days that have a number, each as its distance from `start`."""
        return tuple((number, value) for number, value in enumerate(self.values) if value is not None)

    @property
    def end(self) -> date:
        """The day after the last one."""
        return self.day(len(self.values))

    def day(self, number: int) -> date:
        return self.start + timedelta(days=number)

    @model_validator(mode="after")
    def _ends_within_the_calendar(self) -> Self:
        if len(self.values) > (date.max - self.start).days:
            raise ValueError("more days than the calendar has")
        return self


def of_counts(counts: Iterable[DailyCount], within: Span) -> Series:
    """Every whole day of the span, zero where nothing was counted; a day that is told twice is added up.

    The span begins no sooner than the records: days before them were not quiet, they are not known.
    """
    days = within.days
    by_day = dict.fromkeys(days, 0)
    for one in counts:
        if one.day in by_day:
            by_day[one.day] += one.count
    return Series(start=days[0] if days else within.start.date(), values=tuple(map(float, by_day.values())))


def of_values(values: Iterable[DailyValue], within: Span) -> Series:
    """Every whole day of the span; of a day that is told twice the worse value stays."""
    days = within.days
    by_day: dict[date, float | None] = dict.fromkeys(days)
    for one in values:
        if one.day in by_day:
            by_day[one.day] = max(one.value, by_day[one.day] or 0.0)
    return Series(start=days[0] if days else within.start.date(), values=tuple(by_day.values()))
