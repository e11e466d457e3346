"""Which instants belong to a week: ISO 8601 weeks in the team's timezone, half-open."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator

from devsync.domain.model import Model

_ISO_WEEK = re.compile(r"([0-9]{4})-W([0-9]{2})")


class ImpossibleWeek(ValueError):
    """The text names no ISO week, or one that its year does not have."""


class Window(Model):
    """The instants `start <= t < end`, both in UTC; `timezone` is the IANA name they were worked out in."""

    start: datetime
    end: datetime
    timezone: str

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end


def monday_of(iso_week: str) -> date:
    """The first day of an ISO week written as `2026-W47`.

    Raises ImpossibleWeek when the text is no such week or the year has no week 53.
    """
    match = _ISO_WEEK.fullmatch(iso_week)
    if match is None:
        raise ImpossibleWeek(f'"{iso_week}" is not a week; write its year and number (ISO 8601), as 2026-W47')
    year, week = int(match[1]), int(match[2])
    try:
        return date.fromisocalendar(year, week, 1)
    except ValueError:
        raise ImpossibleWeek(f'"{iso_week}" does not exist: {year} has no week {week}') from None


def _existing(iso_week: str) -> str:
    monday_of(iso_week)
    return iso_week


IsoWeek = Annotated[str, AfterValidator(_existing)]
"""One that its year has; what is wrong with another one is told as `monday_of` does."""


def iso_week_of(day: date) -> str:
    """The ISO week that a day belongs to; around New Year its year may differ from the day's."""
    year, week, _ = day.isocalendar()
    return f"{year:04d}-W{week:02d}"


def week_window(iso_week: str, timezone: str) -> Window:
    """The week from Monday 00:00 to the next Monday 00:00 local time: 167 or 169 hours when DST changes.

    Raises ImpossibleWeek as `monday_of` does, and for the weeks at the ends of the calendar, which do not fit
    into a datetime; ZoneInfoNotFoundError for an unknown timezone.
    """
    monday = monday_of(iso_week)
    try:
        start = _local_midnight(monday, timezone)
        end = _local_midnight(monday + timedelta(days=7), timezone)
    except OverflowError:
        raise ImpossibleWeek(f'"{iso_week}" lies at the end of the calendar') from None
    return Window(start=start, end=end, timezone=timezone)


def last_week_ended_by(instant: datetime, timezone: str) -> str:
    """The last ISO week that ended at or before `instant` (aware), seen from the team's timezone."""
    local_day = instant.astimezone(ZoneInfo(timezone)).date()
    return iso_week_of(local_day - timedelta(days=7))


def _local_midnight(day: date, timezone: str) -> datetime:
    # Where DST skips midnight, fold=0 gives the instant of the gap's start, the first that exists that day.
    return datetime.combine(day, time(), ZoneInfo(timezone)).astimezone(UTC)
