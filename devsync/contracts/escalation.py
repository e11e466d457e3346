"""Messages of escalation: who joins, who is asked, what they decide."""

from datetime import datetime

from devsync.domain.errors import ErrorSeverity, Failure
from devsync.domain.model import Model
from devsync.domain.recovery.decision import Decision


class Subscriber(Model):
    """A workflow that waits for the decision, or only follows the cause."""

    workflow_id: str
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
    replaces: str = ""
    """The workflow whose place the subscriber takes: an Amendment follows its edition."""


class EscalationJoined(Model):
    escalation_id: str
    """Empty: the policy tells nobody about that severity; it is on record."""


class EscalationDecided(Model):
    """Argument of the signal `decided` that an escalation sends each subscriber."""

    escalation_id: str
    decision: Decision | None = None
    """None: it ended without one (the cause has healed)."""
    by: str
    """A person, `policy` or `healed`."""
    note: str = ""


class SubscriberLeft(Model):
    """Argument of the signal `left` that a subscriber sends: it needs no answer any more."""

    workflow_id: str
    is_healed: bool
    """True: its cause is over. When no subscriber is left and the last cause is healed, the escalation resolves."""
    note: str = ""
