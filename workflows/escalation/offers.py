"""What an escalation's message offers by buttons: to take it, to decide, to be asked later."""

from collections.abc import Iterator

from devsync.contracts.escalation import EscalationView
from devsync.domain.answers import Answer, Deed, Offer
from devsync.domain.escalation.machine import EscalationRecord, State
from devsync.domain.recovery.decision import Decision
from devsync.rendering.escalation_words import meaning

SNOOZES = {15: "15 minutes", 60: "1 hour", 4 * 60: "4 hours", 24 * 60: "1 day"}
"""By minutes."""
TO_CONFIRM = (Decision.SKIP, Decision.ABORT)
"""What leaves something out that nobody gets back."""


def offers_of(view: EscalationView, record: EscalationRecord) -> tuple[Offer, ...]:
    """Nothing once it is over; before, what makes sense in its state."""
    return tuple(_offers(view, record)) if record.is_open else ()


def _offers(view: EscalationView, record: EscalationRecord) -> Iterator[Offer]:
    if record.state is not State.ACKNOWLEDGED:
        yield Offer(label="Acknowledge", answer=_answer(view, Deed.ACKNOWLEDGE))
    for decision in view.choices:
        yield Offer(
            label=decision.value.replace("_", " ").capitalize(),
            answer=_answer(view, Deed.RESOLVE, decision.value),
            style="danger" if decision is Decision.ABORT else "plain",
            confirm=meaning(decision, is_waited_for=view.is_waited_for) if decision in TO_CONFIRM else "",
        )
    if view.is_waited_for and record.state is not State.SNOOZED:
        for minutes, label in SNOOZES.items():
            yield Offer(label=label, answer=_answer(view, Deed.SNOOZE, str(minutes)), menu="Snooze")


def _answer(view: EscalationView, deed: Deed, argument: str = "") -> Answer:
    return Answer(deed=deed, argument=argument, workflow_id=view.escalation_id, run_id=view.page)
