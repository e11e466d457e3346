"""Who waits for an escalation's decision, who only follows it, and who has left."""

from collections.abc import Iterable
from datetime import datetime

from devsync.contracts.escalation import Subscriber, SubscriberEntry, SubscriberLeft, SubscriberState
from devsync.domain.recovery.decision import Decision

MILDEST_FIRST = (Decision.USE_FALLBACK, Decision.SKIP, Decision.RETRY, Decision.ABORT)
"""What those get who wait and do not offer what was decided for all."""

WENT_ON = "went on without an answer"


class Roster:
    """One entry a workflow, in the order in which they joined."""

    def __init__(self, entries: Iterable[SubscriberEntry] = ()) -> None:
        self._entries = {entry.subscriber.workflow_id: entry for entry in entries}

    @property
    def entries(self) -> tuple[SubscriberEntry, ...]:
        return tuple(self._entries.values())

    @property
    def waiting(self) -> tuple[SubscriberEntry, ...]:
        return tuple(entry for entry in self.entries if entry.state is SubscriberState.WAITING)

    @property
    def here(self) -> tuple[SubscriberEntry, ...]:
        """Those who want to hear how it ends."""
        return tuple(entry for entry in self.entries if entry.is_here)

    @property
    def need_people(self) -> bool:
        """Whether somebody waits for their answer, or for what only they can mend."""
        return bool(self.waiting or to_mend(self.entries))

    @property
    def choices(self) -> tuple[Decision, ...]:
        """What at least one of those who wait offers; where nobody waits, what those who follow offer."""
        asked = self.waiting or self.here
        return tuple(decision for decision in Decision if any(_offers(entry, decision) for entry in asked))

    @property
    def next_deadline(self) -> datetime | None:
        """When the first of those who wait goes on without an answer."""
        return min((d for entry in self.waiting if (d := entry.subscriber.deadline)), default=None)

    @property
    def last_deadline(self) -> datetime | None:
        """When nobody waits any more; None where somebody does without an end."""
        deadlines = [entry.subscriber.deadline for entry in self.waiting]
        return max(filter(None, deadlines), default=None) if all(deadlines) else None

    @property
    def team(self) -> str:
        """The one team that they are all of, empty where there are several."""
        teams = {entry.subscriber.team for entry in self.entries}
        return teams.pop() if len(teams) == 1 else ""

    def join(self, subscriber: Subscriber, replaces: str, now: datetime) -> bool:
        """Whether that is news: whoever joins twice is there once, with what they said last."""
        before = self._entries.get(subscriber.workflow_id)
        state = SubscriberState.WAITING if subscriber.is_waiting else SubscriberState.FOLLOWING
        is_news = before is None or before.state is not state
        joined_at = now if before is None else before.joined_at
        if replaces and replaces != subscriber.workflow_id:
            self._entries.pop(replaces, None)
        self._entries[subscriber.workflow_id] = SubscriberEntry(
            subscriber=subscriber, state=state, joined_at=joined_at
        )  # fmt: skip
        return is_news

    def knows(self, workflow_id: str) -> bool:
        return workflow_id in self._entries

    def leave(self, message: SubscriberLeft) -> bool:
        """False where nobody of that name is here."""
        return self._becomes(message.workflow_id, SubscriberState.LEFT, message.note)

    def pass_deadlines(self, now: datetime) -> list[SubscriberEntry]:
        """Those who had waited until now. They hear how it ends, and can do nothing with an answer any more."""
        passed = [one for one in self.waiting if one.subscriber.deadline and one.subscriber.deadline <= now]
        for entry in passed:
            subscriber = entry.subscriber.model_copy(update={"choices": ()})
            changes = {"subscriber": subscriber, "state": SubscriberState.FOLLOWING, "note": WENT_ON}
            self._entries[subscriber.workflow_id] = entry.model_copy(update=changes)
        return passed

    def note_gone(self, workflow_id: str) -> None:
        """It was to be answered, and nobody was there."""
        entry = self._entries.get(workflow_id)
        if entry is not None:
            changes = {"state": SubscriberState.GONE, "note": "it had ended before it could be told"}
            self._entries[workflow_id] = entry.model_copy(update=changes)

    def note_answered(self, workflow_id: str, note: str) -> None:
        self._becomes(workflow_id, SubscriberState.ANSWERED, note)

    def that_take(self, decision: Decision) -> tuple[SubscriberEntry, ...]:
        """Those who wait and offer it."""
        return tuple(entry for entry in self.waiting if _offers(entry, decision))

    def _becomes(self, workflow_id: str, state: SubscriberState, note: str) -> bool:
        entry = self._entries.get(workflow_id)
        if entry is None or not entry.is_here:
            return False
        self._entries[workflow_id] = entry.model_copy(update={"state": state, "note": note})
        return True


def to_mend(entries: Iterable[SubscriberEntry]) -> list[SubscriberEntry]:
    """Those who are here and whom no answer helps: somebody has to do something."""
    return [entry for entry in entries if entry.is_here and entry.subscriber.remedy]


def own_decision(entry: SubscriberEntry, decision: Decision | None) -> Decision | None:
    """What a decision for all means for this one: the same, where it offers that. One that waits gets the
    mildest that it offers instead; one that only follows goes on as it does, which is None."""
    if decision is None or _offers(entry, decision):
        return decision
    if entry.state is not SubscriberState.WAITING:
        return None
    return next((one for one in MILDEST_FIRST if _offers(entry, one)), None)


def _offers(entry: SubscriberEntry, decision: Decision) -> bool:
    return decision in entry.subscriber.choices
