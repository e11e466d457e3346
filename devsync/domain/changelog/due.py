"""When a week's edition is due, and what to say when it starts late: pure arithmetic over a weekly local time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from devsync.domain.changelog.window import iso_week_of, last_week_ended_by, monday_of
from devsync.domain.model import Model

LATE_AFTER = timedelta(minutes=1)
"""Starting a workflow takes moments; whatever goes beyond the declared jitter and this is told as late."""

_WEEK = timedelta(days=7)


class WeeklyTime(Model):
    """An instant of each week on the clocks of one timezone."""

    weekday: int
    """0 is Monday, as in `datetime.date.weekday`."""
    clock: time
    timezone: str

    def due_at(self, iso_week: str) -> datetime:
        """When that week's edition is due: at this time in the week that follows it, in UTC.

        A local time that daylight saving skips becomes the one that far after the gap (02:30 becomes 03:30, as
        RFC 5545, 3.3.5, has it). One that occurs twice is the second: Temporal fires then, and in some zones at
        both, so that the second firing's edition is the one that stays. Raises ImpossibleWeek.
        """
        return self._on(monday_of(iso_week) + _WEEK + timedelta(days=self.weekday))

    def last_due(self, now: datetime) -> tuple[str, datetime]:
        """The week that fell due last, at or before `now` (aware), and when that was."""
        iso_week = last_week_ended_by(now, self.timezone)
        if self.due_at(iso_week) > now:
            iso_week = iso_week_of(monday_of(iso_week) - _WEEK)
        return iso_week, self.due_at(iso_week)

    def next_due(self, now: datetime) -> tuple[str, datetime]:
        """The week that falls due next, after `now` (aware), and when that will be."""
        last, _ = self.last_due(now)
        iso_week = iso_week_of(monday_of(last) + _WEEK)
        return iso_week, self.due_at(iso_week)

    def skipped(self, after: datetime, until: datetime) -> list[datetime]:
        """The instants, on this timezone's clocks, that stand in for occurrences which no clock shows.

        Temporal fires in those weeks not at all (its issue #8205): the schedule has to name these besides.
        """
        zone = ZoneInfo(self.timezone)
        found = []
        for iso_week in weeks_between(last_week_ended_by(after, self.timezone), last_week_ended_by(until, zone.key)):
            local = self.due_at(iso_week).astimezone(zone)
            if after < local <= until and local.time() != self.clock:
                found.append(local)
        return found

    def _on(self, day: date) -> datetime:
        zone = ZoneInfo(self.timezone)
        for fold in (1, 0):
            local = datetime.combine(day, self.clock.replace(fold=fold), zone)
            instant = local.astimezone(UTC)
            if instant.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
                return instant
        # In a gap fold=0 keeps the offset from before it, which leads to as long after the gap as it lies inside.
        return instant


def weeks_between(first: str, last: str) -> Iterator[str]:
    """Every ISO week from `first` to `last`, both included; none when `last` is the earlier one.

    Raises ImpossibleWeek.
    """
    monday, end = monday_of(first), monday_of(last)
    while monday <= end:
        yield iso_week_of(monday)
        monday += _WEEK


def lateness(due_at: datetime, started_at: datetime, jitter: timedelta) -> timedelta | None:
    """How late it was, counted from when it was due; None when it started in time."""
    late_by = started_at - due_at
    return late_by if late_by > jitter + LATE_AFTER else None


def duration_words(duration: timedelta) -> str:
    """A span as people say it, in its two largest units: `3 h 12 min`, `36 d 2 h`, `2 min`."""
    minutes = int(duration.total_seconds()) // 60
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    parts = [f"{count} {unit}" for count, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if count]
    return " ".join(parts[:2]) or "less than a minute"
