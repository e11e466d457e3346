"""Delivery, with a Slack that does what each case says; the real one's protocol is tested end to end elsewhere."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from temporalio import activity
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
from devsync.contracts.policies import OperationPolicy, RetryDeclaration
from devsync.domain.errors import ErrorCategory, Failure
from devsync.runtime.activity_errors import to_application_error
from workflows.delivery import Delivery

SECOND = timedelta(seconds=1)
KEY = "payments/2026-W47/slack-payments"
UNCERTAIN_WAIT = 20 * SECOND
REFUSED_FOR_NOW = Failure(category=ErrorCategory.NETWORK, message="slack cannot be reached", is_retryable=True)
NO_ANSWER = Failure(
    category=ErrorCategory.NETWORK,
    message="slack did not answer in time",
    is_retryable=True,
    may_have_taken_effect=True,
)
NO_CHANNEL = Failure(
    category=ErrorCategory.DISTRIBUTION, message="slack answered channel_not_found", is_retryable=False
)
NO_SCOPE = Failure(category=ErrorCategory.AUTHENTICATION, message="missing_scope channels:history", is_retryable=False)


@dataclass
class Channel:
    """A Slack channel: what stands in it, and how the next calls go wrong."""

    messages: dict[str, tuple[str, int]] = field(default_factory=dict)
    """(key, revision's marker) by ts."""
    send_failures: list[tuple[Failure, bool]] = field(default_factory=list)
    """(failure, was it posted all the same) for the next sends."""
    find_failures: list[Failure] = field(default_factory=list)
    sends: list[SendPart] = field(default_factory=list)
    finds: list[datetime] = field(default_factory=list)
    send_times: list[datetime] = field(default_factory=list)
    recalled: DeliveryOutcome | None = None
    records: list[RecordDelivery] = field(default_factory=list)
    was_tried: asyncio.Event = field(default_factory=asyncio.Event)

    @activity.defn(name=contracts.SEND_SLACK_PART.name)
    async def send(self, message: SendPart) -> PartSent:
        self.sends.append(message)
        self.was_tried.set()
        self.send_times.append(activity.info().scheduled_time)
        failure, is_posted = self.send_failures.pop(0) if self.send_failures else (None, True)
        ts = message.message_ts or f"{len(self.messages) + 1}.0"
        if is_posted:
            self.messages[ts] = (message.key, message.rendering.size)
        if failure is not None:
            raise to_application_error(failure, None)
        return PartSent(channel_id="C1", message_ts=ts)

    @activity.defn(name=contracts.FIND_SLACK_PART.name)
    async def find(self, message: FindPart) -> PartFound:
        self.finds.append(activity.info().scheduled_time)
        if self.find_failures:
            raise to_application_error(self.find_failures.pop(0), None)
        found = [ts for ts, (key, _) in self.messages.items() if key == message.key]
        return PartFound(channel_id="C1", message_ts=found[0] if found else "")

    @activity.defn(name=contracts.REMOVE_SLACK_PART.name)
    async def remove(self, message: RemovePart) -> Recorded:
        del self.messages[message.message_ts]
        return Recorded()

    @activity.defn(name=contracts.RECALL_DELIVERY.name)
    async def recall(self, _message: RecallDelivery) -> Recalled:
        return Recalled(outcome=self.recalled)

    @activity.defn(name=contracts.RECORD_DELIVERY.name)
    async def record(self, message: RecordDelivery) -> Recorded:
        self.records.append(message)
        return Recorded()


def request(revision: int = 1, parts: tuple[str, ...] = ("a", "b"), **changes: object) -> DeliveryRequest:
    once = RetryDeclaration(initial=SECOND, factor=2, maximum=SECOND, attempts=1)
    policy = OperationPolicy(retry=once, start_to_close=15 * SECOND, schedule_to_close=60 * SECOND)
    values: dict[str, object] = {
        "team": "payments",
        "iso_week": "2026-W47",
        "channel": ChannelPlan(key="slack-payments", kind="slack", target="#payments"),
        "revision": revision,
        "rendering": ArtifactRef(digest="0" * 64, size=revision, kind="rendering.slack"),
        "part_digests": parts,
        "policies": {contract.name: policy for contract in contracts.DELIVERY_ACTIVITIES},
        "schedule": DeliverySchedule(
            retry_after=(5 * SECOND, timedelta(minutes=10), timedelta(hours=3)), uncertain_wait=UNCERTAIN_WAIT
        ),
    }
    return DeliveryRequest.model_validate(values | changes)


@asynccontextmanager
async def serving(environment: WorkflowEnvironment, channel: Channel) -> AsyncIterator[str]:
    """Yields the workflow task queue; activities run on their services' queues, one test at a time."""
    queue = f"control-{uuid.uuid4()}"
    client = environment.client
    local: list[Callable[..., Any]] = [channel.recall, channel.record]
    slack: list[Callable[..., Any]] = [channel.send, channel.find, channel.remove]
    async with (
        Worker(client, task_queue=queue, workflows=[Delivery]),
        Worker(client, task_queue=names.service_queue(names.LOCAL), activities=local),
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


async def test_each_part_is_posted_once_the_thread_below_the_message(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel()
    outcome = await deliver(skipping_time, channel, request())
    assert outcome.state is DeliveryState.DELIVERED
    assert [sent.key for sent in channel.sends] == [
        "payments/2026-W47/slack-payments/0",
        "payments/2026-W47/slack-payments/1",
    ]
    assert [sent.thread_ts for sent in channel.sends] == ["", "1.0"]
    assert channel.records[-1].outcome == outcome


async def test_a_post_without_an_answer_that_arrived_is_found_and_not_repeated(
    skipping_time: WorkflowEnvironment,
) -> None:
    channel = Channel(send_failures=[(NO_ANSWER, True)])
    outcome = await deliver(skipping_time, channel, request())
    assert outcome.state is DeliveryState.DELIVERED
    assert len(channel.messages) == 2
    assert len(channel.sends) == 2
    assert channel.finds[0] - channel.send_times[0] >= UNCERTAIN_WAIT


async def test_a_post_without_an_answer_that_never_arrived_is_posted_again(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(NO_ANSWER, False)])
    outcome = await deliver(skipping_time, channel, request())
    assert outcome.state is DeliveryState.DELIVERED
    assert len(channel.messages) == 2
    assert outcome.parts[0].attempts == 2


async def test_without_the_scope_to_ask_a_post_stays_uncertain_and_is_not_repeated(
    skipping_time: WorkflowEnvironment,
) -> None:
    channel = Channel(send_failures=[(NO_ANSWER, True)], find_failures=[NO_SCOPE])
    outcome = await deliver(skipping_time, channel, request())
    assert outcome.state is DeliveryState.UNCERTAIN
    assert len(channel.sends) == 1
    assert "channels:history" in outcome.reason


async def test_a_channel_that_answers_later_gets_the_edition_by_the_declared_schedule(
    skipping_time: WorkflowEnvironment,
) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)] * 2)
    outcome = await deliver(skipping_time, channel, request())
    assert outcome.state is DeliveryState.DELIVERED
    waits = [later - earlier for earlier, later in zip(channel.send_times, channel.send_times[1:], strict=False)]
    assert waits[0] >= 5 * SECOND
    assert waits[1] >= timedelta(minutes=10)


async def test_the_servers_hint_is_a_floor_for_the_next_round(skipping_time: WorkflowEnvironment) -> None:
    throttled = Failure(
        category=ErrorCategory.RATE_LIMITING, message="429", is_retryable=True, retry_after=timedelta(minutes=2)
    )
    channel = Channel(send_failures=[(throttled, False)])
    await deliver(skipping_time, channel, request())
    assert channel.send_times[1] - channel.send_times[0] >= timedelta(minutes=2)


async def test_when_the_schedule_is_used_up_the_delivery_is_dead(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)] * 4)
    outcome = await deliver(skipping_time, channel, request())
    assert outcome.state is DeliveryState.DEAD
    assert len(channel.sends) == 4
    assert not channel.messages


async def test_a_refusal_for_good_fails_at_once_and_says_why(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(NO_CHANNEL, False)])
    outcome = await deliver(skipping_time, channel, request())
    assert outcome.state is DeliveryState.FAILED
    assert outcome.reason == NO_CHANNEL.message
    assert len(channel.sends) == 1


async def test_a_later_run_updates_in_place_what_changed_and_removes_what_is_gone(
    skipping_time: WorkflowEnvironment,
) -> None:
    channel = Channel(messages={f"{n}.0": (f"{KEY}/{n - 1}", 1) for n in (1, 2, 3)})
    channel.recalled = DeliveryOutcome(
        team="payments", iso_week="2026-W47", channel="slack-payments", kind="slack", revision=1,
        state=DeliveryState.DELIVERED, channel_id="C1",
        parts=tuple(
            PartRecord(index=n, state=PartState.DELIVERED, digest=digest, revision=1, message_id=f"{n + 1}.0")
            for n, digest in enumerate("abc")
        ),
    )  # fmt: skip
    outcome = await deliver(skipping_time, channel, request(revision=2, parts=("A", "b")))
    assert [(sent.index, sent.message_ts) for sent in channel.sends] == [(0, "1.0")]
    assert set(channel.messages) == {"1.0", "2.0"}
    assert len(outcome.parts) == 2


async def test_unchanged_content_posts_nothing(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel()
    first = await deliver(skipping_time, channel, request())
    channel.recalled = first
    second = await deliver(skipping_time, channel, request())
    assert second.state is DeliveryState.DELIVERED
    assert len(channel.sends) == 2


async def test_a_revision_that_comes_while_the_first_is_queued_gives_one_message(
    skipping_time: WorkflowEnvironment,
) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)] * 2)
    async with serving(skipping_time, channel) as queue:
        with skipping_time.auto_time_skipping_disabled():
            handle = await start(skipping_time, queue, request())
            await channel.was_tried.wait()
            await handle.signal(Delivery.revise, request(revision=2, parts=("A", "B")))
        outcome = await handle.result()
    assert outcome.revision == 2
    assert sorted(channel.messages.values()) == [(f"{KEY}/{n}", 2) for n in (0, 1)]


async def test_an_older_revision_is_ignored(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)])
    async with serving(skipping_time, channel) as queue:
        with skipping_time.auto_time_skipping_disabled():
            handle = await start(skipping_time, queue, request(revision=3))
            await channel.was_tried.wait()
            await handle.signal(Delivery.revise, request(revision=2))
        outcome = await handle.result()
    assert outcome.revision == 3


async def test_malformed_and_unknown_signals_leave_the_run_unharmed(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)])
    async with serving(skipping_time, channel) as queue:
        with skipping_time.auto_time_skipping_disabled():
            handle = await start(skipping_time, queue, request())
            await channel.was_tried.wait()
            await handle.signal("revise")
            await handle.signal("revise", args=[1, 2])
            await handle.signal("revise", "nonsense")
            await handle.signal("explode", {"now": True})
        outcome = await handle.result()
    assert outcome.state is DeliveryState.DELIVERED
    assert outcome.revision == 1
