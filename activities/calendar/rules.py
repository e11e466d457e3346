"""Which recurrences are followed: those that people make. A rule can also keep a machine busy for hours.

dateutil walks a rule from its first day, occurrence by occurrence, until one lies behind the days that are asked for;
where a rule has none at all (30 February), until the year 9999; with an interval of 0 for ever. So a rule is looked at
before it is walked.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, Final

from icalendar import Event

OLDEST: Final = timedelta(days=60 * 366)
"""A daily event that began this long ago takes 22,000 steps to get to the week."""

_FREQUENCIES: Final = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
_LIMITS: Final = {"BYMONTH": 12, "BYMONTHDAY": 31, "BYYEARDAY": 366, "BYWEEKNO": 53, "BYSETPOS": 366}
"""The greatest number that each may hold, either sign: beyond it nothing ever matches."""
_FINER_THAN_DAYS: Final = ("BYHOUR", "BYMINUTE", "BYSECOND")
_ONLY_OF_MONTHS: Final = ("BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYSETPOS")
"""With days and weeks they may match nothing, and eight thousand years of days are walked to find it out."""


def is_bearable(group: Iterable[Event], end: date) -> bool:
    """Whether every rule of these events can be walked up to that day in no time."""
    return all(_is_bearable_rule(rule, event, end) for event in group for rule in _rules(event))


def _rules(event: Event) -> list[Any]:
    found = event.get("RRULE", [])  # an unreadable one is an empty one
    return found if isinstance(found, list) else [found]


def _is_bearable_rule(rule: Any, event: Event, end: date) -> bool:
    try:
        frequency = str(rule["FREQ"][0]).upper()
        if frequency not in _FREQUENCIES or any(name in rule for name in _FINER_THAN_DAYS):
            return False
        if not all(1 <= int(number) <= 1000 for number in rule.get("INTERVAL", [1])):
            return False
        if frequency in ("DAILY", "WEEKLY") and any(name in rule for name in _ONLY_OF_MONTHS):
            return False
        for name, greatest in _LIMITS.items():
            if not all(1 <= abs(int(number)) <= greatest for number in rule.get(name, [])):
                return False
        start = event.start
        first = start.date() if isinstance(start, datetime) else start
    except (ValueError, TypeError, KeyError, AttributeError, IndexError):
        return False
    return bool(end - first <= OLDEST)
