"""What the page of insight tells: the answers of `recommendations`, `forecast` and `performance stats`, together."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from devsync.domain.insight.ahead import Ahead, look_ahead
from devsync.domain.insight.recommendations import Advice
from devsync.domain.insight.series import DailyCalls
from devsync.domain.insight.span import Span
from devsync.runtime.health import ADVISED_OVER, Watched, advice_on_record
from devsync.storage.database import Database
from devsync.storage.measured import Measured, measured
from devsync.storage.past import Past, past
from devsync.storage.statistics import Statistics

LOOKED_BACK: Final = timedelta(days=84)
"""As the command `forecast` does."""
MEASURED_OVER: Final = timedelta(days=7)
"""As `performance stats` does."""


class Asked(NamedTuple):
    team: str | None
    """None: all of them together."""
    days: int
    """To look ahead."""


@dataclass(frozen=True, eq=False)
class Outlook:
    until: datetime
    past: Past
    calls: tuple[DailyCalls, ...]
    ahead: Ahead
    measured: Measured
    advice: Advice | None
    """None where one team is asked about: the settings are those of all."""


async def outlook(database: Database, configuration: Watched, asked: Asked, now: datetime) -> Outlook:
    """As many questions whatever is on record. Raises DatabaseUnavailable and NotMigrated."""

    def before(length: timedelta) -> Span:
        return Span(start=now - length, end=now)

    found = await past(database, before(LOOKED_BACK), team=asked.team, limits=configuration.monitoring.limits)
    return Outlook(
        until=now,
        past=found,
        calls=tuple(await Statistics(database).daily_calls(found.known, team=asked.team)),
        ahead=await asyncio.to_thread(look_ahead, found.errors, found.metrics, asked.days),
        measured=await measured(database, before(MEASURED_OVER), team=asked.team),
        advice=await advice_on_record(database, configuration, before(ADVISED_OVER)) if asked.team is None else None,
    )
