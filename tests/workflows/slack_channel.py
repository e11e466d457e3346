"""A Slack channel that does what each test says, and a Delivery that writes to it under skipped time.

The real protocol is tested end to end elsewhere.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from temporalio import activity, workflow
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from devsync.contracts import activities as contracts
from devsync.contracts import names
from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.delivery import (
    ChannelPlan,
    DeliveryOutcome,
    DeliveryRequest,
    DeliverySchedule,
    DeliveryState,
    FindPart,
    PartFound,
    PartRecord,
    PartSent,
    PartState,
    RecallDelivery,
    Recalled,
    RecordDelivery,
    RemovePart,
    SendPart,
)
from devsync.contracts.edition import Recorded
from devsync.contracts.escalation import EscalationJoined, JoinEscalation
from devsync.contracts.policies import OperationPolicy, RetryDeclaration
from devsync.domain.errors import ErrorCategory, Failure
from devsync.runtime.activity_errors import to_application_error
from workflows.delivery.delivery import Delivery

SECOND = timedelta(seconds=1)
KEY = "payments/2026-W47/slack-payments"
UNCERTAIN_WAIT = 20 * SECOND
RETRY_AFTER = (5 * SECOND, timedelta(minutes=10), timedelta(hours=3))

REFUSED_FOR_NOW = Failure(category=ErrorCategory.NETWORK, message="slack cannot be reached", is_retryable=True)
NO_ANSWER = Failure(
    category=ErrorCategory.NETWORK,
    message="slack did not answer in time",
    is_retryable=True,
    may_have_taken_effect=True,
)
NO_SCOPE = Failure(category=ErrorCategory.AUTHENTICATION, message="missing_scope channels:history", is_retryable=False)
DATABASE_AWAY = Failure(category=ErrorCategory.DATABASE, message="PostgreSQL does not answer", is_retryable=True)


def refusal(code: str) -> Failure:
    """What Slack refuses for good."""
    return Failure(category=ErrorCategory.DISTRIBUTION, message=f"slack answered {code}", is_retryable=False, code=code)


T = TypeVar("T")


def _nth(planned: Sequence[T], number: int) -> T | None:
    return planned[number] if number < len(planned) else None


@dataclass
class Channel:
    """What stands in a Slack channel, and how the next calls go wrong."""

    messages: dict[str, tuple[str, int]] = field(default_factory=dict)
    """(key, revision) by ts. Who takes one out has deleted it."""
    send_failures: Sequence[tuple[Failure | None, bool]] = ()
    """(failure, was it posted all the same) for the first sends; None is an ordinary one."""
    send_holds: Mapping[int, asyncio.Event] = field(default_factory=dict)
    """Sends that take until then, by their number from 0."""
    find_failures: Sequence[Failure] = ()
    remove_failures: Sequence[Failure] = ()
    sends: list[SendPart] = field(default_factory=list)
    finds: list[datetime] = field(default_factory=list)
    removals: list[str] = field(default_factory=list)
    send_times: list[datetime] = field(default_factory=list)
    recalled: Recalled | Failure = field(default_factory=Recalled)
    records: list[RecordDelivery] = field(default_factory=list)
    is_database_away: bool = False
    was_recorded: asyncio.Event = field(default_factory=asyncio.Event)
    """Or was tried to be."""
    was_tried: asyncio.Event = field(default_factory=asyncio.Event)
    joins: list[JoinEscalation] = field(default_factory=list)
    """Whom the delivery told, or asked."""
    was_joined: asyncio.Event = field(default_factory=asyncio.Event)
    joining: asyncio.Event | None = None
    """Joining an escalation takes until then."""
    join_fails: Failure | None = None
    closed_pages: Collection[str] = ()
    """Escalations that are over: nobody's place can be taken there."""

    @activity.defn(name=contracts.SEND_SLACK_PART.name)
    async def send(self, message: SendPart) -> PartSent:
        number = len(self.sends)
        failure, is_posted = _nth(self.send_failures, number) or (None, True)
        self.sends.append(message)
        self.send_times.append(activity.info().scheduled_time)
        if number in self.send_holds:
            self.was_tried.set()
            await self.send_holds[number].wait()
        if failure is None and message.message_ts and message.message_ts not in self.messages:
            failure, is_posted = refusal("message_not_found"), False
        ts = message.message_ts or f"{number + 1}.0"
        if is_posted:
            # A reply to a message that is gone becomes one of the channel's own, as Slack does it.
            is_threaded = not message.thread_ts or message.thread_ts in self.messages
            self.messages[ts] = (message.key if is_threaded else f"{message.key} outside", message.rendering.size)
        self.was_tried.set()
        if failure is not None:
            raise to_application_error(failure, None)
        return PartSent(channel_id="C1", message_ts=ts)

    @activity.defn(name=contracts.FIND_SLACK_PART.name)
    async def find(self, message: FindPart) -> PartFound:
        failure = _nth(self.find_failures, len(self.finds))
        self.finds.append(activity.info().scheduled_time)
        if failure is not None:
            raise to_application_error(failure, None)
        found = [ts for ts, (key, _) in self.messages.items() if key == message.key]
        return PartFound(channel_id="C1", message_ts=found[0] if found else "")

    @activity.defn(name=contracts.REMOVE_SLACK_PART.name)
    async def remove(self, message: RemovePart) -> Recorded:
        failure = _nth(self.remove_failures, len(self.removals))
        self.removals.append(message.message_ts)
        if failure is not None:
            raise to_application_error(failure, None)
        self.messages.pop(message.message_ts, None)
        return Recorded()

    @activity.defn(name=contracts.RECALL_DELIVERY.name)
    async def recall(self, _message: RecallDelivery) -> Recalled:
        if isinstance(self.recalled, Failure):
            raise to_application_error(self.recalled, None)
        return self.recalled

    @activity.defn(name=contracts.RECORD_DELIVERY.name)
    async def record(self, message: RecordDelivery) -> Recorded:
        self.was_recorded.set()
        if self.is_database_away:
            raise to_application_error(DATABASE_AWAY, 30 * SECOND)
        self.records.append(message)
        return Recorded()

    @activity.defn(name=contracts.JOIN_ESCALATION.name)
    async def join(self, message: JoinEscalation) -> EscalationJoined:
        self.joins.append(message)
        self.was_joined.set()
        if self.joining is not None:
            await self.joining.wait()
        if self.join_fails is not None:
            raise to_application_error(self.join_fails, None)
        is_over = message.replaces and message.escalation_id in self.closed_pages
        return EscalationJoined(escalation_id="" if is_over else message.escalation_id)

    @property
    def keys(self) -> list[str]:
        """One that occurs twice was posted twice."""
        return sorted(key.removeprefix(f"{KEY}/") for key, _ in self.messages.values())

    @property
    def waits(self) -> list[timedelta]:
        """From each try to the next."""
        return [later - earlier for earlier, later in zip(self.send_times, self.send_times[1:], strict=False)]


def standing(channel: Channel, *digests: str, **changes: object) -> Recalled:
    """Puts parts of revision 1 into the channel; gives what an earlier run knows of them."""
    for n in range(len(digests)):
        channel.messages[f"0.{n}"] = (f"{KEY}/{n}", 1)
    parts = tuple(
        PartRecord(index=n, state=PartState.DELIVERED, digest=digest, revision=1, message_id=f"0.{n}")
        for n, digest in enumerate(digests)
    )
    values: dict[str, object] = {
        "team": "payments", "iso_week": "2026-W47", "channel": "slack-payments", "kind": "slack", "revision": 1,
        "state": DeliveryState.DELIVERED, "channel_id": "C1", "parts": parts,
    }  # fmt: skip
    return Recalled(outcome=DeliveryOutcome.model_validate(values | changes))


def request(revision: int = 1, parts: tuple[str, ...] = ("a", "b"), **changes: object) -> DeliveryRequest:
    values: dict[str, object] = {
        "team": "payments",
        "iso_week": "2026-W47",
        "channel": ChannelPlan(key="slack-payments", kind="slack", target="#payments"),
        "revision": revision,
        "rendering": ArtifactRef(digest="0" * 64, size=revision, kind="rendering.slack"),
        "part_digests": parts,
        "policies": {contract.name: policy() for contract in contracts.DELIVERY_ACTIVITIES},
        "schedule": DeliverySchedule(retry_after=RETRY_AFTER, uncertain_wait=UNCERTAIN_WAIT),
    }
    return DeliveryRequest.model_validate(values | changes)


def policy(attempts: int = 1) -> OperationPolicy:
    retry = RetryDeclaration(initial=SECOND, factor=2, maximum=SECOND, attempts=attempts)
    return OperationPolicy(retry=retry, start_to_close=15 * SECOND, schedule_to_close=60 * SECOND)


@workflow.defn(name="EditionThatListens", sandboxed=False)
class Edition:
    """What a Delivery reports to: keeps the reports until there is one that settles the channel."""

    def __init__(self) -> None:
        self._reports: list[DeliveryOutcome] = []

    @workflow.run
    async def run(self) -> list[DeliveryOutcome]:
        await workflow.wait_condition(lambda: any(one.state is not DeliveryState.PENDING for one in self._reports))
        return self._reports

    @workflow.signal
    def delivery_reported(self, outcome: DeliveryOutcome) -> None:
        self._reports.append(outcome)

    @workflow.query
    def reports(self) -> list[DeliveryOutcome]:
        return self._reports


@asynccontextmanager
async def serving(environment: WorkflowEnvironment, channel: Channel) -> AsyncIterator[str]:
    """Yields the workflow task queue; calls run on their services' queues, one test at a time."""
    queue = f"control-{uuid.uuid4()}"
    client = environment.client
    local: list[Callable[..., Any]] = [channel.recall, channel.record, channel.join]
    slack: list[Callable[..., Any]] = [channel.send, channel.find, channel.remove]
    async with (
        Worker(client, task_queue=queue, workflows=[Delivery, Edition], activities=local),
        Worker(client, task_queue=names.service_queue(names.SLACK), activities=slack),
    ):
        yield queue


async def start(
    environment: WorkflowEnvironment, queue: str, message: DeliveryRequest
) -> WorkflowHandle[Delivery, DeliveryOutcome]:
    return await environment.client.start_workflow(
        Delivery.run, message, id=f"delivery:{uuid.uuid4()}", task_queue=queue
    )


async def deliver(environment: WorkflowEnvironment, channel: Channel, message: DeliveryRequest) -> DeliveryOutcome:
    async with serving(environment, channel) as queue:
        return await (await start(environment, queue, message)).result()


async def until_waiting(handle: WorkflowHandle[Delivery, DeliveryOutcome]) -> None:
    """Until it waits for its next try. (This server cannot cancel a run whose activity ends in the same moment.)"""
    while not any(event.HasField("timer_started_event_attributes") for event in (await handle.fetch_history()).events):
        await asyncio.sleep(0.02)
