"""Writes a calendar as RFC 5545 has it: CR LF, lines folded at 75 octets, commas and semicolons escaped."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

from sandbox.world import CalendarEvent, TeamCalendar

_STAMP = "20260101T000000Z"
"""The same in every answer: a calendar that has not changed is the same bytes."""


def document(calendar: TeamCalendar) -> bytes:
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Sandbox//Team calendar//EN",
        f"X-WR-CALNAME:{_escaped(calendar.name)}",
        f"X-WR-TIMEZONE:{calendar.timezone}",
    ]
    for event in calendar.events:
        lines += _event(event)
    lines.append("END:VCALENDAR")
    return b"".join(_folded(line) for line in lines)


def _event(event: CalendarEvent) -> Iterator[str]:
    yield "BEGIN:VEVENT"
    yield f"UID:{event.uid}"
    yield f"DTSTAMP:{_STAMP}"
    yield f"DTSTART{_moment(event.start)}"
    yield f"DTEND{_moment(event.end)}"
    yield f"SUMMARY:{_escaped(event.summary)}"
    for name, value in event.marks.items():
        yield f"{name}:{value}"
    yield "END:VEVENT"


def _moment(moment: date | datetime) -> str:
    if isinstance(moment, datetime):
        return f":{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    return f";VALUE=DATE:{moment:%Y%m%d}"


def _escaped(text: str) -> str:
    for plain, written in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
        text = text.replace(plain, written)
    return text


def _folded(line: str) -> bytes:
    """At most 75 octets a line; a line that goes on begins with a space. No character is cut in two."""
    folded, length = bytearray(), 0
    for character in line:
        encoded = character.encode()
        if length + len(encoded) > 75:
            folded += b"\r\n "
            length = 1
        folded += encoded
        length += len(encoded)
    return bytes(folded) + b"\r\n"
