"""When a week is due: over daylight saving, over New Year, and at times that no clock shows."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devsync.domain.changelog.due import WeeklyTime, duration_words, lateness, weeks_between
from devsync.domain.changelog.window import iso_week_of, last_week_ended_by, week_window
from tests.domain.changelog.test_window import ZONES

MONDAY, SATURDAY, SUNDAY = 0, 5, 6
DUE = [
    # An ordinary Monday in winter and in summer.
    (MONDAY, "09:00", "Europe/Berlin", "2026-W47", "2026-11-23T08:00Z"),
    (MONDAY, "09:00", "Europe/Berlin", "2026-W30", "2026-07-27T07:00Z"),
    # Over New Year, and after a week 53.
    (MONDAY, "09:00", "Europe/Berlin", "2026-W53", "2027-01-04T08:00Z"),
    (SUNDAY, "09:00", "Europe/Berlin", "2025-W52", "2026-01-04T08:00Z"),
    (MONDAY, "00:00", "Pacific/Kiritimati", "2026-W53", "2027-01-03T10:00Z"),
    # Skipped by the clocks: as long after the gap as it lies inside (on Lord Howe the gap has half an hour).
    (SUNDAY, "02:30", "Europe/Berlin", "2026-W12", "2026-03-29T01:30Z"),
    (SUNDAY, "02:00", "Europe/Berlin", "2026-W12", "2026-03-29T01:00Z"),
    (SUNDAY, "00:30", "America/Santiago", "2026-W35", "2026-09-06T04:30Z"),
    (SUNDAY, "02:15", "Australia/Lord_Howe", "2026-W39", "2026-10-03T15:45Z"),
    # The edges of the gap exist.
    (SUNDAY, "01:59", "Europe/Berlin", "2026-W12", "2026-03-29T00:59Z"),
    (SUNDAY, "03:00", "Europe/Berlin", "2026-W12", "2026-03-29T01:00Z"),
    # Shown twice: the second one.
    (SUNDAY, "02:30", "Europe/Berlin", "2026-W42", "2026-10-25T01:30Z"),
    (SATURDAY, "23:30", "America/Santiago", "2026-W13", "2026-04-05T03:30Z"),
    (SUNDAY, "01:45", "Australia/Lord_Howe", "2026-W13", "2026-04-04T15:15Z"),
]


def weekly(weekday: int = MONDAY, clock: str = "09:00", timezone: str = "Europe/Berlin") -> WeeklyTime:
    return WeeklyTime(weekday=weekday, clock=time.fromisoformat(clock), timezone=timezone)


@pytest.mark.parametrize(("weekday", "clock", "timezone", "iso_week", "due_at"), DUE)
def test_a_week_is_due_in_the_week_after_it(
    weekday: int, clock: str, timezone: str, iso_week: str, due_at: str
) -> None:
    assert weekly(weekday, clock, timezone).due_at(iso_week) == datetime.fromisoformat(due_at)


WEEKLY_TIMES = st.builds(
    WeeklyTime, weekday=st.integers(0, 6), clock=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    timezone=st.sampled_from(ZONES),
)  # fmt: skip
DAYS = st.dates(date(2012, 1, 9), date(2060, 1, 1))  # later than the day that Samoa left out


@given(weekly=WEEKLY_TIMES, day=DAYS)
def test_the_firing_of_a_week_means_that_week(weekly: WeeklyTime, day: date) -> None:
    iso_week = iso_week_of(day)
    due_at = weekly.due_at(iso_week)
    assert last_week_ended_by(due_at, weekly.timezone) == iso_week
    assert week_window(iso_week, weekly.timezone).end <= due_at


@given(weekly=WEEKLY_TIMES, now=st.datetimes(datetime(2012, 2, 1), datetime(2060, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001
def test_the_last_due_week_was_due_and_the_next_is_not(weekly: WeeklyTime, now: datetime) -> None:
    iso_week, due_at = weekly.last_due(now)
    assert due_at == weekly.due_at(iso_week) <= now
    following = iso_week_of(week_window(iso_week, "UTC").end.date())
    assert weekly.due_at(following) > now
    assert weekly.next_due(now) == (following, weekly.due_at(following))


@given(weekly=WEEKLY_TIMES, day=DAYS)
def test_only_the_instants_that_no_clock_shows_are_skipped(weekly: WeeklyTime, day: date) -> None:
    after = datetime(day.year, day.month, day.day, tzinfo=UTC)
    until = after + timedelta(days=400)
    zone = ZoneInfo(weekly.timezone)
    skipped = set(weekly.skipped(after, until))
    for iso_week in weeks_between(iso_week_of(day - timedelta(days=21)), iso_week_of(day + timedelta(days=410))):
        due_at = weekly.due_at(iso_week)
        is_shown = due_at.astimezone(zone).time() == weekly.clock
        assert (due_at in skipped) == (after < due_at <= until and not is_shown)


def test_the_skipped_instants_are_told_on_the_teams_clocks() -> None:
    skipped = weekly(SUNDAY, "02:30").skipped(datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC))
    assert [local.isoformat() for local in skipped] == ["2026-03-29T03:30:00+02:00", "2027-03-28T03:30:00+02:00"]
    assert weekly(MONDAY, "02:30").skipped(datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)) == []


def test_weeks_are_counted_over_a_week_53() -> None:
    assert list(weeks_between("2026-W52", "2027-W02")) == ["2026-W52", "2026-W53", "2027-W01", "2027-W02"]
    assert list(weeks_between("2026-W47", "2026-W47")) == ["2026-W47"]
    assert list(weeks_between("2026-W47", "2026-W46")) == []


@pytest.mark.parametrize(
    ("seconds", "jitter", "is_late"),
    [(0, 0, False), (60, 0, False), (61, 0, True), (180, 120, False), (181, 120, True)],
)
def test_what_jitter_allows_is_not_late(seconds: int, jitter: int, is_late: bool) -> None:
    due_at = datetime(2026, 11, 23, 8, tzinfo=UTC)
    after = timedelta(seconds=seconds)
    assert lateness(due_at, due_at + after, timedelta(seconds=jitter)) == (after if is_late else None)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=59), "less than a minute"),
        (timedelta(minutes=2, seconds=30), "2 min"),
        (timedelta(hours=3, minutes=12), "3 h 12 min"),
        (timedelta(hours=24), "1 d"),
        (timedelta(days=36, hours=2, minutes=5), "36 d 2 h"),
    ],
)
def test_lateness_is_told_in_its_largest_units(span: timedelta, words: str) -> None:
    assert duration_words(span) == words
