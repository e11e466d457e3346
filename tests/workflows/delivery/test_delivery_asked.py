"""What others ask of a delivery while it is tried: a try now, none before an instant, to be told, to let it be."""

import asyncio
import uuid
from datetime import timedelta

import pytest
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment

from devsync.contracts import activities as contracts
from devsync.contracts.delivery import DeliveryOutcome, DeliveryState, Drop, Listen, PutOff, Recalled, TryNow
from devsync.domain.errors import ErrorCategory, Failure
from tests.workflows.slack_channel import (
    NO_ANSWER,
    REFUSED_FOR_NOW,
    RETRY_AFTER,
    SECOND,
    Channel,
    Edition,
    policy,
    refusal,
    request,
    serving,
    standing,
    start,
    until_waiting,
)
from workflows.delivery.delivery import Delivery

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
            await handle.signal("try_now", TryNow(reply_to=recovery.id))
        outcome, told = await handle.result(), await recovery.result()
    assert outcome.state is DeliveryState.DELIVERED
    assert channel.waits[0] < timedelta(minutes=1)
    assert timedelta(minutes=59) < channel.waits[1] <= timedelta(hours=1)
    assert [report.state for report in told] == [DeliveryState.PENDING, DeliveryState.DELIVERED]


async def test_a_try_that_is_asked_for_during_another_follows_it_at_once(skipping_time: WorkflowEnvironment) -> None:
    """Nobody is told meanwhile that it failed: who asked would take that for the answer."""
    channel = Channel(send_failures=[(NO_ANSWER, False)])
    schedule = request().schedule.model_copy(update={"retry_after": (timedelta(hours=1),)})
    async with serving(skipping_time, channel) as queue:
        with skipping_time.auto_time_skipping_disabled():
            recovery = await listener(skipping_time, queue)
            handle = await start(skipping_time, queue, request(schedule=schedule))
            await channel.was_tried.wait()
            await until_waiting(handle)
            await handle.signal("try_now", TryNow(reply_to=recovery.id))
        outcome, told = await handle.result(), await recovery.result()
    assert outcome.state is DeliveryState.DELIVERED
    assert channel.waits[0] < timedelta(minutes=1)
    assert [report.state for report in told] == [DeliveryState.DELIVERED]


async def test_a_post_without_an_answer_is_told_before_the_channel_is_asked(skipping_time: WorkflowEnvironment) -> None:
    """To know what became of it may take minutes, and there are other ways to people."""
    channel = Channel(send_failures=[(NO_ANSWER, True)])
    async with serving(skipping_time, channel) as queue:
        with skipping_time.auto_time_skipping_disabled():
            edition = await listener(skipping_time, queue)
            handle = await start(skipping_time, queue, request(reply_to=edition.id))
            while not (told := await edition.query(Edition.reports)):
                await asyncio.sleep(0.02)
            assert channel.finds == []
        outcome = await handle.result()
    assert [(report.state, report.setback and report.setback.message) for report in told] == [
        (DeliveryState.PENDING, NO_ANSWER.message)
    ]
    assert outcome.state is DeliveryState.DELIVERED
    assert len(channel.sends) == 2  # of a message in two parts


async def test_what_the_service_says_after_a_try_that_is_asked_for_is_heeded(
    skipping_time: WorkflowEnvironment,
) -> None:
    later = Failure(
        category=ErrorCategory.RATE_LIMITING, message="slack answered 429", is_retryable=True,
        retry_after=timedelta(hours=2),
    )  # fmt: skip
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False), (later, False)])
    async with serving(skipping_time, channel) as queue:
        with skipping_time.auto_time_skipping_disabled():
            handle = await start(skipping_time, queue, request())  # the next try is in a few seconds
            await until_waiting(handle)
            await handle.signal("try_now", TryNow())
        outcome = await handle.result()
    assert outcome.state is DeliveryState.DELIVERED
    assert channel.waits[1] >= timedelta(hours=2)


@pytest.mark.parametrize("by", ["recovery:1", None])
async def test_what_a_person_wants_is_not_put_off(skipping_time: WorkflowEnvironment, by: str | None) -> None:
    """A recovery takes back its own wish alone, when it leaves the channel to its schedule."""
    channel = Channel(send_failures=[(NO_ANSWER, False), (REFUSED_FOR_NOW, False)])
    schedule = request().schedule.model_copy(update={"retry_after": (timedelta(hours=1),)})
    async with serving(skipping_time, channel) as queue:
        with skipping_time.auto_time_skipping_disabled():
            handle = await start(skipping_time, queue, request(schedule=schedule))
            await channel.was_tried.wait()
            await until_waiting(handle)  # to ask the channel: a try is under way
            await handle.signal("try_now", TryNow())
            put_off = PutOff(until=await skipping_time.get_current_time() + timedelta(hours=3), by=by)
            await handle.signal("put_off", put_off)
        await handle.result()
    assert channel.waits[0] < timedelta(minutes=1)
    assert channel.waits[1] > timedelta(hours=2)


async def test_a_try_that_is_put_off_is_not_made_before_its_time(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)])
    async with serving(skipping_time, channel) as queue:
        with skipping_time.auto_time_skipping_disabled():
            handle = await start(skipping_time, queue, request())
            await until_waiting(handle)
            now = await skipping_time.get_current_time()
            await handle.signal("put_off", PutOff(until=now + timedelta(minutes=30)))
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


async def test_a_stand_in_gives_up_when_no_try_is_left_in_its_time_and_tells_that_alone(
    skipping_time: WorkflowEnvironment,
) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)] * 10)
    until = await skipping_time.get_current_time() + timedelta(minutes=2)
    standing_in = request(stands_in_for="#payments", gives_up_at=until)
    async with serving(skipping_time, channel) as queue:
        recovery = await listener(skipping_time, queue)
        handle = await start(skipping_time, queue, standing_in.model_copy(update={"also_tell": recovery.id}))
        outcome = await handle.result()
        told = await recovery.result()
    assert len(channel.sends) == 2  # the third would be in ten minutes
    assert [(report.state, report.reason) for report in told] == [(DeliveryState.FAILED, outcome.reason)]
    assert (outcome.state, outcome.was_stopped) == (DeliveryState.FAILED, True)
    assert outcome.reason == "dropped: it was to stand in, and did not take it in time"
    assert await skipping_time.get_current_time() < until


async def test_what_is_dropped_is_not_posted_any_more(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)])
    async with serving(skipping_time, channel) as queue:
        with skipping_time.auto_time_skipping_disabled():
            handle = await start(skipping_time, queue, request())
            await until_waiting(handle)
            await handle.signal("drop", Drop(because="#payments-backup stands in for it"))
        outcome = await handle.result()
    assert (outcome.state, outcome.reason) == (DeliveryState.FAILED, "dropped: #payments-backup stands in for it")
    assert len(channel.sends) == 1


async def test_what_is_dropped_before_its_first_try_is_never_sent(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel()
    async with serving(skipping_time, channel) as queue:
        handle = await skipping_time.client.start_workflow(
            Delivery.run,
            request(),
            id=f"delivery:{uuid.uuid4()}",
            task_queue=queue,
            start_signal="drop",
            start_signal_args=[Drop(because="#payments-backup stands in for it")],
        )
        outcome = await handle.result()
    assert (outcome.state, outcome.was_stopped) == (DeliveryState.FAILED, True)
    assert outcome.reason == "dropped: #payments-backup stands in for it"
    assert channel.sends == []


async def test_who_comes_to_listen_hears_the_end(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)])
    async with serving(skipping_time, channel) as queue:
        with skipping_time.auto_time_skipping_disabled():
            recovery = await listener(skipping_time, queue)
            handle = await start(skipping_time, queue, request())
            await until_waiting(handle)
            await handle.signal("listen", Listen(reply_to=recovery.id))
        (told,) = await recovery.result()
        await handle.result()
    assert told.state is DeliveryState.DELIVERED
    assert len(channel.sends) == 3  # to listen asks for no try


async def test_who_comes_to_listen_when_all_is_done_is_told_at_once(skipping_time: WorkflowEnvironment) -> None:
    """The record may take days, while the database is away."""
    channel = Channel(is_database_away=True)
    lasting = policy(attempts=50).model_copy(update={"schedule_to_close": timedelta(days=7)})
    policies = request().policies | {contracts.RECORD_DELIVERY.name: lasting}
    async with serving(skipping_time, channel) as queue:
        with skipping_time.auto_time_skipping_disabled():
            handle = await start(skipping_time, queue, request(policies=policies))
            await channel.was_recorded.wait()
            recovery = await listener(skipping_time, queue)
            await handle.signal("listen", Listen(reply_to=recovery.id))
            (told,) = await recovery.result()
            assert told.state is DeliveryState.DELIVERED
            channel.is_database_away = False
        await handle.result()


async def test_what_was_refused_for_good_is_tried_again_when_somebody_asks(skipping_time: WorkflowEnvironment) -> None:
    """Also while it is still to be put on record, which may take days."""
    channel = Channel(send_failures=[(refusal("not_in_channel"), False)], is_database_away=True)
    lasting = policy(attempts=50).model_copy(update={"schedule_to_close": timedelta(days=7)})
    policies = request().policies | {contracts.RECORD_DELIVERY.name: lasting}
    async with serving(skipping_time, channel) as queue:
        with skipping_time.auto_time_skipping_disabled():
            handle = await start(skipping_time, queue, request(policies=policies))
            await channel.was_recorded.wait()
            recovery = await listener(skipping_time, queue)
            await asyncio.sleep(0.2)  # this server cannot cancel a record that ends at that moment
            channel.is_database_away = False
            await handle.signal("try_now", TryNow(reply_to=recovery.id))
            (told,) = await recovery.result()
        outcome = await handle.result()
    assert told.state is DeliveryState.DELIVERED
    assert outcome.state is DeliveryState.DELIVERED


async def test_two_who_ask_are_both_told_what_comes_of_it(skipping_time: WorkflowEnvironment) -> None:
    async with serving(skipping_time, Channel()) as queue:
        edition, recovery = await listener(skipping_time, queue), await listener(skipping_time, queue)
        await start(skipping_time, queue, request(reply_to=edition.id, also_tell=recovery.id))
        assert [(await one.result())[-1].state for one in (edition, recovery)] == [DeliveryState.DELIVERED] * 2


@pytest.mark.parametrize(
    ("revision", "by", "is_begun"),
    [(1, "unless_stopped", False), (2, "unless_stopped", True), (1, "heeds_stops", False), (2, "heeds_stops", False)],
)
async def test_a_revision_that_somebody_stopped_is_not_begun_again_by_a_recovery_nor_any_by_an_amendment(
    skipping_time: WorkflowEnvironment, revision: int, by: str, is_begun: bool
) -> None:
    channel = Channel()
    stopped = DeliveryOutcome(
        team="payments",
        iso_week="2026-W47",
        channel="slack-payments",
        kind="slack",
        revision=1,
        state=DeliveryState.FAILED,
        reason="the delivery was cancelled: anna",
        was_stopped=True,
    )
    channel.recalled = Recalled(outcome=stopped)
    async with serving(skipping_time, channel) as queue:
        handle = await start(skipping_time, queue, request(revision).model_copy(update={by: True}))
        outcome = await handle.result()
    assert bool(channel.sends) is is_begun
    if not is_begun:
        assert (outcome.state, outcome.reason, outcome.was_stopped) == (stopped.state, stopped.reason, True)


async def test_what_was_stopped_stays_so_for_an_amendment(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)])
    lasting = policy(attempts=50).model_copy(update={"schedule_to_close": timedelta(days=7)})
    policies = request().policies | {contracts.RECORD_DELIVERY.name: lasting}
    async with serving(skipping_time, channel) as queue:
        with skipping_time.auto_time_skipping_disabled():
            handle = await start(skipping_time, queue, request(policies=policies))
            await until_waiting(handle)
            channel.is_database_away = True
            channel.was_recorded.clear()
            await handle.signal("drop", Drop(because="anna decided to skip"))
            await channel.was_recorded.wait()  # this server cannot cancel a record that ends at that moment
            await asyncio.sleep(0.2)
            await handle.signal("revise", request(2, policies=policies, heeds_stops=True))
            channel.is_database_away = False
        outcome = await handle.result()
    assert (len(channel.sends), outcome.was_stopped, outcome.revision) == (1, True, 2)


async def test_a_person_may_begin_again_what_was_stopped(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel()
    channel.recalled = standing(channel, state=DeliveryState.FAILED, was_stopped=True)
    async with serving(skipping_time, channel) as queue:
        outcome = await (await start(skipping_time, queue, request())).result()
    assert outcome.state is DeliveryState.DELIVERED
