"""What one Delivery knows and has found out; issues no command."""

from datetime import datetime

from temporalio import workflow

from devsync.contracts.delivery import (
    IS_THERE,
    DeliveryOutcome,
    DeliveryRequest,
    DeliveryState,
    PartRecord,
    StandingRevision,
)
from devsync.domain.errors import Failure
from workflows.delivery.parts import ChannelParts
from workflows.delivery.story import delivery_story, why_it_is_kept
from workflows.shared.signals import with_refusal


class DeliveryWork:
    """The revision that is being brought to a channel, its parts there, and how it stands."""

    def __init__(self, request: DeliveryRequest) -> None:
        self.newest = request
        """Of what was asked for; it is taken up before the next try."""
        self.request = request
        self.parts = ChannelParts()
        self.has_recalled = False
        self.was_stopped = False
        self.state = DeliveryState.PENDING
        self.reason = ""
        self.setback: Failure | None = None
        """Why the last try settled nothing."""
        self.switched_off_at: datetime | None = None
        """Of a webhook's address: when its receiver wanted no more."""
        self.api_calls = 0
        self.dated: datetime | None = None
        """When the revision was first tried."""
        self.refused: tuple[str, ...] = ()
        """Messages that could not be taken."""

    @property
    def is_superseded(self) -> bool:
        return self.newest is not self.request

    @property
    def target(self) -> str:
        return self.parts.channel_id or self.request.channel.target

    @property
    def tells_only_its_end(self) -> bool:
        """The recovery that has it stand in goes on to the next one when it has failed: its setbacks are of no use."""
        return self.state is DeliveryState.PENDING and self.request.gives_up_at is not None

    def is_too_late(self, due_at: datetime) -> bool:
        return self.request.gives_up_at is not None and due_at >= self.request.gives_up_at

    def take_up_the_newest(self, now: datetime) -> None:
        if self.dated is None or self.newest.revision != self.request.revision:
            self.dated = now
        self.request = self.newest
        self.parts.be_of(self.request.channel.recipients)
        self.api_calls = 0
        self.was_stopped = False
        self.setback = None
        self.enter(DeliveryState.PENDING)

    def enter(self, state: DeliveryState, reason: str = "") -> None:
        self.state = state
        self.reason = reason
        self.tell()

    def enter_delivered(self, *notes: str) -> None:
        self.parts.standing = StandingRevision(revision=self.request.revision, completeness=self.request.completeness)
        self.enter(DeliveryState.DELIVERED, "; ".join(notes))

    def stop(self, why: str) -> None:
        """Nothing more is sent: somebody wants it so."""
        self.was_stopped = True
        self.enter(DeliveryState.FAILED, why)

    def set_back(self, failure: Failure) -> None:
        self.setback, self.reason = failure, failure.message

    def send_failed(self, before: PartRecord, standing: StandingRevision | None, failure: Failure) -> bool:
        """Keeps what is known of a part after a send that failed. True where it was refused for good."""
        self.set_back(failure)
        if failure.may_have_taken_effect:
            self.parts.may_have_been_sent(before.index, failure)
            return False
        self.parts.was_not_sent(before, standing, failure)
        return not may_help_later(failure)

    def must_be_kept(self) -> bool:
        """Keeps what stands in the channel where it is more complete, and nobody asked to replace it all the same. True
        where it is kept."""
        standing = self.parts.standing
        if standing is None or self.request.replace or self.request.completeness >= standing.completeness:
            return False
        self.enter(DeliveryState.KEPT, why_it_is_kept(self.request, standing))
        return True

    def refuse_message(self, what: str, now: datetime) -> None:
        self.refused = with_refusal(self.refused, what, now)
        self.tell()

    def tell(self, waiting_for: str = "") -> None:
        """In the run's current details."""
        workflow.set_current_details(delivery_story(self.request, self.outcome(), waiting_for))

    def outcome(self) -> DeliveryOutcome:
        return DeliveryOutcome(
            team=self.newest.team,
            iso_week=self.newest.iso_week,
            channel=self.newest.channel.key,
            kind=self.newest.channel.kind,
            revision=self.request.revision,
            state=self.state,
            channel_id=self.parts.channel_id,
            parts=self.parts.all(),
            standing=self.parts.standing,
            reason=self.reason,
            api_calls=self.api_calls,
            setback=None if self.state in IS_THERE else self.setback,
            was_stopped=self.was_stopped,
            has_recalled=self.has_recalled,
            refused_messages=self.refused,
        )


def may_help_later(failure: Failure) -> bool:
    """Whether another try may fare better."""
    return failure.is_retryable or failure.retry_at is not None
