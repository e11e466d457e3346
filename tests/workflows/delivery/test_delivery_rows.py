"""Tries in a row that a recovery asks for: the delivery makes them, and tells once what came of them."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer

from devsync.contracts.delivery import DeliveryOutcome, DeliveryState, Drop, PutOff, TryNow
from devsync.domain.errors import ErrorCategory, Failure
from devsync.runtime.plugin import DevSyncPlugin
from tests.workflows.slack_channel import (
    NO_ANSWER,
    REFUSED_FOR_NOW,
    SECOND,
    Channel,
    Edition,
    refusal,
    request,
    serving,
    start,
    until_waiting,
)
from tests.workflows.waits import until_idle
from workflows.delivery.delivery import Delivery

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
RARELY = request().schedule.model_copy(update={"retry_after": (HOUR,) * 8})
TWICE = TryNow(attempts=2, wait=15 * SECOND)


@dataclass
class Asked:
    """A delivery that has failed once, and that tries again in an hour; time stands still."""

    environment: WorkflowEnvironment
    queue: str
    delivery: WorkflowHandle[Delivery, DeliveryOutcome]
    listeners: list[WorkflowHandle[Edition, list[DeliveryOutcome]]] = field(default_factory=list)

    async def listener(self) -> WorkflowHandle[Edition, list[DeliveryOutcome]]:
        handle = await self.environment.client.start_workflow(
            Edition.run, id=f"listens:{uuid.uuid4()}", task_queue=self.queue
        )
        self.listeners.append(handle)
        return handle

    async def asks(self, row: TryNow) -> WorkflowHandle[Edition, list[DeliveryOutcome]]:
        """A recovery that wants a row of tries."""
        recovery = await self.listener()
        await self.delivery.signal("try_now", row.model_copy(update={"reply_to": recovery.id}))
        return recovery

    async def has_tried(self, channel: Channel, times: int) -> None:
        """Until it waits for the next try."""
        while len(channel.sends) < times:
            await asyncio.sleep(0.02)
        await until_idle(self.delivery)


@asynccontextmanager
async def failed_once(environment: WorkflowEnvironment, channel: Channel, **changes: Any) -> AsyncIterator[Asked]:
    """Time passes for who waits for a result, after the block; who listens is there until the delivery is over."""
    values = {"schedule": RARELY} | changes
    async with serving(environment, channel) as queue:
        with environment.auto_time_skipping_disabled():
            delivery = await start(environment, queue, request(**values))
            await until_waiting(delivery)
            on = Asked(environment, queue, delivery)
            yield on
        await delivery.result()
        for listener in on.listeners:
            await listener.result()


def told(reports: list[DeliveryOutcome]) -> list[tuple[DeliveryState, int]]:
    return [(report.state, report.tries) for report in reports]


def fails(times: int) -> Channel:
    return Channel(send_failures=[(REFUSED_FOR_NOW, False)] * times)


async def test_a_row_is_made_with_its_waits_and_told_once(skipping_time: WorkflowEnvironment) -> None:
    channel = fails(4)
    async with failed_once(skipping_time, channel) as on:
        recovery = await on.asks(TryNow(attempts=3, wait=15 * SECOND, factor=2))
    assert told(await recovery.result()) == [(DeliveryState.PENDING, 3), (DeliveryState.DELIVERED, 0)]
    assert channel.waits[0] < MINUTE
    assert 15 * SECOND <= channel.waits[1] < 25 * SECOND
    assert 30 * SECOND <= channel.waits[2] < 40 * SECOND
    assert channel.waits[3] > 50 * MINUTE, "by its schedule, of which no step was used up"


async def test_a_row_ends_with_the_try_that_brings_it_there(skipping_time: WorkflowEnvironment) -> None:
    channel = fails(2)
    async with failed_once(skipping_time, channel) as on:
        recovery = await on.asks(TryNow(attempts=5, wait=15 * SECOND))
    assert told(await recovery.result()) == [(DeliveryState.DELIVERED, 2)]


async def test_a_row_ends_with_a_refusal_for_good(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False), (refusal("is_archived"), False)])
    async with failed_once(skipping_time, channel) as on:
        recovery = await on.asks(TryNow(attempts=5, wait=15 * SECOND))
    assert told(await recovery.result()) == [(DeliveryState.FAILED, 1)]
    assert len(channel.sends) == 2


async def test_no_try_of_a_row_begins_after_its_time(skipping_time: WorkflowEnvironment) -> None:
    channel = fails(3)
    async with failed_once(skipping_time, channel) as on:
        until = await skipping_time.get_current_time() + MINUTE
        recovery = await on.asks(TryNow(attempts=5, wait=40 * SECOND, until=until))
    assert told(await recovery.result())[0] == (DeliveryState.PENDING, 2)
    assert channel.send_times[2] < until < channel.send_times[3]


async def test_what_the_service_says_during_a_row_is_heeded(skipping_time: WorkflowEnvironment) -> None:
    throttled = Failure(
        category=ErrorCategory.RATE_LIMITING, message="slack answered 429", is_retryable=True, retry_after=2 * MINUTE
    )
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False), (throttled, False)])
    async with failed_once(skipping_time, channel) as on:
        await on.asks(TWICE)
    assert 2 * MINUTE <= channel.waits[1] < 3 * MINUTE


async def test_a_hint_beyond_the_time_of_a_row_ends_it(skipping_time: WorkflowEnvironment) -> None:
    throttled = Failure(
        category=ErrorCategory.RATE_LIMITING, message="slack answered 429", is_retryable=True, retry_after=2 * HOUR
    )
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False), (throttled, False)])
    async with failed_once(skipping_time, channel) as on:
        until = await skipping_time.get_current_time() + MINUTE
        recovery = await on.asks(TryNow(attempts=5, wait=SECOND, until=until))
    assert told(await recovery.result()) == [(DeliveryState.PENDING, 1), (DeliveryState.DELIVERED, 0)]
    assert channel.waits[1] >= 2 * HOUR


async def test_a_delivery_does_not_give_up_before_the_row_is_over(skipping_time: WorkflowEnvironment) -> None:
    once = RARELY.model_copy(update={"retry_after": (5 * SECOND,)})
    channel = fails(10)
    async with failed_once(skipping_time, channel, schedule=once) as on:
        recovery = await on.asks(TryNow(attempts=2, wait=15 * SECOND))
    assert told(await recovery.result()) == [(DeliveryState.DEAD, 2)]
    assert len(channel.sends) == 4  # the first, two in a row, and the step of the schedule between them


async def test_two_recoveries_that_ask_at_once_are_both_answered(skipping_time: WorkflowEnvironment) -> None:
    channel = fails(6)
    async with failed_once(skipping_time, channel) as on:
        one = await on.asks(TWICE)
        two = await on.asks(TryNow(attempts=3, wait=15 * SECOND))
    assert told(await one.result())[0] == (DeliveryState.PENDING, 2)
    assert told(await two.result())[0] == (DeliveryState.PENDING, 3)


async def test_a_person_who_asks_during_a_row_has_a_try_at_once_and_the_row_goes_on(
    skipping_time: WorkflowEnvironment,
) -> None:
    channel = fails(4)
    async with failed_once(skipping_time, channel) as on:
        recovery = await on.asks(TryNow(attempts=2, wait=10 * MINUTE))
        await on.has_tried(channel, 2)
        await on.delivery.signal("try_now", TryNow())
    assert told(await recovery.result())[0] == (DeliveryState.PENDING, 2)
    assert channel.waits[1] < MINUTE, "the person's"
    assert 9 * MINUTE < channel.waits[2] < 10 * MINUTE + SECOND, "the second of the row"


async def test_a_recovery_that_puts_it_off_takes_back_its_own_row_alone(skipping_time: WorkflowEnvironment) -> None:
    channel = fails(4)
    async with failed_once(skipping_time, channel) as on:
        one, two = await on.asks(TryNow(attempts=2, wait=10 * MINUTE)), await on.asks(TWICE)
        until = await skipping_time.get_current_time() + 5 * HOUR
        await on.delivery.signal("put_off", PutOff(until=until, by=one.id))
    assert told(await two.result())[0] == (DeliveryState.PENDING, 2)
    assert channel.send_times[-1] >= until
    assert await one.result()


async def test_to_drop_it_ends_the_row_at_once(skipping_time: WorkflowEnvironment) -> None:
    channel = fails(10)
    async with failed_once(skipping_time, channel) as on:
        recovery = await on.asks(TryNow(attempts=5, wait=15 * MINUTE))
        await on.has_tried(channel, 2)
        await on.delivery.signal("drop", Drop(because="nobody needs it"))
    assert told(await recovery.result()) == [(DeliveryState.FAILED, 1)]
    assert len(channel.sends) == 2


async def test_a_newer_revision_ends_the_row_with_its_own_first_try(skipping_time: WorkflowEnvironment) -> None:
    channel = fails(3)
    async with failed_once(skipping_time, channel) as on:
        recovery = await on.asks(TryNow(attempts=5, wait=15 * MINUTE))
        await on.has_tried(channel, 2)
        await on.delivery.signal("revise", request(2, schedule=RARELY))
    (first, last) = await recovery.result()
    assert (first.revision, first.state, first.tries) == (2, DeliveryState.PENDING, 2)
    assert last.state is DeliveryState.DELIVERED
    assert channel.waits[1] < MINUTE


async def test_who_has_it_begun_may_ask_for_a_row_whose_first_try_is_the_delivery_s_own(
    skipping_time: WorkflowEnvironment,
) -> None:
    channel = fails(2)
    async with serving(skipping_time, channel) as queue:
        recovery = await skipping_time.client.start_workflow(
            Edition.run, id=f"listens:{uuid.uuid4()}", task_queue=queue
        )
        asks_for = TWICE.model_copy(update={"reply_to": recovery.id})
        handle = await start(skipping_time, queue, request(schedule=RARELY, asks_for=asks_for))
        reports = await recovery.result()
        await handle.result()
    assert told(reports) == [(DeliveryState.PENDING, 2), (DeliveryState.DELIVERED, 0)]
    assert 15 * SECOND <= channel.waits[0] < 25 * SECOND


async def test_others_hear_once_of_a_row_and_everybody_at_once_of_a_post_without_an_answer(
    skipping_time: WorkflowEnvironment,
) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False), (NO_ANSWER, False), (REFUSED_FOR_NOW, False)])
    async with serving(skipping_time, channel) as queue:
        with skipping_time.auto_time_skipping_disabled():
            edition = await skipping_time.client.start_workflow(
                Edition.run, id=f"listens:{uuid.uuid4()}", task_queue=queue
            )
            delivery = await start(skipping_time, queue, request(schedule=RARELY, reply_to=edition.id))
            await until_waiting(delivery)
            recovery = await Asked(skipping_time, queue, delivery).asks(TWICE)
        reports, answers = await edition.result(), await recovery.result()
        await delivery.result()
    assert [report.setback and report.setback.message for report in reports] == [
        "slack cannot be reached",  # the first try
        NO_ANSWER.message,  # the row's first
        "slack cannot be reached",  # the row's last
        None,
    ]
    assert told(answers) == [(DeliveryState.PENDING, 1), (DeliveryState.PENDING, 2), (DeliveryState.DELIVERED, 0)]
    assert [answer.tries_go_on for answer in answers] == [True, False, False]


@pytest.mark.parametrize(
    "nonsense",
    [{"attempts": 0}, {"attempts": 10**6}, {"wait": "P9999D"}, {"wait": -1}, {"factor": 1e300}, {"until": "soon"}],
    ids=str,
)
async def test_a_row_without_sense_is_refused(skipping_time: WorkflowEnvironment, nonsense: dict[str, Any]) -> None:
    async with failed_once(skipping_time, fails(1)) as on:
        await on.delivery.signal("try_now", nonsense)
    (refused,) = (await on.delivery.result()).refused_messages
    assert refused.startswith(f"signal 'try_now': {next(iter(nonsense))}: ")


async def test_a_row_survives_a_replay(skipping_time: WorkflowEnvironment) -> None:
    async with failed_once(skipping_time, fails(4)) as on:
        await on.asks(TryNow(attempts=3, wait=15 * SECOND, factor=2))
    history = await on.delivery.fetch_history()
    await Replayer(workflows=[Delivery], plugins=[DevSyncPlugin()]).replay_workflow(history)
