"""What is said of an escalation, in the same words on the dashboard, in messages, by commands and in Temporal's Web UI:
who was reached, and why a decision is not there. (How it ended: `devsync/domain/escalation/ending.py`.)"""

from collections.abc import Collection, Iterable, Sequence

from devsync.contracts.escalation import SubscriberEntry, SubscriberState, ToldState, ToldTarget
from devsync.domain.escalation.ending import POLICY, whom
from devsync.domain.escalation.machine import Event, EventKind
from devsync.domain.recovery.decision import Decision

_MEANINGS = {
    Decision.RETRY: "run the failed operation again, now",
    Decision.USE_FALLBACK: "go on with the data that stand in",
    Decision.SKIP: "go on without: a named gap",
    Decision.ABORT: "end the edition; nothing is posted",
}
_MEANINGS_AFTERWARDS = _MEANINGS | {
    Decision.RETRY: "try what is missing again, now",
    Decision.SKIP: "give up what is missing: nobody tries it again, and a partial edition says so",
}
"""Where nobody waits any more, and those who have gone on still try for what they lack."""
_HAPPENED = {
    EventKind.TOLD_AGAIN: "asked again",
    EventKind.REACHED: "told",
    EventKind.UNREACHED: "not reached",
    EventKind.GONE: "gone before it was answered",
    EventKind.WENT_ON: "went on without an answer",
    EventKind.TOLD_THE_END: "who knows of it in the end",
    EventKind.REFUSED: "refused a message",
}

_TO_THEM = (EventKind.JOINED, EventKind.LEFT, EventKind.GONE, EventKind.WENT_ON)
"""Their actor is whom it happened to."""


def meaning(decision: Decision, *, is_waited_for: bool) -> str:
    """What follows from it."""
    return (_MEANINGS if is_waited_for else _MEANINGS_AFTERWARDS)[decision]


def happened(kind: EventKind) -> str:
    """What an event is called."""
    return _HAPPENED.get(kind, kind.value.replace("_", " "))


def who(event: Event) -> str:
    """As it follows `happened`: `by anna`, or the workflow that joined; empty for what comes by itself."""
    if event.kind in _TO_THEM or not event.actor:
        return event.actor
    is_by_itself = event.actor == POLICY and event.kind is not EventKind.RESOLVED
    return "" if is_by_itself else f"by {whom(event.actor)}"


def reach(told: Collection[ToldTarget]) -> str:
    """`1 of 2 reached`: how many there are to be told, and how many of them have heard of it."""
    if not told:
        return "nobody is to be told yet"
    reached = sum(one.is_reached for one in told)
    return f"{reached or 'none'} of {len(told)} reached"


def told_words(one: ToldTarget, *, is_over: bool) -> str:
    """How it stands with somebody who is to be told, and why they were not."""
    why = f": {one.error}" if one.error else ""
    if one.is_reached:
        newest = "how it ended" if is_over else "what has changed since"
        return f"told; perhaps not of {newest}{why}" if why else "told"
    if one.state is ToldState.UNCERTAIN:
        return f"perhaps told, whether it arrived is not known{why}"
    if one.state is ToldState.UNREACHED:
        return f"not reached, and not tried again{why}"
    if is_over:
        return f"not reached before it was over{why}"
    return f"not reached yet, tried again{why}" if why else "being told"


def why_not(decision: Decision, entries: Iterable[SubscriberEntry]) -> str:
    """Why nobody offers it, as it follows `since`."""
    here = [entry for entry in entries if entry.is_here]
    if not here:
        return "nobody is concerned any more"
    if any(entry.state is SubscriberState.WAITING for entry in here):
        return "nothing stands in" if decision is Decision.USE_FALLBACK else "none of those who wait can do that"
    if not any(entry.subscriber.choices for entry in here):
        return "whoever is concerned has gone on, and takes no answer"
    return {
        Decision.USE_FALLBACK: "what stands in is in use already",
        Decision.ABORT: "what it was about is over",
    }.get(decision, "none of those who still try can do that")


def not_offered(choices: Collection[Decision], entries: Sequence[SubscriberEntry]) -> str:
    """Why decisions are not offered, as a sentence without its end; empty where all are."""
    reasons: dict[str, list[str]] = {}
    for decision in Decision:
        if decision not in choices:
            reasons.setdefault(why_not(decision, entries), []).append(decision.value.replace("_", " "))
    if not choices:
        why = next(iter(reasons))
        return f"{why[:1].upper()}{why[1:]}"
    told = "; ".join(f"{' and '.join(names)}, since {why}" for why, names in reasons.items())
    return f"Not offered: {told}" if told else ""
