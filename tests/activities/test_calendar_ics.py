"""iCalendar in all the forms in which calendars write it: what an event means, on which days, and what is refused."""

import time
from datetime import date

import pytest

from activities.calendar.ics import MOST_TOLD, CalendarRead, read_calendar
from devsync.runtime.classification import MalformedAnswer

FIRST, END = date(2026, 11, 23), date(2026, 12, 7)
"""Two weeks from a Monday."""


def document(*events: str, head: str = "") -> bytes:
    """Each event as its lines but the first and the last; `UID` and `SUMMARY` are added where they are missing."""
    whole = []
    for number, event in enumerate(events):
        lines = event.strip().split("\n")
        lines += [f"UID:{number}@test"] * ("UID" not in event)
        lines += ["SUMMARY:Anna"] * ("SUMMARY" not in event)
        whole += ["BEGIN:VEVENT", *(line.strip() for line in lines), "END:VEVENT"]
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *head.split(), *whole, "END:VCALENDAR", ""]).encode()


def read(*events: str, timezone: str = "Europe/Berlin", head: str = "") -> CalendarRead:
    return read_calendar(document(*events, head=head), FIRST, END, timezone)


def days(read_: CalendarRead) -> list[tuple[str, str]]:
    """First and last day of every absence."""
    return [(str(one.first_day), str(one.last_day)) for one in read_.data.absences]


ALL_DAY = "DTSTART;VALUE=DATE:20261124\nDTEND;VALUE=DATE:20261126"
OOF = "X-MICROSOFT-CDO-BUSYSTATUS:OOF"
MEETING = "DTSTART:20261124T090000Z\nDTEND:20261124T170000Z"


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (f"{MEETING}\n{OOF}", "absence"),
        (f"{ALL_DAY}\n{OOF}", "absence"),
        (f"{ALL_DAY}\nX-MICROSOFT-CDO-BUSYSTATUS:oof", "absence"),
        (f"{ALL_DAY}\nCATEGORIES:Vacation", "absence"),
        (f"{ALL_DAY}\nCATEGORIES:Blue,Out of office", "absence"),
        (f"{ALL_DAY}\nCATEGORIES:Blue\nCATEGORIES:pto", "absence"),
        (f"{ALL_DAY}\nTRANSP:TRANSPARENT\nCATEGORIES:vacation", "absence"),
        (f"{ALL_DAY}\nX-CONFLUENCE-SUBCALENDAR-TYPE:leaves", "absence"),
        (f"{ALL_DAY}\nTRANSP:OPAQUE", "absence"),
        (f"{ALL_DAY}\nX-MICROSOFT-CDO-BUSYSTATUS:BUSY", "absence"),
        (ALL_DAY, "milestone"),
        (f"{ALL_DAY}\nTRANSP:TRANSPARENT", "milestone"),
        (f"{ALL_DAY}\nX-MICROSOFT-CDO-BUSYSTATUS:FREE\nTRANSP:OPAQUE", "milestone"),
        (f"{ALL_DAY}\nCATEGORIES:Release\n{OOF}", "milestone"),
        (f"{MEETING}\nCATEGORIES:deadline", "milestone"),
        (MEETING, "nothing"),
        (f"{MEETING}\nTRANSP:OPAQUE", "nothing"),
        (f"{ALL_DAY}\nX-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE", "nothing"),
        (f"{ALL_DAY}\nX-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE", "nothing"),
        (f"{ALL_DAY}\n{OOF}\nSTATUS:CANCELLED", "nothing"),
        (f"{ALL_DAY}\n{OOF}\nCLASS:PRIVATE", "nothing"),
        (f"{ALL_DAY}\n{OOF}\nCLASS:CONFIDENTIAL", "nothing"),
        (f"DTSTART:20261124T090000Z\nDTEND:20261124T103000Z\n{OOF}", "nothing"),  # the dentist
        (f"{MEETING}\nSUMMARY:Anna on vacation, out of office, sick", "nothing"),  # words alone decide nothing
    ],
)
def test_what_an_event_means_is_read_from_its_marks(event: str, kind: str) -> None:
    data = read(event).data
    assert (len(data.absences), len(data.milestones)) == {"absence": (1, 0), "milestone": (0, 1), "nothing": (0, 0)}[
        kind
    ]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (ALL_DAY, ("2026-11-24", "2026-11-25")),
        ("DTSTART;VALUE=DATE:20261124", ("2026-11-24", "2026-11-24")),
        ("DTSTART;VALUE=DATE:20261124\nDURATION:P3D", ("2026-11-24", "2026-11-26")),
        ("DTSTART;VALUE=DATE:20261124\nDTEND;VALUE=DATE:20261124", ("2026-11-24", "2026-11-24")),
        ("DTSTART;VALUE=DATE:20261101\nDTEND;VALUE=DATE:20261231", ("2026-11-01", "2026-12-30")),
        # 23:00 UTC is the next day in Berlin; and what ends at midnight does not touch the next day.
        ("DTSTART:20261123T230000Z\nDTEND:20261124T230000Z", ("2026-11-24", "2026-11-24")),
        ("DTSTART;TZID=Europe/Berlin:20261124T090000\nDURATION:PT15H", ("2026-11-24", "2026-11-24")),
        ("DTSTART;TZID=America/New_York:20261124T200000\nDURATION:PT6H", ("2026-11-25", "2026-11-25")),
        ("DTSTART;TZID=W. Europe Standard Time:20261124T080000\nDURATION:PT8H", ("2026-11-24", "2026-11-24")),
        ("DTSTART:20261124T080000\nDTEND:20261124T170000", ("2026-11-24", "2026-11-24")),  # floating
    ],
)  # fmt: skip
def test_days_are_those_of_the_teams_own_zone(event: str, expected: tuple[str, str]) -> None:
    assert days(read(f"{event}\n{OOF}")) == [expected]


@pytest.mark.parametrize(
    ("first", "end", "is_inside"),
    [
        ("20261122", "20261123", False),
        ("20261122", "20261124", True),
        ("20261206", "20261207", True),
        ("20261207", "20261208", False),
        ("20250101", "20280101", True),
    ],
)
def test_the_days_that_are_asked_for_are_half_open(first: str, end: str, is_inside: bool) -> None:
    event = f"DTSTART;VALUE=DATE:{first}\nDTEND;VALUE=DATE:{end}\n{OOF}"
    assert bool(days(read(event))) is is_inside


def test_a_series_is_told_by_its_occurrences_less_the_excepted_and_the_moved_ones() -> None:
    series = f"""UID:series
        DTSTART;VALUE=DATE:20261105
        RRULE:FREQ=WEEKLY;BYDAY=TH
        EXDATE;VALUE=DATE:20261203
        {OOF}"""
    moved = f"UID:series\nRECURRENCE-ID;VALUE=DATE:20261126\nDTSTART;VALUE=DATE:20261127\n{OOF}"
    assert days(read(series)) == [("2026-11-26", "2026-11-26")]
    assert days(read(series, moved)) == [("2026-11-27", "2026-11-27")]
    assert days(read(series, f"{moved}\nSTATUS:CANCELLED")) == []


def test_a_series_keeps_its_local_time_when_clocks_change() -> None:
    event = f"DTSTART;TZID=Europe/Berlin:20261006T000000\nDURATION:PT24H\nRRULE:FREQ=WEEKLY\n{OOF}"
    assert days(read(event)) == [("2026-11-24", "2026-11-24"), ("2026-12-01", "2026-12-01")]


def test_a_time_zone_that_the_document_defines_itself_is_used() -> None:
    zone = """BEGIN:VTIMEZONE TZID:Office BEGIN:STANDARD DTSTART:19700101T000000 TZOFFSETFROM:-1000
        TZOFFSETTO:-1000 END:STANDARD END:VTIMEZONE"""
    event = f"DTSTART;TZID=Office:20261124T140000\nDTEND;TZID=Office:20261124T200000\n{OOF}"
    assert days(read(event, head=zone)) == [("2026-11-25", "2026-11-25")]


def test_lines_that_are_folded_escaped_or_of_another_script_are_read() -> None:
    event = f"{ALL_DAY}\n{OOF}\nSUMMARY:Mehmet Yıldız\\, Łódź\\; 休暇"
    folded = document(event).replace("Łódź".encode(), "Łó\r\n dź".encode())
    data = read_calendar(b"\xef\xbb\xbf" + folded.replace(b"\r\n", b"\n"), FIRST, END, "UTC").data
    assert [one.who for one in data.absences] == ["Mehmet Yıldız, Łódź; 休暇"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html><body>Sign in</body></html>",
        b"{}",
        b"\x00\xff" * 100,
        document(ALL_DAY)[:-40],
        document(ALL_DAY) + b"trailing",
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nEND:VCALENDAR",
        b"BEGIN:VCALENDAR\r\nno property\r\nEND:VCALENDAR",
        document("DTSTART:yesterday", "DTSTART:20261399"),
    ],
)
def test_what_is_no_calendar_is_a_failure_and_not_a_quiet_fortnight(content: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        read_calendar(content, FIRST, END, "UTC")


def test_an_empty_calendar_is_a_quiet_fortnight() -> None:
    assert read().data.absences == ()


def test_one_broken_event_costs_no_other_and_is_told() -> None:
    found = read("DTSTART:garbage", f"{ALL_DAY}\n{OOF}", "DTSTART;VALUE=DATE:00010101\nDTEND;TZID=Nowhere/City:x")
    assert len(found.data.absences) == 1
    assert found.notes == ("2 of 3 events cannot be read",)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=SECONDLY",
        "FREQ=MINUTELY;INTERVAL=1",
        "FREQ=HOURLY",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;BYHOUR=1,2,3;BYMINUTE=1,2,3",
        "FREQ=DAILY;BYMONTH=13",
        "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=WEEKLY;BYSETPOS=400",
        "FREQ=GARBAGE",
        "nonsense",
    ],
)
def test_a_rule_that_would_keep_the_machine_busy_is_not_followed(rule: str) -> None:
    started = time.monotonic()
    found = read(f"DTSTART;VALUE=DATE:20200101\nRRULE:{rule}", f"{ALL_DAY}\n{OOF}")
    assert time.monotonic() - started < 5
    assert len(found.data.absences) == 1
    assert found.notes


@pytest.mark.parametrize(
    "rule", ["FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "FREQ=DAILY;INTERVAL=7;BYDAY=TU", "FREQ=DAILY;COUNT=999999999"]
)
def test_a_rule_that_never_matches_takes_a_moment(rule: str) -> None:
    started = time.monotonic()
    read(f"DTSTART;VALUE=DATE:19700101\nRRULE:{rule}")
    assert time.monotonic() - started < 5


def test_what_began_in_another_age_is_not_walked_to_the_present() -> None:
    assert read("DTSTART;VALUE=DATE:00010101\nRRULE:FREQ=DAILY").notes


def test_of_very_many_events_a_bounded_number_is_kept() -> None:
    many = [f"{ALL_DAY}\n{OOF}\nSUMMARY:Person {number}" for number in range(MOST_TOLD + 50)]
    assert len(read(*many).data.absences) == MOST_TOLD


@pytest.mark.parametrize("series", ["", "RRULE:FREQ=WEEKLY\n"])
@pytest.mark.parametrize("broken", ["EXDATE:whenever", "DTEND:later", "DURATION:long", "RDATE:sometimes"])
def test_an_event_whose_days_cannot_be_read_is_not_told_on_wrong_ones(series: str, broken: str) -> None:
    found = read(f"DTSTART;VALUE=DATE:20261124\n{series}{OOF}\n{broken}", ALL_DAY)
    is_left_out = broken != "EXDATE:whenever" or bool(series)  # without a series there is nothing to except from
    assert found.data.absences == () or not is_left_out
    assert bool(found.notes) is is_left_out
