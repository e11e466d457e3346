"""Instants within words and addresses that are written before anybody knows on whose clocks they are read: in UTC, and
so that they are found again."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

_FOUND = re.compile(r"\b(\d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)?) UTC\b")


def in_utc(instant: datetime) -> str:
    """`2026-11-23 10:30 UTC`."""
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def in_iso(instant: datetime) -> str:
    """`2026-11-23T10:30:00Z`, of all its digits: for programs, commands and addresses."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def apart(text: str) -> Iterator[str | datetime]:
    """The text in its order, the instants that stand in it as such. A date that there is not stays text."""
    for number, part in enumerate(_FOUND.split(text)):
        if number % 2 == 0:
            yield part
            continue
        try:
            yield datetime.fromisoformat(part).replace(tzinfo=UTC)
        except ValueError:
            yield f"{part} UTC"
