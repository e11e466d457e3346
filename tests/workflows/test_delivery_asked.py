"""What others ask of a delivery while it is tried: a try now, none before an instant, to be told, to let it be."""

import uuid
from datetime import timedelta

from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from devsync.contracts.delivery import DeliveryOutcome, DeliveryState, Drop, PutOff, TryNow
from tests.workflows.slack_channel import (
    REFUSED_FOR_NOW,
    RETRY_AFTER,
    SECOND,
    Channel,
    Edition,
    request,
    serving,
    start,
    until_waiting,
)
from workflows.delivery import Delivery

Listener = WorkflowHandle[Edition, list[DeliveryOutcome]]


async def listener(environment: WorkflowEnvironment, queue: str) -> Listener:
    return await environment.client.start_workflow(Edition.run, id=f"edition:{uuid.uuid4()}", task_queue=queue)


async def test_who_listens_is_told_each_setback_and_why(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)] * 2)
    async with serving(skipping_time, channel) as queue:
        edition = await listener(skipping_time, queue)
        handle = await start(skipping_time, queue, request(reply_to=edition.id))
        reports = await edition.result()
        outcome = await handle.result()
    states = [report.state for report in reports]
    assert states == [DeliveryState.PENDING, DeliveryState.PENDING, DeliveryState.DELIVERED]
    assert [report.setback and report.setback.message for report in reports] == ["slack cannot be reached"] * 2 + [None]
    assert outcome.setback is None


async def test_a_try_that_is_asked_for_is_made_at_once_and_uses_up_no_step(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)] * 2)
    schedule = request().schedule.model_copy(update={"retry_after": (timedelta(hours=1),)})
    async with serving(skipping_time, channel) as queue:
        with skipping_time.auto_time_skipping_disabled():
            recovery = await listener(skipping_time, queue)
            handle = await start(skipping_time, queue, request(schedule=schedule))
            await until_waiting(handle)
            await handle.signal(Delivery.try_now, TryNow(reply_to=recovery.id))
        outcome, told = await handle.result(), await recovery.result()
    assert outcome.state is DeliveryState.DELIVERED
    assert channel.waits[0] < timedelta(minutes=1)
    assert timedelta(minutes=59) < channel.waits[1] <= timedelta(hours=1)
    assert [report.state for report in told] == [DeliveryState.PENDING, DeliveryState.DELIVERED]


async def test_a_try_that_is_put_off_is_not_made_before_its_time(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)])
    async with serving(skipping_time, channel) as queue:
        with skipping_time.auto_time_skipping_disabled():
            handle = await start(skipping_time, queue, request())
            await until_waiting(handle)
            now = await skipping_time.get_current_time()
            await handle.signal(Delivery.put_off, PutOff(until=now + timedelta(minutes=30)))
        outcome = await handle.result()
    assert outcome.state is DeliveryState.DELIVERED
    assert channel.waits[0] >= timedelta(minutes=30) > RETRY_AFTER[0]


async def test_a_put_off_without_a_timezone_changes_nothing(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)])
    async with serving(skipping_time, channel) as queue:
        with skipping_time.auto_time_skipping_disabled():
            handle = await start(skipping_time, queue, request())
            await until_waiting(handle)
            await handle.signal("put_off", {"until": "2099-01-01T09:00:00"})
        outcome = await handle.result()
    assert outcome.state is DeliveryState.DELIVERED
    assert channel.waits[0] < RETRY_AFTER[0] + 5 * SECOND


async def test_what_is_dropped_is_not_posted_any_more(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)])
    async with serving(skipping_time, channel) as queue:
        with skipping_time.auto_time_skipping_disabled():
            handle = await start(skipping_time, queue, request())
            await until_waiting(handle)
            await handle.signal(Delivery.drop, Drop(because="#payments-backup stands in for it"))
        outcome = await handle.result()
    assert (outcome.state, outcome.reason) == (DeliveryState.FAILED, "dropped: #payments-backup stands in for it")
    assert len(channel.sends) == 1
