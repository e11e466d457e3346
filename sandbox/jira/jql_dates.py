"""Dates in JQL: minute precision at best, read in the timezone of the API user."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo
from typing import Final

from sandbox.jira.errors import JqlError
from sandbox.jira.jql_parser import Function, Value

FORMATS: Final = ("%Y/%m/%d %H:%M", "%Y-%m-%d %H:%M", "%Y/%m/%d", "%Y-%m-%d")
PERIOD: Final = re.compile(r"^(?P<sign>[+-]?)(?P<parts>\d+[wdhm](\s*\d+[wdhm])*)$", re.IGNORECASE)
UNITS: Final = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes"}


def instant(operand: Value | Function, field: str, zone: tzinfo, now: datetime) -> datetime:
    """The moment an operand names, an aware datetime. Raises JqlError as Cloud does; seconds are not accepted."""
    if isinstance(operand, Function):
        return _function(operand, zone, now)
    text = operand.text.strip()
    for pattern in FORMATS:
        try:
            return datetime.strptime(text, pattern).replace(tzinfo=zone)
        except ValueError:
            continue
    if period := PERIOD.match(text):
        parts = re.findall(r"(\d+)([wdhm])", period["parts"].lower())
        distance = sum((timedelta(**{UNITS[unit]: int(amount)}) for amount, unit in parts), timedelta())
        return now - distance if period["sign"] == "-" else now + distance
    raise JqlError(
        f"Date value '{operand.text}' for field '{field}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', "
        "'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'."
    )


def _function(function: Function, zone: tzinfo, now: datetime) -> datetime:
    name = function.name.lower()
    if function.arguments and name in ("now", "startofday"):
        raise JqlError(f"Function '{function.name}' expected '0' arguments but received '{len(function.arguments)}'.")
    if name == "now":
        return now
    if name == "startofday":
        return now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    raise JqlError(f"Unable to find JQL function '{function.name}({', '.join(function.arguments)})'.")
