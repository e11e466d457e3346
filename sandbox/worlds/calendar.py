"""The instants of a week, as people live it: days and hours in the team's time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Week:
    """An ISO week such as `2026-W47` in a time zone. Raises ValueError for a week that does not exist."""

    monday: date
    timezone: str

    @classmethod
    def of(cls, iso_week: str, timezone: str) -> Week:
        year, _, number = iso_week.partition("-W")
        return cls(date.fromisocalendar(int(year), int(number), 1), timezone)

    @property
    def start(self) -> datetime:
        return self.at(0, 0)

    @property
    def end(self) -> datetime:
        """The first instant that no longer belongs to the week."""
        return self.at(7, 0)

    def at(self, day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
        """The instant, in UTC, of a local time; day 0 is Monday, days before and after the week are allowed."""
        local = datetime.combine(self.monday + timedelta(days=day), time(hour, minute, second), ZoneInfo(self.timezone))
        return local.astimezone(UTC)

    def working_time(self, random: Random, weeks_later: int = 0) -> datetime:
        """Some second between 9:00 and 17:59 from Monday to Friday, of this week or of another one."""
        day = 7 * weeks_later + random.randrange(5)
        return self.at(day, random.randrange(9, 18), random.randrange(60), random.randrange(60))
