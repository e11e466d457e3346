"""Business time: which stretches of real time count, and when so much of it has passed."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import Field

from devsync.domain.model import Model

Weekday = Annotated[int, Field(ge=0, le=6)]
"""0 is Monday."""
_DAY = timedelta(days=1)


class BusinessHours(Model):
    """When people are at work. Frozen into a policy with its dates, so that no library is asked later."""

    timezone: str
    weekdays: Annotated[frozenset[Weekday], Field(min_length=1)]
    """The days on which a stretch begins."""
    opens: time
    closes: time
    """Not after `opens`: it is a time of the next day, whatever weekday that is."""
    holidays: frozenset[date] = frozenset()
    """Days on which no stretch begins."""


class Stretch(NamedTuple):
    """Half-open, in UTC."""

    start: datetime
    end: datetime


def stretches(hours: BusinessHours, since: datetime) -> Iterator[Stretch]:
    """The stretches that end after `since`, in order, without end."""
    first = since.astimezone(ZoneInfo(hours.timezone)).date() - 2 * _DAY  # one may have begun the day before
    for number in count():
        day = first + number * _DAY
        if day.weekday() not in hours.weekdays or day in hours.holidays:
            continue
        stretch = _stretch_of(hours, day)
        if stretch.end > since:
            yield stretch


def after(hours: BusinessHours, start: datetime, amount: timedelta) -> datetime:
    """The instant, in UTC, at which so much business time has passed since `start`; of none, `start` itself."""
    left = amount
    if left <= timedelta():
        return start.astimezone(UTC)
    for stretch in stretches(hours, start):
        begin = max(stretch.start, start)
        if left <= stretch.end - begin:
            return begin + left
        left -= stretch.end - begin
    raise AssertionError("unreachable: a week has a working day, and holidays end")


def _stretch_of(hours: BusinessHours, day: date) -> Stretch:
    closing_day = day if hours.closes > hours.opens else day + _DAY
    return Stretch(_instant(hours, day, hours.opens), _instant(hours, closing_day, hours.closes))


def _instant(hours: BusinessHours, day: date, clock: time) -> datetime:
    """Of a time that comes twice, the first one; of one that the clocks skip, so much after they did."""
    return datetime.combine(day, clock, ZoneInfo(hours.timezone)).astimezone(UTC)
