"""Messages of delivery: one workflow a team, week and channel is the only writer to that channel."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal
from urllib.parse import urlsplit

from pydantic import AwareDatetime, Field

from devsync.contracts import names
from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.policies import Policies
from devsync.domain.errors import Failure
from devsync.domain.model import Model

AfterFallback = Literal["post_late", "drop"]
"""What becomes of a channel's own delivery once another one has stood in: it still posts when the channel heals, or
it is dropped."""


class PartState(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    UNCERTAIN = "uncertain"
    """A post was sent and its outcome is not known, or not yet. It is asked for, never simply posted again."""
    FAILED = "failed"


class DeliveryState(StrEnum):
    PENDING = "pending"
    DELIVERED = "delivered"
    KEPT = "kept"
    """A more complete revision stands in the channel: this one was not put over it."""
    UNCERTAIN = "uncertain"
    QUEUED = "queued"
    """Not there at the deadline; the delivery goes on by itself."""
    FAILED = "failed"
    """The channel refused for good (no such channel, no permission), or a person cancelled the delivery."""
    DEAD = "dead"
    """The retry schedule ended. It can be replayed."""


IS_THERE = frozenset({DeliveryState.DELIVERED, DeliveryState.KEPT})
"""The channel has the edition: this revision, or a more complete one."""

ENDED_BADLY = frozenset({DeliveryState.FAILED, DeliveryState.DEAD, DeliveryState.UNCERTAIN})
"""It is not there, or nobody knows, and it is not tried any more."""


class ChannelPlan(Model):
    """One channel of a team. `key` names it in ids and rows: `slack-payments`."""

    key: str
    kind: str
    target: str
    """`#payments` for Slack, the recipients of mail, the address of a webhook."""
    only_as_fallback: bool = False
    recipients: tuple[str, ...] = ()
    """Of mail: who gets it, each of them a part of the delivery."""
    secret_env: str = ""
    """Of a webhook: the variable that holds its signing secrets."""
    alternatives: tuple[str, ...] = ()
    """Slack channels that may stand in for it, in order."""
    after_fallback: AfterFallback = "post_late"

    @property
    def told(self) -> str:
        """As people are told of it: of an address, which may be a secret, the host alone."""
        host = urlsplit(self.target).hostname if self.kind == names.WEBHOOK else None
        return f"the webhook at {host}" if host else self.target


class DeliverySchedule(Model):
    """How long a delivery keeps trying, resolved from config/delivery.yaml at planning."""

    retry_after: tuple[timedelta, ...]
    """Waits between rounds; when they are used up the delivery is dead."""
    uncertain_wait: timedelta
    """How long after a send of unknown outcome the channel may be asked: at least twice the client's time-out."""
    record_time: timedelta = timedelta(seconds=10)
    """How long a record between two rounds is tried; the last one of a delivery has the time of its policy."""


MOST_TRIES, LONGEST_WAIT, STEEPEST_FACTOR = 100, timedelta(hours=1), 10.0
"""Of one row of tries."""


class TryNow(Model):
    """Argument of the signal `try_now`: the next try is made at once, and where it fails others after it. They use up
    no step of the schedule, and the row ends when something is known for good."""

    reply_to: str | None = None
    """Workflow id that is told what comes of it as well, as the request's own is: once, when the row is over (used up,
    past `until`, ended by what is known for good), and before that only of a post that may have arrived. Who puts the
    delivery off hears nothing more of its row."""
    attempts: int = Field(default=1, ge=1, le=MOST_TRIES)
    """The first one included."""
    wait: timedelta = Field(default=timedelta(0), ge=timedelta(0), le=LONGEST_WAIT)
    """From the end of the first try to the next one."""
    factor: float = Field(default=1.0, ge=1, le=STEEPEST_FACTOR)
    """By which each wait is longer than the one before."""
    until: AwareDatetime | None = None
    """No further try begins after it."""


class DeliveryRequest(Model):
    """Bring this revision to the channel. Also the argument of the signal `revise`."""

    team: str
    iso_week: str
    channel: ChannelPlan
    revision: int
    rendering: ArtifactRef
    """Slack: a `SlackRendering` as JSON. Mail: the plain text. Webhook: the data of its event."""
    renderings: dict[str, ArtifactRef] = {}
    """What the kind needs beside it, by format: `html` of mail."""
    part_digests: tuple[str, ...]
    """sha256 of each part's content, so that an unchanged part is not sent again. Parts are the messages of Slack, the
    recipients of mail (all with the same digest), the one request of a webhook."""
    stands_in_for: str = ""
    """The channel that this one stands in for, as people are told of it; its message says so."""
    completeness: float = 1.0
    """Of the revision: sources collected live ÷ sources asked for."""
    missing: tuple[str, ...] = ()
    """The units that it lacks: `github:acme/ledger`."""
    replace: bool = False
    """Put it also over a revision that is more complete."""
    policies: Policies
    schedule: DeliverySchedule
    reply_to: str | None = None
    """Workflow id that is told each outcome by the signal `delivery_reported`, and after each try that settled nothing
    how it stands: state `pending`, with the `setback`."""
    also_tell: str | None = None
    """The recovery that begins it, which is told likewise."""
    asks_for: TryNow | None = None
    """The tries that the recovery wants which begins it: this one, and more in a row."""
    gives_up_at: AwareDatetime | None = None
    """Set: it stands in for another channel, and is of use until then. No try is made later, and the end alone is told.
    """
    unless_stopped: bool = False
    """Nothing is sent where somebody has stopped the delivery of this revision: of a recovery, which knows only that it
    has ended."""
    heeds_stops: bool = False
    """Nothing is sent where somebody has stopped the delivery of any revision: of an amendment, for which nobody asks.
    """
    is_looked_after: bool = False
    """Its asker also recovers what goes wrong, and asks people about it, until it says `go_on_alone`."""
    escalation: str = "default"
    """The policy by which people are told where it ends badly and nobody looks after it. Empty: they are not."""
    owner_run_id: str = ""
    """`original_execution_run_id` of the edition's or amendment's run that asks for it; empty: a person does."""
    is_replay: bool = False
    """A person asks for it: a webhook is sent also to an address that its receiver had switched off."""


class Listen(Model):
    """Argument of the signal `listen`: tell me as well. What is settled by then is told at once."""

    reply_to: str
    at_once: bool = False
    """Tell me now how it stands, settled or not: how many tries were made for me, the one under way included."""


class PutOff(Model):
    """Argument of the signal `put_off`: no try before that instant.

    A newer revision, a breaker that lets calls through again and `try_now` end it early.
    """

    until: AwareDatetime
    by: str | None = None
    """Workflow id of who says so. The tries that it has asked for are not made any more; those of others are. None:
    all that was asked for is made."""


class Drop(Model):
    """Argument of the signal `drop`: what is not in the channel by now is not brought there any more."""

    because: str
    """`#payments-backup stands in for it`."""


class PartRecord(Model):
    """What is known of one part: the first is the channel message, the others its thread."""

    index: int
    """0 is the channel message; of mail, the recipient's place in the list."""
    target: str = ""
    """Of mail: the recipient."""
    state: PartState = PartState.PENDING
    digest: str = ""
    """Content that stands there now (or that was sent, while uncertain); empty where that is not known."""
    revision: int = 0
    message_id: str = ""
    """Slack's `ts`, the mail's Message-ID, the webhook's id."""
    attempts: int = 0
    """Sends so far."""
    sent_at: datetime | None = None
    """When an uncertain send was started."""
    last_error: str = ""


class StandingRevision(Model):
    """A revision of which every part stands in the channel, unchanged."""

    revision: int
    completeness: float


class DeliveryOutcome(Model):
    """Argument of the signal `delivery_reported`, result of the workflow, and what a later run starts from."""

    team: str
    iso_week: str
    channel: str
    """The key of the channel, as ids have it: `slack-payments`."""
    kind: str
    revision: int
    """The newest revision that was brought or tried."""
    state: DeliveryState
    channel_id: str = ""
    """The service's own id of the channel, where it has one."""
    parts: tuple[PartRecord, ...] = ()
    """The channel message, then its thread."""
    standing: StandingRevision | None = None
    """None: nothing stands there, or not a whole revision."""
    reason: str = ""
    """Why it is not delivered, or what is not as it should be although it is."""
    api_calls: int = 0
    """Calls to the service for this revision, by this run: posts whatever came of them, and answered look-ups."""
    setback: Failure | None = None
    """Why the last try did not bring it there; None also where a post was looked for and had not arrived."""
    tries: int = 0
    """Of a report to who asked for tries: how many were made for it, the one under way included."""
    tries_go_on: bool = False
    """What came of them is told later: this is how it stands in the middle of one."""
    has_told_people: bool = False
    """Of a report to its edition: it has ended badly, and people know so, in the places of its recoveries, which are
    over."""
    was_stopped: bool = False
    """Somebody cancelled it, or something else stands in for good: nobody brings it there by another way."""
    has_recalled: bool = True
    """False: `parts` does not hold yet what earlier runs left there, and nothing was sent."""
    refused_messages: tuple[str, ...] = ()
    """The last messages that the run could not take, with why."""

    @property
    def message_id(self) -> str:
        return self.parts[0].message_id if self.parts else ""


class SendPart(Model):
    """Post one part, or update the message that already stands there."""

    team: str
    key: str
    """`team/week/channel/part`: goes into the message's metadata, so that it can be found again."""
    target: str
    rendering: ArtifactRef
    index: int
    thread_ts: str = ""
    message_ts: str = ""
    """Set: update this message in place."""
    stands_in_for: str = ""
    """The channel for which this one stands in; the channel message says so."""


class FindPart(Model):
    """Ask the channel whether a part is there."""

    key: str
    target: str
    thread_ts: str = ""
    sent_after: datetime


class RemovePart(Model):
    """Take away a thread part that the newer, shorter revision no longer has."""

    target: str
    message_ts: str


class PartSent(Model):
    channel_id: str
    message_ts: str


class PartFound(Model):
    """`message_ts` is empty when the channel answered and the part is not there."""

    channel_id: str = ""
    message_ts: str = ""
    api_calls: int = 1


class SendMail(Model):
    """Bring one revision to those recipients that do not have it yet, in one SMTP transaction.

    Made of the same values at each try, the mail is the same to the byte, its Message-ID above all.
    """

    team: str
    iso_week: str
    channel: str
    """The key of the channel: it stands in the Message-ID."""
    revision: int
    recipients: tuple[str, ...]
    """Everybody whom the mail names as its readers."""
    to: tuple[str, ...]
    """Those of them who get it now."""
    text: ArtifactRef
    html: ArtifactRef | None = None
    """None: it was too large to carry while the store was away."""
    dated: datetime
    """When the revision was first tried: the Date of the mail at every try."""
    stands_in_for: str = ""


class MailSent(Model):
    """`refused` names those who did not get it, with why; all others did."""

    message_id: str
    refused: dict[str, Failure] = {}


class SendWebhook(Model):
    """Send one revision to a program, signed. Its id is the same at each try."""

    team: str
    iso_week: str
    channel: str
    """The key of the channel: it stands in the id."""
    url: str
    secret_env: str
    revision: int
    rendering: ArtifactRef
    """The data of the event."""
    dated: datetime
    """When the revision was first tried: the time of the event at every try."""
    stands_in_for: str = ""


class WebhookSent(Model):
    message_id: str


class RecallDelivery(Model):
    """Ask for what earlier runs of the same delivery left behind."""

    team: str
    iso_week: str
    channel: str
    current_run_id: str
    """The run that asks; earlier ones are meant."""
    address: str = ""
    """Of a webhook."""


class Recalled(Model):
    """None: no earlier run left anything."""

    outcome: DeliveryOutcome | None = None
    unknown_since: datetime | None = None
    """Set: a run that began then cannot tell what it sent, so that any part may be there."""
    switched_off_at: datetime | None = None
    """Set: the receiver has switched the address off then (410), and taken nothing there since, of any week."""


class RecordDelivery(Model):
    outcome: DeliveryOutcome
    recorded_at: datetime
    address: str = ""
    """Of a webhook."""
    switched_off_at: datetime | None = None
    """Set: when its receiver has switched the address off."""
