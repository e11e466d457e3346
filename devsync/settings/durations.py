"""Durations as people write them: "300ms", "90s", "15m", "2h", "6d"."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

_UNITS: Final = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
    "us": timedelta(microseconds=1),
}
_DURATION: Final = re.compile(r"([0-9]+)(d|h|m|s|ms|us)")

# What people write instead, so that the answer can name the right form.
_SPELLINGS: Final = {
    **{unit: unit for unit in _UNITS},
    **dict.fromkeys(("day", "days"), "d"),
    **dict.fromkeys(("hour", "hours", "hr", "hrs"), "h"),
    **dict.fromkeys(("minute", "minutes", "min", "mins"), "m"),
    **dict.fromkeys(("second", "seconds", "sec", "secs", ""), "s"),
    **dict.fromkeys(("millisecond", "milliseconds", "msec", "millis"), "ms"),
}
_LOOSE_PART: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)\s*")
_ANY_EXAMPLE: Final = 'write it like "90s", "15m", "2h" or "6d"'


def parse_duration(text: str) -> timedelta:
    """The duration that `text` names: a whole number and one unit of d, h, m, s, ms, us.

    Raises ValueError with what to write instead.
    """
    match = _DURATION.fullmatch(text)
    if match is None and text.startswith("-") and _DURATION.fullmatch(text[1:]):
        raise ValueError(f'"{text}" is negative; write "{text[1:]}"')
    if match is None:
        raise ValueError(f'"{text}" is not a duration; {_cure(text)}')
    try:
        return int(match[1]) * _UNITS[match[2]]
    except OverflowError:
        raise ValueError(f'"{text}" is longer than time can tell; {_ANY_EXAMPLE}') from None


def format_duration(duration: timedelta) -> str:
    """The shortest text that `parse_duration` reads back as exactly this (not negative) duration."""
    if duration < timedelta(0):
        raise ValueError(f"{duration} is negative: a duration is not")
    if not duration:
        return "0s"
    unit = next(unit for unit, length in _UNITS.items() if not duration % length)
    return f"{duration // _UNITS[unit]}{unit}"


def _cure(text: str) -> str:
    """What the writer probably meant: "2 hour" is 2h, "1.5h" and "1h30m" are 90m, 90 is 90s."""
    rest, parts = text.strip().casefold(), list[tuple[str, str]]()
    while rest:
        part = _LOOSE_PART.match(rest)
        if part is None or part[2] not in _SPELLINGS:
            return _ANY_EXAMPLE
        parts.append((part[1], _SPELLINGS[part[2]]))
        rest = rest[part.end() :]
    try:
        total = sum((float(number) * _UNITS[unit] for number, unit in parts), timedelta(0))
    except OverflowError:
        return _ANY_EXAMPLE
    if not total:
        return _ANY_EXAMPLE
    number, unit = parts[0]
    is_right_but_for_the_unit = len(parts) == 1 and "." not in number
    return f'write "{number}{unit}"' if is_right_but_for_the_unit else f'write "{format_duration(total)}"'


def _from_yaml(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        return parse_duration(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(f"{value} is not a duration; {_cure(str(value))}")
    raise ValueError(f"is not a duration; {_ANY_EXAMPLE}")


def _longer_than_nothing(duration: timedelta) -> timedelta:
    if duration <= timedelta(0):
        raise ValueError(f'"{format_duration(duration)}" is no time at all; write a longer duration')
    return duration


Duration = Annotated[
    timedelta, BeforeValidator(_from_yaml), PlainSerializer(format_duration, return_type=str, when_used="json")
]
"""A timedelta that YAML and JSON hold as text; other forms are refused with what to write."""

PositiveDuration = Annotated[Duration, AfterValidator(_longer_than_nothing)]
"""A Duration that is not zero."""
