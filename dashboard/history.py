"""What the charts of the overview show: the last day by hour, the last weeks by day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from devsync.domain.insight.counted import HourlyAnswer
from devsync.domain.insight.series import DailyCalls, DailyEditions
from devsync.domain.insight.span import Span
from devsync.storage.database import Database
from devsync.storage.performance import Performance
from devsync.storage.statistics import Statistics

CALLS_OVER: Final = timedelta(days=28)
EDITIONS_OVER: Final = timedelta(weeks=12)
"""Most teams have one a week."""
ANSWERS_OVER: Final = timedelta(days=1)
"""Percentiles are those of rows, of which a day has as many as can be read while somebody waits."""


@dataclass(frozen=True, eq=False)
class History:
    """Of all teams together."""

    until: datetime
    calls: tuple[DailyCalls, ...] = ()
    editions: tuple[DailyEditions, ...] = ()
    answers: tuple[HourlyAnswer, ...] = ()

    @property
    def slowest_answers(self) -> dict[datetime, HourlyAnswer]:
        """Of each hour that had calls, the service that took longest."""
        slowest: dict[datetime, HourlyAnswer] = {}
        for one in self.answers:
            if one.hour not in slowest or one.seconds > slowest[one.hour].seconds:
                slowest[one.hour] = one
        return slowest


async def history(database: Database, until: datetime) -> History:
    """Three questions, whatever is on record. Raises DatabaseUnavailable and NotMigrated."""
    performance = Performance(database)

    def before(length: timedelta) -> Span:
        return Span(start=until - length, end=until)

    return History(
        until=until,
        calls=tuple(await Statistics(database).daily_calls(before(CALLS_OVER))),
        editions=tuple(await performance.daily_editions(before(EDITIONS_OVER))),
        answers=tuple(await performance.hourly_answers(before(ANSWERS_OVER))),
    )
