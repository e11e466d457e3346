"""Small bar charts of a number a day, drawn by the server: no script, and nothing that a content policy forbids."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final, NamedTuple

from devsync.domain.insight.series import DailyCount
from devsync.domain.insight.span import Span

HEIGHT: Final = 24
STEP: Final = 5
"""Of a day, with the gap to the next."""


class Bar(NamedTuple):
    """One day, in the drawing's own units; y grows downwards."""

    day: date
    times: int
    x: int
    y: float
    height: float


class Spark(NamedTuple):
    bars: tuple[Bar, ...]
    most: int
    """On one day."""

    @property
    def width(self) -> int:
        return len(self.bars) * STEP


def spark(counts: Iterable[DailyCount], within: Span) -> Spark:
    """Every day of UTC that the span touches. Even one error among thousands is seen: a bar has at least 2 units."""
    by_day = {one.day: one.count for one in counts}
    first, last = within.start.date().toordinal(), within.end.date().toordinal()
    days = [date.fromordinal(day) for day in range(first, last + 1)]
    most = max((by_day.get(day, 0) for day in days), default=0)
    bars = []
    for number, day in enumerate(days):
        count = by_day.get(day, 0)
        height = max(count / most * HEIGHT, 2.0) if count else 0.0
        bars.append(Bar(day, count, number * STEP, HEIGHT - height, height))
    return Spark(tuple(bars), most)
