"""The week's edges, where calendars and clocks disagree."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devsync.domain.changelog.window import (
    ImpossibleWeek,
    iso_week_of,
    last_week_ended_by,
    monday_of,
    week_window,
)

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",  # DST changes at midnight
    "Africa/Cairo",  # so here
    "Asia/Beirut",  # and here
    "Asia/Tehran",  # here even on a Monday: 2021-03-22 had no midnight
    "Asia/Kathmandu",
    "Australia/Lord_Howe",  # half an hour of DST
    "Pacific/Apia",  # has lost a whole day
    "Pacific/Kiritimati",
)
HOURS = [
    ("2026-W13", "Europe/Berlin", 167),
    ("2026-W43", "Europe/Berlin", 169),
    ("2026-W10", "America/New_York", 167),
    ("2026-W44", "America/New_York", 169),
    ("2026-W14", "America/Santiago", 169),
    ("2026-W36", "America/Santiago", 167),
    ("2026-W17", "Africa/Cairo", 167),
    ("2026-W44", "Africa/Cairo", 169),
    ("2026-W13", "Asia/Beirut", 167),
    ("2026-W43", "Asia/Beirut", 169),
    ("2021-W12", "Asia/Tehran", 167),
    ("2026-W33", "Europe/Berlin", 168),
    ("2026-W13", "UTC", 168),
    ("2011-W52", "Pacific/Apia", 144),
]


@pytest.mark.parametrize(("iso_week", "timezone", "hours"), HOURS)
def test_a_week_has_the_hours_that_its_clocks_gave_it(iso_week: str, timezone: str, hours: int) -> None:
    window = week_window(iso_week, timezone)
    assert window.end - window.start == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("day", "iso_week"),
    [
        (date(2021, 1, 1), "2020-W53"),
        (date(2021, 1, 3), "2020-W53"),
        (date(2021, 1, 4), "2021-W01"),
        (date(2027, 1, 1), "2026-W53"),
        (date(2027, 1, 3), "2026-W53"),
        (date(2027, 1, 4), "2027-W01"),
        (date(2025, 12, 29), "2026-W01"),
        (date(2026, 1, 1), "2026-W01"),
    ],
)
def test_around_new_year_the_week_decides_the_year(day: date, iso_week: str) -> None:
    assert iso_week_of(day) == iso_week
    assert monday_of(iso_week) <= day < monday_of(iso_week) + timedelta(days=7)


def test_the_last_week_of_a_long_year_spans_new_year() -> None:
    window = week_window("2026-W53", "Europe/Berlin")
    assert window.start == datetime(2026, 12, 27, 23, tzinfo=UTC)
    assert datetime(2027, 1, 1, tzinfo=ZoneInfo("Europe/Berlin")) in window


def test_the_first_instant_is_in_and_the_last_edge_is_out() -> None:
    window = week_window("2026-W33", "Europe/Berlin")
    assert window.start in window
    assert window.start - timedelta(microseconds=1) not in window
    assert window.end - timedelta(microseconds=1) in window
    assert window.end not in window


def test_a_midnight_that_was_skipped_begins_at_the_first_instant_of_its_day() -> None:
    window = week_window("2021-W12", "Asia/Tehran")
    local = window.start.astimezone(ZoneInfo("Asia/Tehran"))
    before = (window.start - timedelta(seconds=1)).astimezone(ZoneInfo("Asia/Tehran"))
    assert local.isoformat() == "2021-03-22T01:00:00+04:30"
    assert before.date() == date(2021, 3, 21)


@pytest.mark.parametrize(
    "text",
    ["2025-W53", "2026-W00", "2026-W54", "2026-33", "2026W33", "26-W33", "2026-W3", " 2026-W33", "２０２６-W33", ""],
)
def test_a_week_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(ImpossibleWeek):
        week_window(text, "UTC")


@pytest.mark.parametrize("text", ["9999-W52", "0000-W01"])
def test_a_week_beyond_the_calendar_is_refused(text: str) -> None:
    with pytest.raises(ImpossibleWeek):
        week_window(text, "UTC")


@given(day=st.dates(date(1971, 1, 4), date(2090, 1, 1)), timezone=st.sampled_from(ZONES))
def test_weeks_tile_time_without_gap_or_overlap(day: date, timezone: str) -> None:
    this = week_window(iso_week_of(day), timezone)
    following = week_window(iso_week_of(day + timedelta(days=7)), timezone)
    assert this.start < this.end == following.start


@given(
    instant=st.datetimes(datetime(1971, 1, 12), datetime(2090, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    timezone=st.sampled_from(ZONES),
)
def test_the_last_week_has_ended_and_the_next_has_not(instant: datetime, timezone: str) -> None:
    last = last_week_ended_by(instant, timezone)
    following = iso_week_of(monday_of(last) + timedelta(days=7))
    assert week_window(last, timezone).end <= instant < week_window(following, timezone).end


@given(day=st.dates(date(1971, 1, 4), date(2090, 1, 1)), timezone=st.sampled_from(ZONES))
def test_a_week_counts_as_ended_at_its_very_end(day: date, timezone: str) -> None:
    iso_week = iso_week_of(day)
    end = week_window(iso_week, timezone).end
    assert last_week_ended_by(end, timezone) == iso_week
    assert last_week_ended_by(end - timedelta(microseconds=1), timezone) != iso_week
