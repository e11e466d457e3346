"""The states of an escalation and what leads from one to the next. Pure: every function takes `now`.

Each function takes a record and returns the next one with what happened; what makes no sense in that state raises
Refused, and nothing has changed.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from devsync.domain.escalation.ending import POLICY, ending
from devsync.domain.escalation.policy import EscalationPolicy, Target
from devsync.domain.instants import in_utc
from devsync.domain.model import Model
from devsync.domain.recovery.decision import Decision
from devsync.domain.refusal import NotThere, Refused

LONGEST_MESSAGE = 500
"""Of an event: many of them travel together."""


class State(StrEnum):
    FIRING = "firing"
    """Somebody is asked, and the next ones will be."""
    ACKNOWLEDGED = "acknowledged"
    """Somebody has taken it: nobody else is asked while they have their time."""
    SNOOZED = "snoozed"
    """Nobody is asked for a while."""
    RESOLVED = "resolved"


class EventKind(StrEnum):
    OPENED = "opened"
    TOLD_AGAIN = "told_again"
    ESCALATED = "escalated"
    ACKNOWLEDGED = "acknowledged"
    RESUMED = "resumed"
    """Acknowledged, and not resolved in time."""
    SNOOZED = "snoozed"
    WOKE = "woke"
    REASSIGNED = "reassigned"
    POLICY_CHANGED = "policy_changed"
    DECIDED = "decided"
    """A decision went to those who offer it; others still wait."""
    RESOLVED = "resolved"
    JOINED = "joined"
    LEFT = "left"
    GONE = "gone"
    """The workflow that was to be told the decision is not there any more."""
    WENT_ON = "went_on"
    """The workflow that waited has reached its deadline, and goes on without an answer."""
    REACHED = "reached"
    """Somebody was told for the first time."""
    UNREACHED = "unreached"
    """Somebody could not be told."""
    TOLD_THE_END = "told_the_end"
    """What those who were told know in the end, where that is not on record yet."""
    REFUSED = "refused"
    """A message that could not be taken."""


class Event(Model):
    """One thing that happened, as it is recorded."""

    at: datetime
    kind: EventKind
    actor: str
    """A person, a workflow, or `policy`; empty for a message that could not be taken."""
    level: str
    """Who was asked, after it."""
    message: str


class EscalationRecord(Model):
    """All that an escalation is, apart from who waits for it and who was told."""

    policy: EscalationPolicy
    state: State
    level: str
    rounds: int = 1
    """How often the level has been told."""
    times_asked: int = 1
    """How often anybody was asked, over all levels: what rings once each time."""
    opened_at: datetime
    since: datetime
    """When it came into this state, or to this level."""
    due_at: datetime | None
    """When something happens by itself; None once resolved."""
    holder: str = ""
    """Who acknowledged or snoozed it."""
    assigned_to: Target | None = None
    """Who is asked in the place of the level."""
    decision: Decision | None = None
    decided_by: str = ""
    note: str = ""
    """What the decision is about, or why it ended without one."""

    @property
    def is_open(self) -> bool:
        return self.state is not State.RESOLVED

    @property
    def asked(self) -> tuple[Target, ...]:
        """Who is asked now."""
        return (self.assigned_to,) if self.assigned_to else self.policy.level(self.level).targets


class Step(NamedTuple):
    record: EscalationRecord
    events: tuple[Event, ...] = ()


def opened(policy: EscalationPolicy, level: str, actor: str, why: str, now: datetime) -> Step:
    """Begins at that level. Raises Refused where the policy has none of that name."""
    _needed_level(policy, level)
    record = EscalationRecord(
        policy=policy,
        state=State.FIRING,
        level=level,
        opened_at=now,
        since=now,
        due_at=policy.wait_ends(level, now),
    )
    return Step(record, (_event(record, EventKind.OPENED, actor, why, now),))


def tick(record: EscalationRecord, now: datetime) -> Step:
    """What is due by now, one thing at most: who comes late still asks one level after the other."""
    if record.due_at is None or now < record.due_at:
        return Step(record)
    if record.state is State.ACKNOWLEDGED:
        why = f"{record.holder} has not resolved it in time"
        return _fire(record, EventKind.RESUMED, POLICY, why, now)
    if record.state is State.SNOOZED:
        return _fire(record, EventKind.WOKE, POLICY, f"snoozed until now by {record.holder}", now)
    if record.rounds <= record.policy.level(record.level).repeats:
        why = f"no answer, asked for the {_ordinal(record.rounds + 1)} time"
        return _fire(record, EventKind.TOLD_AGAIN, POLICY, why, now, rounds=record.rounds + 1)
    higher = record.policy.next_level(record.level)
    if higher is not None:
        return _fire(record, EventKind.ESCALATED, POLICY, f"no answer from {record.level}", now, level=higher.name)
    return resolve(record, POLICY, record.policy.default_decision, f"nobody answered, not even {record.level}", now)


def acknowledge(record: EscalationRecord, by: str, now: datetime) -> Step:
    """Somebody takes it: they have the policy's time to resolve it."""
    _refuse_resolved(record)
    if record.state is State.ACKNOWLEDGED:
        raise Refused(f"{record.holder} has acknowledged it already")
    due_at = now + record.policy.acknowledgement_timeout
    after = _changed(record, state=State.ACKNOWLEDGED, holder=by, since=now, due_at=due_at)
    return Step(after, (_event(after, EventKind.ACKNOWLEDGED, by, f"until {in_utc(due_at)}", now),))


def snooze(record: EscalationRecord, by: str, length: timedelta, now: datetime) -> Step:
    """Nobody is asked for that long; then the same level is, anew."""
    _refuse_resolved(record)
    if record.state is State.SNOOZED and record.due_at is not None:
        raise Refused(f"{record.holder} has snoozed it already, until {in_utc(record.due_at)}")
    after = _changed(record, state=State.SNOOZED, holder=by, since=now, due_at=now + length)
    return Step(after, (_event(after, EventKind.SNOOZED, by, f"until {in_utc(now + length)}", now),))


def escalate(record: EscalationRecord, by: str, reason: str, level: str, now: datetime) -> Step:
    """A person asks the next level, or the one that they name."""
    _refuse_resolved(record)
    if level:
        name = record.policy.known_level(level)
        if name is None:
            raise NotThere(f"there is no level {level!r}; there are {', '.join(record.policy.level_names)}")
        if name == record.level and record.assigned_to is None:
            raise Refused(f"{name} is asked already")
    else:
        higher = record.policy.next_level(record.level)
        if higher is None:
            raise Refused(f"{record.level} is the last level")
        name = higher.name
    return _fire(record, EventKind.ESCALATED, by, reason or "no reason given", now, level=name)


def raised(record: EscalationRecord, level: str, why: str, now: datetime) -> Step:
    """Something worse has the same cause: its level is asked at once, if that is a higher one."""
    policy = record.policy
    if not record.is_open or policy.position(level) <= policy.position(record.level):
        return Step(record)
    return _fire(record, EventKind.ESCALATED, POLICY, why, now, level=level)


def needed(record: EscalationRecord, why: str, now: datetime) -> Step:
    """Nobody needed people, and now somebody does: who was only told is asked. Who holds it has it already."""
    if record.state is not State.FIRING:
        return Step(record)
    return _fire(record, EventKind.TOLD_AGAIN, POLICY, why, now)


def unreachable(record: EscalationRecord, now: datetime) -> Step:
    """None of those who are asked could be told: the next level need not wait. The last one has its time."""
    higher = record.policy.next_level(record.level)
    if record.state is not State.FIRING or higher is None:
        return Step(record)
    return _fire(
        record, EventKind.ESCALATED, POLICY, f"nobody of {record.level} can be reached", now, level=higher.name
    )


def reassign(record: EscalationRecord, by: str, to: Target, now: datetime) -> Step:
    """Somebody else is asked in the place of the level; its time begins anew."""
    _refuse_resolved(record)
    if to == record.assigned_to:
        raise Refused(f"{to.target} is asked already")
    return _fire(record, EventKind.REASSIGNED, by, f"to {to.target}", now, assigned_to=to)


def change_policy(record: EscalationRecord, policy: EscalationPolicy, by: str, reason: str, now: datetime) -> Step:
    """Goes by other rules from now on; a level that they do not have becomes the one at its place."""
    _refuse_resolved(record)
    if policy == record.policy:
        raise Refused("it goes by this policy already")
    names = policy.level_names
    level = record.level if record.level in names else names[min(record.policy.position(record.level), len(names) - 1)]
    changed = _changed(record, policy=policy, level=level)
    if record.state is State.FIRING:
        changed = _changed(changed, due_at=policy.wait_ends(level, now))
    elif record.state is State.ACKNOWLEDGED:
        changed = _changed(changed, due_at=record.since + policy.acknowledgement_timeout)
    return Step(changed, (_event(changed, EventKind.POLICY_CHANGED, by, reason, now),))


def decided(record: EscalationRecord, by: str, decision: Decision, note: str, now: datetime) -> Step:
    """A decision for some of those who wait; the others still do."""
    _refuse_resolved(record)
    message = f"{decision.value}: {note}" if note else decision.value
    return Step(record, (_event(record, EventKind.DECIDED, by, message, now),))


def resolve(record: EscalationRecord, by: str, decision: Decision | None, note: str, now: datetime) -> Step:
    """Over. `decision` is None where there is nothing left to decide."""
    _refuse_resolved(record)
    after = _changed(
        record, state=State.RESOLVED, since=now, due_at=None, decision=decision, decided_by=by, note=note
    )  # fmt: skip
    message = ": ".join(part for part in (decision.value if decision else "", note) if part) or "no decision was needed"
    return Step(after, (_event(after, EventKind.RESOLVED, by, message, now),))


def next_step(record: EscalationRecord) -> str:
    """What happens by itself, for people: `team lead is asked again at 2026-11-23 10:30 UTC`. Who is assigned stands as
    they are called: an address has its underscores."""
    if record.due_at is None:
        return ""
    at = in_utc(record.due_at)
    level = record.policy.level(record.level)
    asked = record.assigned_to.target if record.assigned_to else _words(record.level)
    if record.state is not State.FIRING or record.rounds <= level.repeats:
        return f"{asked} is asked again at {at}"
    higher = record.policy.next_level(record.level)
    if higher is not None:
        return f"{_words(higher.name)} is asked at {at}"
    return f"{_words(record.policy.default_decision.value)} is decided at {at}, if nobody answers"


def _fire(
    record: EscalationRecord,
    kind: EventKind,
    actor: str,
    why: str,
    now: datetime,
    *,
    level: str | None = None,
    rounds: int = 1,
    assigned_to: Target | None = None,
) -> Step:
    """Somebody is told, and has their time from now on. Who was assigned stays so within the level."""
    name = level or record.level
    kept = assigned_to or (record.assigned_to if level is None else None)
    after = _changed(
        record,
        state=State.FIRING,
        level=name,
        rounds=rounds,
        times_asked=record.times_asked + 1,
        since=now,
        due_at=record.policy.wait_ends(name, now),
        holder="",
        assigned_to=kept,
    )
    return Step(after, (_event(after, kind, actor, why, now),))


def _changed(record: EscalationRecord, **changes: Any) -> EscalationRecord:
    return record.model_copy(update=changes)


def _event(record: EscalationRecord, kind: EventKind, actor: str, message: str, now: datetime) -> Event:
    return Event(at=now, kind=kind, actor=actor, level=record.level, message=message[:LONGEST_MESSAGE])


def _refuse_resolved(record: EscalationRecord) -> None:
    if not record.is_open:
        how = ending(record.decision, record.decided_by, record.note)
        raise NotThere(f"it is resolved already: {how}")


def _needed_level(policy: EscalationPolicy, level: str) -> None:
    if level not in policy.level_names:
        raise NotThere(f"there is no level {level!r}; there are {', '.join(policy.level_names)}")


def _words(name: str) -> str:
    """Of a level or a decision."""
    return name.replace("_", " ")


def _ordinal(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")
