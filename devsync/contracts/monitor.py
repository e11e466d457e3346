"""Messages of the monitor: what it looks at and finds, what people say to it, what it carries on."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import AwareDatetime, Field, StringConstraints, field_validator

from devsync.contracts.escalation import ThreadNote, ToldTarget
from devsync.contracts.people import Person, Words
from devsync.contracts.policies import Policies
from devsync.domain.audit import AuditEntry
from devsync.domain.escalation.policy import Target
from devsync.domain.health.bands import Health
from devsync.domain.health.book import Alert, AlertBook, AlertPolicy, Mute
from devsync.domain.health.naming import names_a_rule
from devsync.domain.health.rules import Verdict
from devsync.domain.model import Model

ABOUT = (
    "Looks every minute at the records, the breakers and the editions that should be there, and tells people what is "
    "wrong. *Current details* say how healthy the whole is, what fires, and who was told.\n\n"
    "To act on an alert: `python starter.py alerts list`, the commands beside it, or the signals of this workflow "
    "(docs/how-to/act-on-an-alert.md)."
)
"""The static details of the monitor, for people in the Web UI, which breaks lines where the text does."""

LONGEST_MUTE_MINUTES = 30 * 24 * 60

# Activities.


class Look(Model):
    """Input of `local.look`."""

    at: datetime
    """Workflow time: what is counted ends here."""
    called_off: dict[str, str] = {}
    """Weeks whose schedule was seen paused, `payments:2026-W47`, with why."""
    with_advice: bool = False
    """Recommendations as well, which take longer."""


class MonitorSettings(Model):
    """What config/monitoring.yaml says, and how its messages are sent."""

    is_on: bool = True
    is_advised: bool = True
    """Whether recommendations are asked for."""
    interval: timedelta = timedelta(minutes=1)
    channels: tuple[Target, ...] = ()
    policy: AlertPolicy = AlertPolicy()
    policies: Policies = {}
    """How the channels' activities are tried."""
    uncertain_wait: timedelta = timedelta(seconds=20)
    """After a post of unknown outcome the channel is asked no sooner than this."""
    retry_after: Annotated[tuple[timedelta, ...], Field(min_length=1)] = (timedelta(seconds=30), timedelta(minutes=5))
    """The waits between tries to reach a channel; the last one is repeated."""


class Looked(Model):
    """What one look has found."""

    settings: MonitorSettings
    health: Health | None = None
    """None: the monitor is switched off."""
    verdicts: tuple[Verdict, ...] = ()
    called_off: dict[str, str] = {}
    """For the next look."""
    notes: tuple[str, ...] = ()
    """What did not go as it should: a file that is wrong, a heartbeat that nobody took."""


class AlertChange(Model):
    """An alert as it stands from then on."""

    at: datetime
    alert: Alert


class RecordAlerts(Model):
    """Write down alerts and what people did; what is there already stays as it is."""

    changes: tuple[AlertChange, ...] = ()
    """Oldest first."""
    entries: tuple[AuditEntry, ...] = ()
    """What the audit tells of them, and of mutes."""


# What people say.


class AcknowledgeAlert(Model):
    """Somebody has taken it: nobody is reminded for a while."""

    by: Person
    alert: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
    """Its key, as `alerts list` has it: `error_rate:github`. Or the id of one time that it fired, and no other."""


class AcknowledgeAlerts(Model):
    """Somebody has taken several at once, those of them that fire still."""

    by: Person
    alerts: Annotated[tuple[str, ...], Field(min_length=1, max_length=1000)]
    """By the ids of the times that they fired."""


class MuteAlerts(Model):
    """A maintenance window, or a rule or subject that shall be silent."""

    by: Person
    pattern: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    """Of keys, `*` for anything: `*`, `error_rate:*`, `*:github`."""
    minutes: Annotated[int, Field(ge=1, le=LONGEST_MUTE_MINUTES)]
    since: AwareDatetime | None = None
    """When it begins; now without it."""
    reason: Words = ""
    beside: Annotated[str, StringConstraints(max_length=400)] = ""
    """The id of the alert whose button says it: refused where that is over, or muted by name already."""

    @field_validator("pattern")
    @classmethod
    def _may_hold_something(cls, pattern: str) -> str:
        if not names_a_rule(pattern):
            raise ValueError("no alert is called so; write a rule and a subject, like *:github or error_rate:*")
        return pattern


class UnmuteAlerts(Model):
    """Ends all mutes of that pattern."""

    by: Person
    pattern: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class MonitorAnswer(Model):
    """Answer of an update."""

    text: str


# What the workflow is made of.


class AlertStory(Model):
    """One message a channel, about one alert or about many that began together, and what became of them."""

    id: str
    """Of the notice that began it: what the channels know the message by."""
    alerts: tuple[Alert, ...]
    occasion: str
    """The last notice about it: what is worth a mail."""
    notes: tuple[ThreadNote, ...] = ()
    told: tuple[ToldTarget, ...] = ()
    over_at: datetime | None = None
    """When all of its alerts were over, and everybody was to know."""


class MonitorStart(Model):
    """Input of HealthMonitor. Whoever starts it gives nothing; the rest is carried by continue-as-new."""

    book: AlertBook = AlertBook()
    stories: tuple[AlertStory, ...] = ()
    last: Looked | None = None
    looked_at: datetime | None = None
    advised_at: datetime | None = None
    owed: RecordAlerts = RecordAlerts()
    """What is not in the database yet."""
    lost: int = 0
    """Changes that no record will tell of."""
    refused: tuple[str, ...] = ()
    refused_count: int = 0


class MonitorView(Model):
    """Answer of the query `state`."""

    health: Health | None = None
    """By the last look; None before the first one, and while the monitor is switched off."""
    looked_at: datetime | None = None
    is_on: bool = True
    alerts: tuple[Alert, ...] = ()
    """The worst first; then those that are over while their cool-down lasts."""
    mutes: tuple[Mute, ...] = ()
    told: tuple[ToldTarget, ...] = ()
    """Channels that could not be reached, with why."""
    reach: dict[str, str] = {}
    """By the id of an alert that a message is about: how many channels have it, `1 of 2 reached`."""
    notes: tuple[str, ...] = ()
    unrecorded: int = 0
    """Changes that are not in the database yet."""
    lost: int = 0
    refused: tuple[str, ...] = ()
    """The last messages that could not be taken, with why."""
    refused_count: int = 0

    @property
    def open_ones(self) -> tuple[Alert, ...]:
        """What is wrong now, the worst first; also what somebody looks after."""
        return tuple(alert for alert in self.alerts if alert.is_open)
