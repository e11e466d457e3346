"""Windows that can be asked about, and those that cannot."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from devsync.domain.insight.series import DailyCount, DailyValue, of_counts, of_values
from devsync.domain.insight.span import ImpossibleSpan, Span, last, span

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("start", "end", "why"),
    [
        (NOON - HOUR, NOON - HOUR, "empty"),
        (NOON - HOUR, NOON - 2 * HOUR, "ends before it begins"),
        (NOON, NOON + HOUR, "future"),
        (NOON + HOUR, NOON + 2 * HOUR, "future"),
        (NOON - timedelta(days=3000), NOON, "longer than 1830 days"),
    ],
)
def test_what_cannot_be_asked_about(start: datetime, end: datetime, why: str) -> None:
    with pytest.raises(ImpossibleSpan, match=why):
        span(start, end, NOON)


@pytest.mark.parametrize("length", [timedelta(), -DAY, timedelta.max])
def test_no_time_less_than_none_and_all_the_time_there_is(length: timedelta) -> None:
    with pytest.raises(ImpossibleSpan):
        last(length, NOON)


def test_what_is_yet_to_come_is_cut_off() -> None:
    assert span(NOON - DAY, NOON + DAY, NOON) == last(DAY, NOON)


def test_it_holds_its_start_and_not_its_end_and_is_compared_with_as_long_before() -> None:
    day = last(DAY, NOON)
    assert [instant in day for instant in (day.start, NOON - HOUR, NOON)] == [True, True, False]
    assert day.before == Span(start=NOON - 2 * DAY, end=NOON - DAY)


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        (NOON - 3 * DAY, NOON, [21, 22]),
        (NOON.replace(hour=0) - 2 * DAY, NOON.replace(hour=0), [21, 22]),
        (NOON - HOUR, NOON, []),
        (NOON - DAY, NOON, []),
        # Midnight in Kolkata is no midnight of UTC.
        (datetime(2026, 11, 20, tzinfo=timezone(5.5 * HOUR)), NOON, [20, 21, 22]),
    ],
)
def test_only_whole_days_of_utc_are_compared(start: datetime, end: datetime, days: list[int]) -> None:
    assert [day.day for day in Span(start=start, end=end).days] == days


def test_days_without_a_count_had_none_and_days_without_a_value_were_not_measured() -> None:
    within = last(timedelta(days=4, hours=12), NOON)
    day = date(2026, 11, 20)
    counts = [DailyCount(day=day, count=2), DailyCount(day=day, count=3), DailyCount(day=date(2020, 1, 1), count=9)]
    assert of_counts(counts, within).values == (0.0, 5.0, 0.0, 0.0)
    values = [DailyValue(day=day, value=2.5), DailyValue(day=day, value=1.5), DailyValue(day=date(2020, 1, 1), value=9)]
    assert of_values(values, within).values == (None, 2.5, None, None)
    assert of_counts(counts, within).end == date(2026, 11, 23)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_what_is_no_measurement_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="value"):
        DailyValue(day=date(2026, 11, 20), value=value)
