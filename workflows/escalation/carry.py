"""What an escalation carries into its next run: bounded, since with a payload of 2 MB it would be stuck."""

from collections.abc import Sequence
from typing import TypeVar

from devsync.contracts.escalation import EscalationStart, RecordEscalation, ToldTarget
from devsync.domain.model import Model
from workflows.escalation.case import Case
from workflows.shared.messages import RefusedMessages

M = TypeVar("M", bound=Model)

CARRIED_AT_MOST = 1_000_000
"""Bytes of JSON."""


def the_same_page(
    case: Case,
    page: str,
    told: tuple[ToldTarget, ...],
    refused: RefusedMessages,
    owed: tuple[RecordEscalation, ...],
) -> EscalationStart:
    """It goes on where it stands, with a new history."""
    start = EscalationStart(page=page, told=told, refused=refused.last, refused_count=refused.count, owed=owed)
    return within_limits(start.model_copy(update=case.to_record()))


def the_next_page(later: Case, owed: tuple[RecordEscalation, ...]) -> EscalationStart:
    """Of those who came while the last one was being closed; it is named after the run that it begins in."""
    return within_limits(EscalationStart(owed=owed).model_copy(update=later.to_record()))


def within_limits(start: EscalationStart, at_most: int = CARRIED_AT_MOST) -> EscalationStart:
    """Whoever is here is carried. Of what only the records lack, and of who has left, the newest that there is room
    for: first this page's events, then earlier pages, then who has left."""
    here = [entry for entry in start.subscribers if entry.is_here]
    former = [entry for entry in start.subscribers if not entry.is_here]
    journal = start.journal.model_copy(update={"unrecorded": ()})
    least = start.model_copy(update={"subscribers": tuple(here), "journal": journal, "owed": ()})
    left = at_most - _size(least)
    events, left = _newest(start.journal.unrecorded, left)
    owed, left = _newest(start.owed, left)
    kept, _ = _newest(former, left)
    ids = {entry.subscriber.workflow_id for entry in (*here, *kept)}
    subscribers = tuple(entry for entry in start.subscribers if entry.subscriber.workflow_id in ids)
    journal = journal.model_copy(update={"unrecorded": tuple(events)})
    return least.model_copy(update={"subscribers": subscribers, "journal": journal, "owed": tuple(owed)})


def _newest(parts: Sequence[M], left: int) -> tuple[Sequence[M], int]:
    """Those at the end that have room together, and how much is left then."""
    for number, part in enumerate(reversed(parts)):
        if _size(part) > left:
            return parts[len(parts) - number :], left
        left -= _size(part)
    return parts, left


def _size(part: Model) -> int:
    return len(part.model_dump_json().encode()) + 1
