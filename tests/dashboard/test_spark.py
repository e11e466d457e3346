"""Charts of a number a day."""

from datetime import UTC, date, datetime

from dashboard.spark import HEIGHT, spark
from devsync.domain.insight.series import DailyCount
from devsync.domain.insight.span import Span

THREE_DAYS = Span(start=datetime(2026, 11, 21, tzinfo=UTC), end=datetime(2026, 11, 23, 12, tzinfo=UTC))


def test_each_day_has_its_bar_and_the_highest_fills_the_chart() -> None:
    counts = [DailyCount(day=date(2026, 11, 23), count=1000), DailyCount(day=date(2026, 11, 21), count=1)]
    first, quiet, last = (drawn := spark(counts, THREE_DAYS)).bars
    assert (drawn.most, drawn.width) == (1000, 15)
    assert (last.times, last.y, last.height) == (1000, 0, HEIGHT)
    assert (quiet.day, quiet.times, quiet.height) == (date(2026, 11, 22), 0, 0)
    assert first.height == 2.0  # one among thousands is seen
    assert first.y == HEIGHT - 2.0


def test_nothing_at_all_is_a_chart_without_bars_to_see() -> None:
    drawn = spark((), THREE_DAYS)
    assert (drawn.most, [bar.height for bar in drawn.bars]) == (0, [0, 0, 0])
