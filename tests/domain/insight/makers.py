"""Series of days with what was put into them: noise, weekdays, growth, a fault. Seeded, so that a test is the same test
every time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from math import exp
from random import Random

from devsync.domain.insight.series import Series

MONDAY = date(2026, 8, 31)
TWELVE_WEEKS = 84
WORKING_WEEK = (1.2, 1.3, 1.25, 1.1, 0.9, 0.15, 0.1)
"""How busy each weekday is, by the weekday: what commits and errors of a team look like."""


def poisson(random: Random, mean: float) -> int:
    """How often something happened that happens `mean` times on average (Knuth, by parts that do not underflow)."""
    count = 0
    while mean > 0:
        part, product = min(mean, 50.0), 1.0
        while (product := product * random.random()) > exp(-part):
            count += 1
        mean -= part
    return count


def daily(
    seed: int,
    mean: float = 10.0,
    days: int = TWELVE_WEEKS,
    *,
    at: Callable[[int], float] = lambda _: 1.0,
    burstiness: float = 0.25,
) -> list[float]:
    """Counts that scatter more than chance alone: a day's mean is itself drawn, with this variance."""
    random = Random(seed)

    def count(day: int) -> float:
        mood = random.gammavariate(1 / burstiness, burstiness) if burstiness else 1.0
        return float(poisson(random, mean * WORKING_WEEK[day % 7] * at(day) * mood))

    return [count(day) for day in range(days)]


def series(values: Sequence[float | None]) -> Series:
    return Series(start=MONDAY, values=tuple(values))
