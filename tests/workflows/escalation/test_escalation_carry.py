"""What goes into the next run of an escalation stays below what a payload may be, whatever has piled up."""

from datetime import UTC, datetime
from typing import Any

from devsync.contracts.escalation import EscalationStart, SubscriberEntry, SubscriberState
from devsync.domain.escalation.journal import UNRECORDED_AT_MOST
from devsync.domain.escalation.machine import Event, EventKind
from tests.workflows.escalation_stage import joined
from workflows.escalation.carry import CARRIED_AT_MOST, within_limits
from workflows.escalation.case import Case
from workflows.escalation.records import Records

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
WORDS = "ü" * 500
"""The longest message, in letters of two bytes."""


def case_of(subscribers: int = 1, events: int = 0) -> Case:
    case = Case(EscalationStart(), "escalation:service:github")
    for number in range(subscribers):
        case.join(joined(f"recovery:{number}", subject=WORDS), NOON)
    for number in range(events):
        case.add(EventKind.REFUSED, "", f"{number:03} {WORDS}", NOON)
    return case


def start_of(case: Case, **more: Any) -> EscalationStart:
    return EscalationStart(page="page", **(case.to_record() | more))


def size(start: EscalationStart) -> int:
    return len(start.model_dump_json().encode())


def owed_pages(count: int) -> Records:
    records = Records()
    for number in range(count):
        records.older = records.owed(case_of(20, 20), f"page-{number}", ())
    return records


def test_what_fits_is_carried_whole() -> None:
    start = start_of(case_of(20, 100), owed=owed_pages(3).older)
    assert within_limits(start) == start


def test_the_oldest_records_are_left_out_first_and_nobody_who_waits_is() -> None:
    case = case_of(200, 2 * UNRECORDED_AT_MOST)
    start = start_of(case, owed=owed_pages(60).older)
    assert size(start) > 2_000_000
    carried = within_limits(start)
    assert size(carried) <= CARRIED_AT_MOST
    assert carried.subscribers == start.subscribers
    kept = carried.journal.unrecorded
    assert kept
    assert kept == start.journal.unrecorded[-len(kept) :]
    assert carried.journal.made == start.journal.made  # so that the rest keep their numbers


def test_who_has_left_is_forgotten_before_anything_is_lost_to_the_records() -> None:
    case = case_of(2, 50)
    gone = [
        SubscriberEntry(subscriber=joined(f"gone:{number}", subject=WORDS).request.subscriber,
                        state=SubscriberState.LEFT, joined_at=NOON)
        for number in range(2_000)
    ]  # fmt: skip
    start = start_of(case, owed=owed_pages(1).older)
    start = start.model_copy(update={"subscribers": (*gone, *start.subscribers)})
    carried = within_limits(start)
    assert size(carried) <= CARRIED_AT_MOST
    assert (carried.owed, carried.journal) == (start.owed, start.journal)
    assert carried.subscribers == start.subscribers[-len(carried.subscribers) :]
    assert len(carried.subscribers) > 2


def test_all_that_is_not_written_down_is_owed_however_much() -> None:
    (owed,) = Records().owed(case_of(1, 250), "page", ())
    assert (owed.first_number, len(owed.events)) == (1, 252)
    assert isinstance(owed.events[0], Event)
