"""Business time over nights, weekends, holidays and changes of the clocks."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devsync.domain.escalation.business_time import BusinessHours, after
from tests.domain.escalation import naive

HOUR = timedelta(hours=1)
OFFICE = BusinessHours(
    timezone="Europe/Berlin", weekdays=frozenset(range(5)), opens=time(9), closes=time(17)
)  # fmt: skip
ROUND_THE_CLOCK = OFFICE.model_copy(update={"weekdays": frozenset(range(7)), "opens": time(0), "closes": time(0)})
NIGHT = OFFICE.model_copy(update={"opens": time(22), "closes": time(6)})


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin"))


CASES: list[tuple[str, BusinessHours, str, timedelta, str]] = [
    ("within a day", OFFICE, "2026-11-23 10:00", 3 * HOUR, "2026-11-23 13:00"),
    ("to the minute of closing", OFFICE, "2026-11-23 10:00", 7 * HOUR, "2026-11-23 17:00"),
    ("over the night", OFFICE, "2026-11-23 16:00", 2 * HOUR, "2026-11-24 10:00"),
    ("before opening", OFFICE, "2026-11-23 03:00", 1 * HOUR, "2026-11-23 10:00"),
    ("over the weekend", OFFICE, "2026-11-27 16:30", 1 * HOUR, "2026-11-30 09:30"),
    ("on a Sunday", OFFICE, "2026-11-29 12:00", 1 * HOUR, "2026-11-30 10:00"),
    ("three working days", OFFICE, "2026-11-27 09:00", 24 * HOUR, "2026-12-01 17:00"),
    ("a weekend when the clocks go back", OFFICE, "2026-10-23 16:30", 1 * HOUR, "2026-10-26 09:30"),
    ("a weekend when they go forward", OFFICE, "2027-03-26 16:30", 1 * HOUR, "2027-03-29 09:30"),
    ("a holiday", OFFICE.model_copy(update={"holidays": frozenset({date(2026, 11, 24)})}),
     "2026-11-23 16:30", 1 * HOUR, "2026-11-25 09:30"),
    ("a night", NIGHT, "2026-11-23 23:00", 6 * HOUR, "2026-11-24 05:00"),
    ("a night that began the day before", NIGHT, "2026-11-24 04:00", 3 * HOUR, "2026-11-24 23:00"),
    ("Friday's night ends on Saturday", NIGHT, "2026-11-28 05:00", 2 * HOUR, "2026-11-30 23:00"),
    ("a holiday's night does not begin", NIGHT.model_copy(update={"holidays": frozenset({date(2026, 11, 24)})}),
     "2026-11-24 05:00", 2 * HOUR, "2026-11-25 23:00"),
    ("a night that is an hour longer", NIGHT.model_copy(update={"weekdays": frozenset(range(7))}),
     "2026-10-24 22:00", 9 * HOUR, "2026-10-25 06:00"),
    ("a night that is an hour shorter", NIGHT.model_copy(update={"weekdays": frozenset(range(7))}),
     "2027-03-27 22:00", 7 * HOUR, "2027-03-28 06:00"),
    ("a day of 25 hours", ROUND_THE_CLOCK, "2026-10-25 00:00", 25 * HOUR, "2026-10-26 00:00"),
    ("a day of 23 hours", ROUND_THE_CLOCK, "2027-03-28 00:00", 23 * HOUR, "2027-03-29 00:00"),
    ("a time that is skipped", ROUND_THE_CLOCK.model_copy(update={"opens": time(2, 30), "closes": time(12)}),
     "2027-03-28 00:00", 1 * HOUR, "2027-03-28 04:30"),
    ("a time that comes twice: from the first one", OFFICE.model_copy(
        update={"weekdays": frozenset({6}), "opens": time(2, 30), "closes": time(12)}),
     "2026-10-25 00:00", 1 * HOUR, "2026-10-25 02:30+01:00"),
    ("nothing", OFFICE, "2026-11-29 12:00", timedelta(), "2026-11-29 12:00"),
]  # fmt: skip


@pytest.mark.parametrize(("hours", "start", "amount", "end"), [case[1:] for case in CASES], ids=[c[0] for c in CASES])
def test_so_much_business_time_later(hours: BusinessHours, start: str, amount: timedelta, end: str) -> None:
    expected = datetime.fromisoformat(end)
    expected = expected if expected.tzinfo else berlin(end)
    assert after(hours, berlin(start), amount) == expected.astimezone(UTC)


clocks = st.integers(0, 95).map(lambda quarter: time(quarter // 4, quarter % 4 * 15)).filter(lambda c: c.hour != 2)
days = st.dates(date(2026, 10, 20), date(2026, 10, 31)) | st.dates(date(2027, 3, 20), date(2027, 4, 2))


@settings(max_examples=150, deadline=None)
@given(
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "UTC"]),
    weekdays=st.frozensets(st.integers(0, 6), min_size=1),
    opens=clocks,
    closes=clocks,
    holidays=st.frozensets(days, max_size=3),
    day=days,
    minute=st.integers(0, 24 * 60 - 1),
    amount=st.integers(0, 20 * 60),
)
def test_it_is_what_somebody_counts_who_looks_at_the_clock_every_minute(
    zone: str,
    weekdays: frozenset[int],
    opens: time,
    closes: time,
    holidays: frozenset[date],
    day: date,
    minute: int,
    amount: int,
) -> None:
    hours = BusinessHours(timezone=zone, weekdays=weekdays, opens=opens, closes=closes, holidays=holidays)
    start = datetime(day.year, day.month, day.day, tzinfo=UTC) + minute * naive.MINUTE
    # Both give the instant at which the last minute is over: later ones are equal as long as it is closed.
    assert after(hours, start, amount * naive.MINUTE) == naive.after(hours, start, amount)


@given(
    start=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001 (hypothesis adds the zone)
    first=st.integers(0, 10_000),
    second=st.integers(0, 10_000),
)
def test_two_waits_are_as_long_as_their_sum(start: datetime, first: int, second: int) -> None:
    one, two = timedelta(seconds=first), timedelta(seconds=second)
    assert after(OFFICE, after(OFFICE, start, one), two) == after(OFFICE, start, one + two)
