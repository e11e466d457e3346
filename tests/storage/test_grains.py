"""How a window is divided: without a gap, without an overlap, and into few parts."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devsync.domain.insight.span import Span
from devsync.storage.grains import Grain, parts

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
LENGTHS = {Grain.HOUR: timedelta(hours=1), Grain.DAY: timedelta(days=1)}


def told(start: str, end: str) -> list[tuple[str, str, str]]:
    span = Span(start=datetime.fromisoformat(start + "Z"), end=datetime.fromisoformat(end + "Z"))
    return [(part.grain.value, f"{part.span.start:%d %H:%M}", f"{part.span.end:%d %H:%M}") for part in parts(span)]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-11-23T10:05", "2026-11-23T10:50", [("row", "23 10:05", "23 10:50")]),
        ("2026-11-23T10:00", "2026-11-23T12:00", [("hour", "23 10:00", "23 12:00")]),
        ("2026-11-23T10:37", "2026-11-23T12:00", [("row", "23 10:37", "23 11:00"), ("hour", "23 11:00", "23 12:00")]),
        ("2026-11-23T00:00", "2026-11-25T00:00", [("day", "23 00:00", "25 00:00")]),
        (
            "2026-11-22T22:30",
            "2026-11-24T01:15",
            [
                ("row", "22 22:30", "22 23:00"),
                ("hour", "22 23:00", "23 00:00"),
                ("day", "23 00:00", "24 00:00"),
                ("hour", "24 00:00", "24 01:00"),
                ("row", "24 01:00", "24 01:15"),
            ],
        ),
        ("2026-11-23T10:05", "2026-11-23T10:05", [("row", "23 10:05", "23 10:05")]),
    ],
)
def test_whole_days_then_hours_then_rows(start: str, end: str, expected: list[tuple[str, str, str]]) -> None:
    assert told(start, end) == expected


minutes = st.integers(min_value=-100_000_000, max_value=100_000_000)


@given(start=minutes, length=st.integers(min_value=1, max_value=10_000_000))
def test_every_window_is_covered_once(start: int, length: int) -> None:
    begin = MONDAY + timedelta(seconds=start)
    span = Span(start=begin, end=begin + timedelta(seconds=length))
    found = sorted(parts(span), key=lambda part: part.span.start)
    assert (found[0].span.start, found[-1].span.end) == (span.start, span.end)
    assert all(one.span.end == other.span.start for one, other in pairwise(found))
    assert len(found) <= 5
    for part in found:
        if part.grain is not Grain.ROW:
            assert not (part.span.start - MONDAY) % LENGTHS[part.grain]
            assert not part.span.length % LENGTHS[part.grain]
