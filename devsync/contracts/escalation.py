"""Messages of escalation: who joins, who is asked, what they decide."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from devsync.contracts import names
from devsync.contracts.notifications import NoticeLink
from devsync.contracts.people import Person, Pressed, Words
from devsync.contracts.policies import Policies
from devsync.domain.errors import ErrorSeverity, Failure
from devsync.domain.escalation.journal import JournalRecord
from devsync.domain.escalation.machine import EscalationRecord, Event, State
from devsync.domain.escalation.policy import EscalationPolicy, Target
from devsync.domain.model import Model
from devsync.domain.recovery.decision import Decision

ABOUT = (
    "A person is asked here what to do about a failure that machines could not recover. *Current details* say who was "
    "told, who waits for the answer, and what happens next.\n\n"
    "To answer: `python starter.py escalation list`, the commands beside it, or the signals of this workflow "
    "(docs/how-to/answer-an-escalation.md)."
)
"""The static details of an escalation, for people in the Web UI, which breaks lines where the text does."""


class Subscriber(Model):
    """A workflow that waits for the decision, or only follows the cause."""

    workflow_id: str
    run_id: str = ""
    """Of the run that waits, so that no later one gets its answer; the activity fills in its own workflow's. Empty:
    whichever runs."""
    team: str = ""
    iso_week: str = ""
    subject: str
    """What failed for it, in one line: `payments 2026-W47: 2 of 3 repositories`."""
    deadline: datetime | None = None
    """When it goes on without an answer; None: it only wants to know."""
    choices: tuple[Decision, ...] = ()
    """What it can do with an answer."""
    is_waiting: bool = True
    """False: it has gone on with what stands in, and hears of the end only."""
    remedy: str = ""
    """What people can do about it where no answer helps: a command, in words. It stands on the page."""


class JoinEscalation(Model):
    """Input of the activity `local.join_escalation`: joins the open escalation of that cause, or starts it."""

    service: str = ""
    """The service whose failure many share; empty: the escalation is of this one workflow."""
    failure: Failure
    severity: ErrorSeverity
    policy: str = "default"
    level: str | None = None
    """Where a person says where to begin; None: by severity and recurrence."""
    reason: str = ""
    """A person's, of a manual escalation."""
    requested_by: str = ""
    subscriber: Subscriber
    about: str = ""
    """The workflow that it is about, where that is not the subscriber: a recovery asks about a channel's Delivery,
    which may ask by itself later, on the same page."""
    replaces: str = ""
    """The workflow whose place the subscriber takes, where there is a page still: an Amendment follows its edition."""
    program: str = ""
    """Of a recovery that another program asked for: its name and the service, since all such failures of a program
    have one escalation."""

    @property
    def escalation_id(self) -> str:
        """The escalation of that cause. Who takes another's place stays in its."""
        if self.service:
            return names.service_escalation_id(self.service)
        ours = self.about or self.replaces or self.program or self.subscriber.workflow_id
        return names.own_escalation_id(ours)


class EscalationJoined(Model):
    escalation_id: str
    """Empty: the policy tells nobody about that severity; it is on record."""
    level: str = ""
    """Where it begins, or would have begun."""
    people: tuple[str, ...] = ()
    """Who may answer, also to the workflow itself; empty: whoever gives a name."""


class EscalationDecided(Model):
    """Argument of the signal `decided` that an escalation sends each subscriber."""

    escalation_id: str
    decision: Decision | None = None
    """None: it ended without one (the cause has healed)."""
    by: str
    """A person, `policy` or `healed`."""
    note: str = ""


class HeldPlace(Model):
    """Somebody's place in an escalation, for another to take."""

    escalation_id: str
    workflow_id: str
    """Who has it."""


class GoOnAlone(Model):
    """Argument of the signal `go_on_alone` that an edition sends a Delivery that outlives it: from now on nobody else
    looks after the channel, and asks people about it."""

    places: tuple[HeldPlace, ...] = ()
    """Of the edition's recoveries of the channel."""


class PlacesKept(Model):
    """Argument of the signal `places_kept` that a recovery sends the Delivery of its channel, when it is over and the
    channel lacks the edition still: who looks after the channel takes them, its edition, or the Delivery where that one
    is gone."""

    places: tuple[HeldPlace, ...]


class SubscriberLeft(Model):
    """Argument of the signal `left` that a subscriber sends: it needs no answer any more."""

    workflow_id: str
    is_healed: bool
    """True: its cause is over. When no subscriber is left and the last cause is healed, the escalation resolves."""
    note: str = ""
    may_be_absent: bool = False
    """It does not know whether it ever came, so that nothing is wrong where it did not."""


# What people say to a running escalation alone: arguments of signals, and of updates of the same names.


class Acknowledge(Model):
    """Somebody has taken it: nobody else is asked for a while."""

    by: Person
    pressed: Pressed | None = None


class Snooze(Model):
    """Nobody is asked for a while."""

    by: Person
    minutes: Annotated[int, Field(ge=1, le=7 * 24 * 60)]
    pressed: Pressed | None = None


class Reassign(Model):
    """Somebody else is asked."""

    by: Person
    to: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    """A Slack channel, person or id, or a mail address."""


class ChangePolicy(Model):
    """Other rules for a running escalation."""

    by: Person
    reason: Words = ""
    policy: EscalationPolicy


# What the workflow is made of.


class SubscriberState(StrEnum):
    WAITING = "waiting"
    """For the decision."""
    FOLLOWING = "following"
    """It has gone on, and wants to hear how it ends."""
    ANSWERED = "answered"
    LEFT = "left"
    GONE = "gone"
    """It had ended when it was to be told."""


class SubscriberEntry(Model):
    """One subscriber, and what became of it."""

    subscriber: Subscriber
    state: SubscriberState
    joined_at: datetime
    note: str = ""

    @property
    def is_here(self) -> bool:
        """Whether it waits for the decision, or follows it: it wants to hear how it ends."""
        return self.state in {SubscriberState.WAITING, SubscriberState.FOLLOWING}


class ToldState(StrEnum):
    PENDING = "pending"
    """Is being told, or will be tried again."""
    TOLD = "told"
    UNCERTAIN = "uncertain"
    """Sent, and nobody knows whether it arrived."""
    UNREACHED = "unreached"
    """For good: what was wrong does not pass."""


class ToldTarget(Model):
    """Somebody who is told, and what stands there."""

    target: Target
    level: str
    """At which they were first asked."""
    state: ToldState = ToldState.PENDING
    channel_id: str = ""
    message_id: str = ""
    revision: int = 0
    """How often they were told, or would have been."""
    digest: str = ""
    """Of the notice that they have; of a mail and a webhook, the occasion of the last one."""
    sent_at: datetime | None = None
    """Start of a send whose outcome is not known."""
    notes_done: int = 0
    """Notes for the thread that they have, or need not have."""
    failures: int = 0
    """In a row."""
    error: str = ""
    """Of the last try; empty once one succeeded."""
    told_at: datetime | None = None
    """When they heard of it first."""

    @property
    def is_reached(self) -> bool:
        """Whatever has become of later changes of the message."""
        return self.told_at is not None or self.state is ToldState.TOLD


class EscalationJoin(Model):
    """Argument of the signal `join`, sent by the activity that resolved the policy."""

    request: JoinEscalation
    policy: EscalationPolicy
    level: str
    why_level: str = ""
    """What beside the severity decided so."""
    policies: Policies = {}
    """How the activities of the escalation are tried."""
    uncertain_wait: timedelta = timedelta(seconds=20)
    """After a post of unknown outcome the channel is asked no sooner than this."""
    retry_after: Annotated[tuple[timedelta, ...], Field(min_length=1)] = (timedelta(seconds=30), timedelta(minutes=5))
    """The waits between tries to reach somebody; the last one is repeated while the escalation is open."""
    links: tuple[NoticeLink, ...] = ()
    """Where people read more: its page on the dashboard, the runbook."""


class ThreadNote(Model):
    """A line below the message: what has changed since it was posted."""

    at: datetime
    text: str


class EscalationStart(Model):
    """Input of Escalation. Whoever starts one gives nothing; the rest is carried by continue-as-new."""

    page: str = ""
    """The id of the run in which it was opened: with the workflow id the key of its records."""
    opening: EscalationJoin | None = None
    """Why there is an escalation: the first who joined."""
    record: EscalationRecord | None = None
    subscribers: tuple[SubscriberEntry, ...] = ()
    told: tuple[ToldTarget, ...] = ()
    notes: tuple[ThreadNote, ...] = ()
    journal: JournalRecord = JournalRecord()
    refused: tuple[str, ...] = ()
    refused_count: int = 0
    empty_since: datetime | None = None
    """When the last subscriber left without being healed."""
    presses: tuple[str, ...] = ()
    """The last ones that were taken, by their ids."""
    owed: tuple["RecordEscalation", ...] = ()
    """What is not in the database yet of pages that are over."""


class EscalationView(Model):
    """Answer of the query `state`."""

    escalation_id: str
    page: str = ""
    service: str = ""
    """Empty: it is of one workflow."""
    title: str = ""
    failure: Failure | None = None
    severity: ErrorSeverity | None = None
    reason: str = ""
    """A person's, of a manual escalation."""
    requested_by: str = ""
    record: EscalationRecord | None = None
    """None: nobody has joined yet."""
    next_step: str = ""
    choices: tuple[Decision, ...] = ()
    """What those who wait offer; where nobody waits, what those who follow do. None has no effect."""
    not_offered: str = ""
    """Why the other decisions are not there, as a sentence without its end; empty where all are."""
    is_waited_for: bool = False
    """Somebody goes on only with the answer, or at their deadline."""
    subscribers: tuple[SubscriberEntry, ...] = ()
    told: tuple[ToldTarget, ...] = ()
    events: tuple[Event, ...] = ()
    """The last ones, oldest first."""
    refused: tuple[str, ...] = ()
    """The last messages that could not be taken, with why."""
    refused_count: int = 0
    unrecorded: int = 0
    """Events that are not in the database yet."""


class EscalationAnswer(Model):
    """Answer of an update: where the escalation stands after it."""

    state: State
    level: str
    next_step: str = ""


class RecordEscalation(Model):
    """Write down where an escalation stands and what happened to it; what is there already stays as it is."""

    workflow_id: str
    page: str
    team: str = ""
    """Empty: it is of many."""
    service: str
    failure: Failure
    severity: ErrorSeverity
    reason: str = ""
    requested_by: str = ""
    record: EscalationRecord
    subscribers: tuple[SubscriberEntry, ...] = ()
    told: tuple[ToldTarget, ...] = ()
    first_number: int
    """Of the first of these events; the others follow."""
    events: tuple[Event, ...]
