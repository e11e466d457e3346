"""Charts: what is drawn, what a table says of the same numbers, and a sentence for who reads neither.

The browser draws (static/charts.js); which numbers, in which unit, against which limit is decided here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from devsync.domain.instants import in_utc

FEWEST: Final = 2
"""Values that were measured; one is no course of things."""


class Look(StrEnum):
    BARS = "bars"
    POINTS = "points"
    LINE = "line"
    LOW = "low"
    HIGH = "high"
    """Between LOW and the HIGH that follows it the ground is coloured."""
    LIMIT = "limit"


@dataclass(frozen=True)
class Line:
    label: str
    values: Sequence[float | None]
    """One for each time; None: not measured."""
    look: Look


@dataclass(frozen=True)
class Chart:
    name: str
    """Within its page."""
    title: str
    unit: str
    times: Sequence[datetime]
    """In UTC, each the beginning of an hour or a day."""
    lines: tuple[Line, ...]
    """The first one is what the chart is about."""
    note: str = ""
    is_hourly: bool = False
    whole: bool = False
    """Counts: without decimals."""

    @property
    def has_enough(self) -> bool:
        return len(self._measured) >= FEWEST

    @property
    def summary(self) -> str:
        """`Newest 12 s (2026-11-23), highest 31 s (2026-11-09); limit 180 s.`"""
        (newest_at, newest), (highest_at, highest) = self._measured[-1], max(self._measured, key=lambda one: one[1])
        words = f"Newest {self.quantity(newest)} ({self.moment(newest_at)})"
        words += f", highest {self.quantity(highest)} ({self.moment(highest_at)})"
        limits = [line for line in self.lines if line.look is Look.LIMIT]
        of_now = [value for line in limits for value in line.values if value is not None][-1:]
        return words + "".join(f"; limit {self.quantity(value)}" for value in of_now) + "."

    @property
    def rows(self) -> list[tuple[str, list[str]]]:
        """Of the table, the newest first: times at which anything is known, the limit aside."""
        told = [
            (moment, [line.values[number] for line in self.lines])
            for number, moment in enumerate(self.times)
            if any(line.values[number] is not None for line in self.lines if line.look is not Look.LIMIT)
        ]
        return [
            (self.moment(moment), ["" if value is None else self.quantity(value) for value in values])
            for moment, values in reversed(told)
        ]

    @property
    def drawn(self) -> str:
        """For charts.js."""
        return json.dumps(
            {
                "unit": self.unit,
                "isHourly": self.is_hourly,
                "times": [int(one.timestamp()) for one in self.times],
                "lines": [
                    {"label": line.label, "look": line.look.value, "values": [_short(value) for value in line.values]}
                    for line in self.lines
                ],
            }
        )

    def quantity(self, value: float) -> str:
        return f"{value:,.0f} {self.unit}" if self.whole else quantity(value, self.unit)

    def moment(self, moment: datetime) -> str:
        return in_utc(moment) if self.is_hourly else f"{moment:%Y-%m-%d}"

    @property
    def _measured(self) -> list[tuple[datetime, float]]:
        values = zip(self.times, self.lines[0].values, strict=True)
        return [(moment, value) for moment, value in values if value is not None]


def quantity(value: float, unit: str) -> str:
    """With its unit, in three digits: `0.25 s`, `12.5 %`, `1,250 MB`."""
    size = abs(value)
    decimals = 0 if size >= 100 or size == 0 else 1 if size >= 10 else 2
    text = f"{value:,.{decimals}f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text} {unit}".strip()


def limit(label: str, value: float, times: Sequence[datetime]) -> Line:
    """The same at all times."""
    return Line(label, [value] * len(times), Look.LIMIT)


def days(first: date, count: int) -> list[datetime]:
    """Their beginnings."""
    midnight = datetime.combine(first, time(), UTC)
    return [midnight + timedelta(days=number) for number in range(count)]


def hours(last: datetime, count: int) -> list[datetime]:
    """The beginnings of so many hours, up to the one of `last`."""
    end = last.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return [end - timedelta(hours=number) for number in reversed(range(count))]


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
