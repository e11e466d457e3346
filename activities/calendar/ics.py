"""Reads an iCalendar document (RFC 5545): who is away and which days are marked, in the days that are asked for.

What an event means is read from its marks alone, never guessed from its title. The first row that fits decides:

| the event | is |
| --- | --- |
| `STATUS:CANCELLED`, `CLASS:PRIVATE` or `CONFIDENTIAL` | left out |
| a category of MARKED | a milestone |
| `X-MICROSOFT-CDO-BUSYSTATUS:OOF`, a category of AWAY, or a Confluence calendar of leaves | an absence |
| all day, and busy by its own mark (`TRANSP:OPAQUE`, `BUSYSTATUS:BUSY`) | an absence |
| all day, otherwise, and not tentative nor working elsewhere | a milestone |
| anything else: meetings | left out |

An absence of less than SHORTEST_ABSENCE is nobody's business.
"""

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import recurring_ical_events
from icalendar import Calendar, Event

from activities.calendar.rules import is_bearable
from devsync.domain.changelog.surroundings import Absence, CalendarData, Milestone
from devsync.runtime.classification import MalformedAnswer

AWAY: Final = frozenset(
    {
        "absence", "absent", "away", "leave", "leaves", "ooo", "out of office", "out-of-office", "parental leave",
        "pto", "sick leave", "time off", "vacation",
    }
)  # fmt: skip
MARKED: Final = frozenset({"code freeze", "deadline", "go-live", "launch", "milestone", "release"})

SHORTEST_ABSENCE: Final = timedelta(hours=4)

MOST_TOLD: Final = 200
"""Absences and milestones that are kept, each: two weeks of a team have fewer."""

PATIENCE_SECONDS: Final = 10.0
"""Expanding what recurs takes milliseconds; a document that takes so long was made to."""

_BROKEN: Final = (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError, ArithmeticError)
"""What icalendar and dateutil raise over a property that is not what it should be."""


class CalendarRead(NamedTuple):
    data: CalendarData
    notes: tuple[str, ...]
    """What of the document could not be read, for operators."""


class _Marked(NamedTuple):
    """What one event comes to."""

    title: str
    is_absence: bool
    first_day: date
    last_day: date


def read_calendar(content: bytes, first: date, end: date, timezone: str) -> CalendarRead:
    """What happens on days `first <= day < end`, in that timezone. Raises MalformedAnswer for what is no calendar."""
    groups = list(_groups(_calendars(content)))
    zone = ZoneInfo(timezone)
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    marked: set[_Marked] = set()
    unread = unbearable = 0
    for group in groups:
        if not is_bearable(group, end) or time.monotonic() > give_up_at:
            unbearable += 1
            continue
        try:
            marked.update(_marked(_occurrences(group, first, end, zone), zone))
        except _BROKEN:
            unread += 1
    if groups and unread == len(groups):
        raise MalformedAnswer("calendar", "a request", "events of which none can be read")
    inside = sorted(one for one in marked if one.first_day < end and one.last_day >= first)
    inside.sort(key=lambda one: (one.first_day, one.last_day, one.title))
    notes = [
        f"{count} of {len(groups)} events {what}"
        for count, what in ((unread, "cannot be read"), (unbearable, "recur in a way that is not followed"))
        if count
    ]
    return CalendarRead(
        CalendarData(
            absences=tuple(
                Absence(who=one.title, first_day=one.first_day, last_day=one.last_day)
                for one in inside
                if one.is_absence
            )[:MOST_TOLD],
            milestones=tuple(
                Milestone(title=one.title, first_day=one.first_day, last_day=one.last_day)
                for one in inside
                if not one.is_absence
            )[:MOST_TOLD],
        ),
        tuple(notes),
    )


def _calendars(content: bytes) -> list[Calendar]:
    text = content.decode("utf-8-sig", errors="replace").strip()
    # The parser takes a document that was cut between two events for a whole one.
    if not text.upper().startswith("BEGIN:VCALENDAR") or not text.upper().endswith("END:VCALENDAR"):
        raise MalformedAnswer("calendar", "a request", "something that is no whole iCalendar document")
    try:
        found = [one for one in Calendar.from_ical(text, multiple=True) if one.name == "VCALENDAR"]
    except _BROKEN as error:
        raise MalformedAnswer("calendar", "a request", "an iCalendar document that cannot be parsed") from error
    if not found:  # what begins in it is closed by another's end
        raise MalformedAnswer("calendar", "a request", "an iCalendar document that cannot be parsed")
    return found


def _groups(calendars: Iterable[Calendar]) -> Iterator[list[Event]]:
    """The events with the same UID: a series, and what differs from it."""
    groups: dict[str, list[Event]] = {}
    for number, calendar in enumerate(calendars):
        for event in calendar.walk("VEVENT"):
            uid = str(event.get("UID") or f"none {id(event)}")
            if isinstance(event, Event):
                groups.setdefault(f"{number} {uid}", []).append(event)
    return iter(groups.values())


def _occurrences(group: list[Event], first: date, end: date, zone: ZoneInfo) -> list[Event]:
    if not any("RRULE" in event or "RDATE" in event for event in group):
        return group
    series = Calendar()
    for event in group:
        series.add_component(event)
    begin, until = (datetime.combine(day, clock(), zone) for day in (first, end))
    found: list[Event] = recurring_ical_events.of(series).between(begin, until)
    return found


def _marked(events: Iterable[Event], zone: ZoneInfo) -> Iterator[_Marked]:
    for event in events:
        is_absence = _is_absence(event)
        if is_absence is None:
            continue
        first_day, last_day, lasts = _days(event, zone)
        if not is_absence or lasts >= SHORTEST_ABSENCE:
            title = " ".join(str(event.get("SUMMARY") or "").split())[:256]
            yield _Marked(title or "(no title)", is_absence, first_day, last_day)


def _is_absence(event: Event) -> bool | None:
    """The table above. None: the event is left out."""
    if _mark(event, "STATUS") == "CANCELLED" or _mark(event, "CLASS") in ("PRIVATE", "CONFIDENTIAL"):
        return None
    categories = _categories(event)
    if categories & MARKED:
        return False
    busy = _mark(event, "X-MICROSOFT-CDO-BUSYSTATUS")
    is_leave = _mark(event, "X-CONFLUENCE-SUBCALENDAR-TYPE") in ("LEAVES", "TRAVEL")
    if busy == "OOF" or is_leave or categories & AWAY:
        return True
    if _is_all_day(event) and busy not in ("TENTATIVE", "WORKINGELSEWHERE"):
        return busy == "BUSY" or (not busy and _mark(event, "TRANSP") == "OPAQUE")
    return None


def _mark(event: Event, name: str) -> str:
    return str(event.get(name) or "").strip().upper()


def _categories(event: Event) -> frozenset[str]:
    found = event.get("CATEGORIES") or []
    names = [str(name) for one in (found if isinstance(found, list) else [found]) for name in getattr(one, "cats", [])]
    return frozenset(name.strip().casefold() for name in names)


def _is_all_day(event: Event) -> bool:
    return not isinstance(event.start, datetime)


def _days(event: Event, zone: ZoneInfo) -> tuple[date, date, timedelta]:
    """First day, last day and length; the end that iCalendar writes is no part of the event."""
    start, end = event.start, event.end
    if not isinstance(start, datetime):
        last = (end.date() if isinstance(end, datetime) else end) - timedelta(days=1)
        last = max(start, last)
        return start, last, last - start + timedelta(days=1)
    if not isinstance(end, datetime):
        end = datetime.combine(end, clock())
    begin, finish = _instant(start, zone), _instant(end, zone)
    lasts = max(finish - begin, timedelta())
    last_moment = begin + max(lasts - timedelta(microseconds=1), timedelta())
    return begin.astimezone(zone).date(), last_moment.astimezone(zone).date(), lasts


def _instant(moment: datetime, zone: ZoneInfo) -> datetime:
    """A time without a zone is one of the team's own clocks."""
    return (moment.replace(tzinfo=zone) if moment.tzinfo is None else moment).astimezone(UTC)
