"""One escalation's case: the state machine, those who wait for it, and what was said. Decides; tells nobody."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from devsync.contracts.escalation import (
    Acknowledge,
    ChangePolicy,
    EscalationAnswer,
    EscalationDecided,
    EscalationJoin,
    EscalationStart,
    Reassign,
    Snooze,
    SubscriberEntry,
    SubscriberLeft,
    ThreadNote,
)
from devsync.contracts.people import Escalate, Pressed, Resolve
from devsync.domain.escalation import machine
from devsync.domain.escalation.ending import HEALED, POLICY
from devsync.domain.escalation.journal import Journal
from devsync.domain.escalation.machine import EscalationRecord, Event, EventKind, Step
from devsync.domain.escalation.policy import target_of, unknown_person
from devsync.domain.instants import in_utc
from devsync.domain.model import Model
from devsync.domain.recovery.decision import Decision
from devsync.domain.refusal import Refused
from devsync.rendering.escalation_words import not_offered, why_not
from workflows.escalation.roster import Roster, own_decision, to_mend

GRACE = timedelta(minutes=2)
"""How long it stays open after the last one has left: an amendment takes the place of its edition."""

FOLLOWED_AT_MOST = timedelta(days=7)
"""How long it stays open for those who only follow it: longer than any of them does, unless it was terminated."""

PRESSES_KEPT = 50
"""Ids of presses that were taken: a signed request is good for minutes, and nobody presses so often in these."""

NOTED = (
    EventKind.ESCALATED, EventKind.TOLD_AGAIN, EventKind.RESUMED, EventKind.WOKE, EventKind.REASSIGNED,
    EventKind.DECIDED,
)  # fmt: skip
"""What those who were told before hear of below their message."""


class Answer(NamedTuple):
    """What one subscriber is still to be told."""

    entry: SubscriberEntry
    message: EscalationDecided


class Opened(NamedTuple):
    """What every escalation has from its first moment on."""

    opening: EscalationJoin
    record: EscalationRecord


class Change(NamedTuple):
    """What a message would lead to: a step, and a decision for some of those who wait."""

    step: Step
    decided_for: tuple[SubscriberEntry, ...] = ()
    decision: Decision | None = None


class Case:
    def __init__(self, start: EscalationStart, escalation_id: str, page: str = "") -> None:
        """`page`: the one whose buttons count; empty while that is not known."""
        self.escalation_id = escalation_id
        self.page = page
        self.opening = start.opening
        self.record = start.record
        self.roster = Roster(start.subscribers)
        self.journal = Journal(start.journal)
        self.notes = start.notes
        self.empty_since = start.empty_since
        self.presses = start.presses
        self.later: Case | None = None
        """Of those who came when it was resolved already: the next page."""
        self.answers: list[Answer] = []
        self.version = 0
        """Raised whenever something has changed that people see."""

    def to_record(self) -> dict[str, Any]:
        """What its next run begins with: fields of EscalationStart."""
        return {
            "opening": self.opening,
            "record": self.record,
            "subscribers": self.roster.entries,
            "notes": self.notes,
            "journal": self.journal.to_record(),
            "empty_since": self.empty_since,
            "presses": self.presses,
        }

    @property
    def is_open(self) -> bool:
        return self.record is not None and self.record.is_open

    @property
    def is_resolved(self) -> bool:
        return self.record is not None and not self.record.is_open

    @property
    def due_at(self) -> datetime | None:
        """When something happens by itself. Nobody else is asked while nobody waits for an answer."""
        if self.record is None or not self.record.is_open:
            return None
        if not self.roster.waiting:
            return self._ends_at(self.record)
        return min(filter(None, (self.record.due_at, self.roster.next_deadline)), default=None)

    @property
    def next_step(self) -> str:
        """What that is, for people; empty once it is over."""
        if self.record is None or not self.record.is_open:
            return ""
        if self.roster.waiting:
            ends = self.roster.last_deadline
            if ends is not None and self.record.due_at is not None and ends <= self.record.due_at:
                return f"whoever waits goes on by itself at {in_utc(ends)}"
            return machine.next_step(self.record)
        if self.empty_since is not None:
            return "it ends, unless somebody comes back"
        return "nobody else is asked: nobody waits for an answer"

    @property
    def due_step(self) -> str:
        """What happens at `due_at`: before the next step one of those who wait may go on."""
        first = self.roster.next_deadline
        if first is not None and self.due_at == first:
            return f"whoever waits until {in_utc(first)} goes on by itself"
        return self.next_step

    @property
    def on_offer(self) -> dict[str, Any]:
        """What can be decided, and why no more: fields of EscalationView."""
        if not self.is_open:
            return {}
        roster = self.roster
        return {
            "choices": roster.choices,
            "not_offered": not_offered(roster.choices, roster.entries),
            "is_waited_for": bool(roster.waiting),
        }

    @property
    def opened(self) -> Opened:
        """Raises Refused where nobody has joined yet."""
        if self.opening is None or self.record is None:
            raise Refused("nobody has joined this escalation yet")
        return Opened(self.opening, self.record)

    # What workflows say.

    def join(self, join: EscalationJoin, now: datetime) -> None:
        request = join.request
        if self.is_resolved:
            self._join_later(join, now)
            return
        before, were_needed = self.record, self.roster.need_people
        if before is None:
            self._open(join, now)
        else:
            self._raise_for(join, now)
        subscriber = request.subscriber
        if self.roster.join(subscriber, request.replaces, now):
            self._happened(EventKind.JOINED, subscriber.workflow_id, subscriber.subject, now)
        if before is not None and self.record == before and self.roster.need_people and not were_needed:
            why = " waits for an answer" if subscriber.is_waiting else ""
            self._go(machine.needed(before, f"{subscriber.subject}{why}", now))
        self.empty_since = None
        self.version += 1

    def leave(self, message: SubscriberLeft, now: datetime) -> None:
        """Raises Refused for one who never came, or whose place somebody else has taken."""
        if self.later is not None and self.later.roster.knows(message.workflow_id):
            self.later.leave(message, now)
            return
        if not self.roster.knows(message.workflow_id):
            if message.may_be_absent:
                return
            raise Refused(f"{message.workflow_id} is not here")
        if not self.is_open or not self.roster.leave(message):
            return  # it has its answer, or has left before
        note = message.note or ("healed" if message.is_healed else "goes on without an answer")
        self._happened(EventKind.LEFT, message.workflow_id, note, now)
        if not self.roster.here:
            if message.is_healed:
                self._end(HEALED, None, message.note, now)
            else:
                self.empty_since = now

    # What people say. `change` only looks whether it makes sense, and raises Refused; `take` does it.

    def change(self, message: Model, now: datetime) -> Change:
        record = self.opened.record
        self._check_press(getattr(message, "pressed", None))
        by = getattr(message, "by", "")
        if not record.policy.may_answer(by):
            raise Refused(f"by: {unknown_person(by, record.policy.people)}")
        if isinstance(message, Acknowledge):
            return Change(machine.acknowledge(record, message.by, now))
        if isinstance(message, Snooze):
            if record.is_open and not self.roster.waiting:
                raise Refused("nobody waits for an answer, so that nobody else is asked: there is nothing to put off")
            return Change(machine.snooze(record, message.by, timedelta(minutes=message.minutes), now))
        if isinstance(message, Escalate):
            return Change(machine.escalate(record, message.by, message.reason, message.level, now))
        if isinstance(message, Reassign):
            target = target_of(message.to)
            if target is None:
                raise Refused(f'to: {message.to!r} is nobody; write "#channel", "@person" or an id of Slack, or a mail')
            return Change(machine.reassign(record, message.by, target, now))
        if isinstance(message, ChangePolicy):
            return Change(machine.change_policy(record, message.policy, message.by, message.reason, now))
        if isinstance(message, Resolve):
            return self._resolved(record, message, now)
        raise Refused(f"a {type(message).__name__} is not a message of an escalation")

    def take(self, message: Model, now: datetime) -> EscalationAnswer:
        change = self.change(message, now)
        if (pressed := getattr(message, "pressed", None)) is not None:
            self.presses = (*self.presses, pressed.id)[-PRESSES_KEPT:]
        for entry in change.decided_for:
            self._answer(entry, change.decision, change.step.events[-1].actor, getattr(message, "note", ""))
        self._go(change.step)
        if self.is_resolved and self.record is not None:
            self._tell_the_rest(self.record)
        record = self.opened.record
        return EscalationAnswer(state=record.state, level=record.level, next_step=self.next_step)

    # What time, and a target that cannot be reached, lead to.

    def let_time_pass(self, now: datetime) -> None:
        if self.record is None or not self.record.is_open:
            return
        for entry in self.roster.pass_deadlines(now):
            self._happened(EventKind.WENT_ON, entry.subscriber.workflow_id, entry.subscriber.subject, now)
        if not self.roster.waiting:
            if now >= self._ends_at(self.record):
                unmended = [entry.subscriber.subject for entry in to_mend(self.roster.entries)]
                left = f", and nobody has mended {unmended[0]}" if unmended else ""
                more = f" and {len(unmended) - 1} more" if len(unmended) > 1 else ""
                self._end(POLICY, None, f"nobody waits for an answer any more{left}{more}", now)
            return
        step = machine.tick(self.record, now)
        if step.events:
            self._go(step)
            if not step.record.is_open:
                self._tell_the_rest(step.record)

    def nobody_can_be_reached(self, now: datetime) -> None:
        if self.record is not None:
            self._go(machine.unreachable(self.record, now))

    def give_up(self, why: str, now: datetime) -> None:
        """Somebody has cancelled the escalation: those who wait get the policy's decision."""
        if self.record is not None and self.record.is_open:
            self._end(POLICY, self.record.policy.default_decision, why, now)

    def add(self, kind: EventKind, actor: str, message: str, now: datetime) -> None:
        """Something that changes no state: a target out of reach, a subscriber gone, a message refused."""
        self._happened(kind, actor, message, now)

    # How it is done.

    def _check_press(self, pressed: Pressed | None) -> None:
        if pressed is None:
            return
        if pressed.page != self.page:
            raise Refused("the button is of an earlier page, which is over")
        if pressed.id in self.presses:
            raise Refused("this press was taken already")

    def _join_later(self, join: EscalationJoin, now: datetime) -> None:
        """On the next page. One that takes another's place has nothing new to ask, and opens none."""
        replaces = join.request.replaces
        if replaces and not (self.later and self.later.roster.knows(replaces)):
            return
        if self.later is None:
            self.later = Case(EscalationStart(), self.escalation_id)
        self.later.join(join, now)

    def _ends_at(self, record: EscalationRecord) -> datetime:
        """Where nobody waits."""
        return record.since + FOLLOWED_AT_MOST if self.empty_since is None else self.empty_since + GRACE

    def _open(self, join: EscalationJoin, now: datetime) -> None:
        request = join.request
        self.opening = join
        why = "; ".join(part for part in (request.failure.message, request.reason, join.why_level) if part)
        self._go(machine.opened(join.policy, join.level, request.requested_by or POLICY, why, now))

    def _raise_for(self, join: EscalationJoin, now: datetime) -> None:
        """A worse failure of the same cause, or a person's word, asks a higher level."""
        record = self.opened.record
        level = record.policy.known_level(join.level)
        if level is not None:
            request = join.request
            why = request.reason or f"{request.severity.value} for {request.subscriber.subject}"
            self._go(machine.raised(record, level, why, now))

    def _resolved(self, record: EscalationRecord, message: Resolve, now: datetime) -> Change:
        if not record.is_open:
            machine.resolve(record, message.by, message.decision, message.note, now)  # which refuses
        choices = ", ".join(self.roster.choices)
        if message.decision is None:
            if self.roster.waiting:
                raise Refused(f"decision: is missing; those who wait offer {choices}")
            return Change(machine.resolve(record, message.by, None, message.note, now))
        if message.decision not in self.roster.choices:
            others = f"; there are {choices}" if choices else "; without a decision it is closed"
            why = why_not(message.decision, self.roster.entries)
            raise Refused(f"decision: nobody offers {message.decision.value}, since {why}{others}")
        takers = self.roster.that_take(message.decision)
        if len(takers) < len(self.roster.waiting):
            step = machine.decided(record, message.by, message.decision, message.note, now)
        else:
            step = machine.resolve(record, message.by, message.decision, message.note, now)
        return Change(step, takers, message.decision)

    def _end(self, by: str, decision: Decision | None, note: str, now: datetime) -> None:
        self._go(machine.resolve(self.opened.record, by, decision, note, now))
        self._tell_the_rest(self.opened.record)

    def _tell_the_rest(self, record: EscalationRecord) -> None:
        """Those who are still here hear that it is over, and what that means for them."""
        for entry in self.roster.here:
            self._answer(entry, record.decision, record.decided_by, record.note)

    def _answer(self, entry: SubscriberEntry, decision: Decision | None, by: str, note: str) -> None:
        own = own_decision(entry, decision)
        becomes = own.value if own else ""
        if decision is not None and own is not decision:
            instead = f"{decision.value} was decided, which is not on offer here"
            note = f"{note}; {instead}" if note else instead
            becomes = f"{own.value if own else 'goes on as it does'}: {instead}"
        told = EscalationDecided(escalation_id=self.escalation_id, decision=own, by=by, note=note)
        self.answers.append(Answer(entry, told))
        self.roster.note_answered(entry.subscriber.workflow_id, becomes)

    def _go(self, step: Step) -> None:
        self.record = step.record
        self._keep(step.events)

    def _happened(self, kind: EventKind, actor: str, message: str, now: datetime) -> None:
        level = self.record.level if self.record else ""
        self._keep([Event(at=now, kind=kind, actor=actor, level=level, message=message[: machine.LONGEST_MESSAGE])])

    def _keep(self, events: Iterable[Event]) -> None:
        for event in events:
            self.journal.add([event])
            self.version += 1
            if event.kind in NOTED:
                self.notes = (*self.notes, ThreadNote(at=event.at, text=_note(event)))


def _note(event: Event) -> str:
    """`team_lead is told again: no answer`, with who did it where it was a person."""
    by = "" if event.actor == POLICY else f" ({event.actor})"
    what = {
        EventKind.ESCALATED: f"Now asked: {event.level}",
        EventKind.REASSIGNED: "Now asked: somebody else",
        EventKind.DECIDED: "Decided for some; others still wait",
    }.get(event.kind, f"Asked again: {event.level}")
    return f"{what}: {event.message}{by}"
