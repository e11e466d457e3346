"""A delivery that ends badly tells people what they can do, unless others do; one that succeeds takes it back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from devsync.contracts import names
from devsync.contracts.delivery import DeliveryOutcome, DeliveryState, Drop, Recalled, TryNow
from devsync.contracts.escalation import GoOnAlone, HeldPlace, JoinEscalation, PlacesKept, SubscriberLeft
from devsync.domain.errors import ErrorCategory, ErrorSeverity, Failure
from tests.workflows.slack_channel import (
    NO_ANSWER,
    NO_SCOPE,
    REFUSED_FOR_NOW,
    Channel,
    Edition,
    deliver,
    policy,
    refusal,
    request,
    serving,
    start,
    until_waiting,
)
from tests.workflows.waits import until_idle
from workflows.delivery.delivery import Delivery

DELIVERY = names.delivery_id("payments", "2026-W47", "slack-payments")
PAGE, PAGE_OF_SLACK = names.own_escalation_id(DELIVERY), names.service_escalation_id("slack")
RECOVERY = "recovery:payments:2026-W47:slack.deliver:1"
REPLAY = "python starter.py delivery replay payments 2026-W47 slack-payments"
EXPIRED = Failure(
    category=ErrorCategory.AUTHENTICATION, message="slack answered token_expired", is_retryable=False,
    severity=ErrorSeverity.HIGH,
)  # fmt: skip
DELIVERED = DeliveryOutcome(
    team="payments", iso_week="2026-W47", channel="slack-payments", kind="slack", revision=1,
    state=DeliveryState.DELIVERED,
)  # fmt: skip
ALWAYS_AWAY = [(REFUSED_FOR_NOW, False)] * 10


@workflow.defn(name="PageThatIsLeft", sandboxed=False)
class Page:
    def __init__(self) -> None:
        self._left: list[SubscriberLeft] = []

    @workflow.run
    async def run(self) -> list[SubscriberLeft]:
        await workflow.wait_condition(lambda: bool(self._left))
        return self._left

    @workflow.signal
    def left(self, said: SubscriberLeft) -> None:
        self._left.append(said)


@asynccontextmanager
async def page(
    environment: WorkflowEnvironment, page_id: str = PAGE
) -> AsyncIterator[WorkflowHandle[Page, list[SubscriberLeft]]]:
    async with Worker(environment.client, task_queue="pages", workflows=[Page]):
        yield await environment.client.start_workflow(Page.run, id=page_id, task_queue="pages")


@pytest.mark.parametrize(
    ("channel", "state", "about", "subject", "remedy"),
    [
        (
            Channel(send_failures=[(refusal("is_archived"), False)]),
            DeliveryState.FAILED,
            PAGE,
            "not in #payments, which refused it",
            f"when the cause is mended: {REPLAY}",
        ),
        (
            Channel(send_failures=[(EXPIRED, False)]),
            DeliveryState.FAILED,
            PAGE_OF_SLACK,
            "not in #payments, which refused it",
            f"when the cause is mended: {REPLAY}",
        ),
        (
            Channel(send_failures=ALWAYS_AWAY),
            DeliveryState.DEAD,
            PAGE_OF_SLACK,
            "not in #payments, and not tried any more",
            f"when the cause is mended: {REPLAY}",
        ),
        (
            Channel(send_failures=[(NO_ANSWER, True)], find_failures=[NO_SCOPE]),
            DeliveryState.UNCERTAIN,
            PAGE_OF_SLACK,
            "perhaps in #payments, perhaps not",
            f"look whether it is there; when the channel can be asked: {REPLAY} (posts only what is not there)",
        ),
    ],
    ids=["refused", "expired", "dead", "uncertain"],
)
async def test_people_are_told_why_and_what_they_can_do(
    skipping_time: WorkflowEnvironment, channel: Channel, state: DeliveryState, about: str, subject: str, remedy: str
) -> None:
    outcome = await deliver(skipping_time, channel, request())
    assert outcome.state is state
    (join,) = channel.joins
    assert (join.escalation_id, join.failure.message) == (about, outcome.reason)
    told = join.subscriber
    assert (told.subject, told.remedy) == (f"payments 2026-W47: {subject}", remedy)
    assert (told.workflow_id, told.is_waiting, told.choices) == (DELIVERY, False, ())  # it can do nothing any more


async def test_one_that_cannot_even_ask_what_stands_there_tells_people_also_where_tries_are_asked_for(
    skipping_time: WorkflowEnvironment,
) -> None:
    """As one that a recovery begins: no try is made any more."""
    channel = Channel(recalled=refusal("no_history"))
    async with serving(skipping_time, channel) as queue:
        handle = await start(skipping_time, queue, request(asks_for=TryNow(attempts=2)))
        with pytest.raises(WorkflowFailureError):
            await handle.result()
    (join,) = channel.joins
    assert (join.escalation_id, join.failure.message) == (PAGE, "slack answered no_history")


async def test_a_place_that_it_is_given_while_it_ends_is_taken(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(recalled=refusal("no_history"), joining=asyncio.Event())
    assert channel.joining is not None
    async with serving(skipping_time, channel) as queue:
        with skipping_time.auto_time_skipping_disabled():
            handle = await start(skipping_time, queue, request())
            await channel.was_joined.wait()
            held = HeldPlace(escalation_id=PAGE_OF_SLACK, workflow_id=RECOVERY)
            await handle.signal("places_kept", PlacesKept(places=(held,)))
            assert (await handle.query(Delivery.outcome)).state is DeliveryState.FAILED
            channel.joining.set()
            with pytest.raises(WorkflowFailureError):
                await handle.result()
    assert RECOVERY in [join.replaces for join in channel.joins]


async def test_nobody_is_told_of_what_is_there_nor_of_what_somebody_stopped(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)])
    assert (await deliver(skipping_time, channel, request())).state is DeliveryState.DELIVERED
    stopped = Channel(send_failures=ALWAYS_AWAY)
    async with serving(skipping_time, stopped) as queue:
        with skipping_time.auto_time_skipping_disabled():
            handle = await start(skipping_time, queue, request())
            await until_waiting(handle)
            await handle.signal("drop", Drop(because="nobody needs it"))
        assert (await handle.result()).was_stopped
    assert channel.joins == stopped.joins == []


@pytest.mark.parametrize("how", [{"is_looked_after": True}, {"stands_in_for": "#payments"}], ids=str)
async def test_what_others_look_after_is_told_by_them(skipping_time: WorkflowEnvironment, how: dict[str, Any]) -> None:
    channel = Channel(send_failures=ALWAYS_AWAY)
    async with serving(skipping_time, channel) as queue:
        edition = await skipping_time.client.start_workflow(Edition.run, id="edition:open", task_queue=queue)
        handle = await start(skipping_time, queue, request(reply_to=edition.id, **how))
        assert (await handle.result()).state is DeliveryState.DEAD
        await edition.result()
    assert channel.joins == []


async def test_nobody_is_told_of_what_nobody_misses(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=ALWAYS_AWAY)
    assert (await deliver(skipping_time, channel, request(escalation=""))).state is DeliveryState.DEAD
    assert channel.joins == []


async def end(edition: WorkflowHandle[Edition, list[DeliveryOutcome]]) -> None:
    await edition.signal("delivery_reported", DELIVERED)
    await edition.result()


@pytest.mark.parametrize("when", ["before it fails", "while it waits"])
async def test_where_its_edition_is_gone_without_a_word_it_tells_people_itself(
    skipping_time: WorkflowEnvironment, when: str
) -> None:
    """As one that is terminated. (This server answers no signal to such a run.)"""
    channel = Channel(send_failures=ALWAYS_AWAY)
    async with serving(skipping_time, channel) as queue:
        with skipping_time.auto_time_skipping_disabled():
            edition = await skipping_time.client.start_workflow(Edition.run, id=f"edition:{when}", task_queue=queue)
            if when == "before it fails":
                await end(edition)
            handle = await start(skipping_time, queue, request(is_looked_after=True, reply_to=edition.id))
            await until_waiting(handle)
            if when == "while it waits":
                await end(edition)
        assert (await handle.result()).state is DeliveryState.DEAD
    assert [join.escalation_id for join in channel.joins] == [PAGE_OF_SLACK]


async def test_a_run_that_follows_one_that_is_gone_looks_after_it_again(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=ALWAYS_AWAY)
    async with serving(skipping_time, channel) as queue:
        with skipping_time.auto_time_skipping_disabled():
            first = await skipping_time.client.start_workflow(Edition.run, id="edition:again", task_queue=queue)
            handle = await start(skipping_time, queue, request(is_looked_after=True, reply_to=first.id))
            await until_waiting(handle)
            await end(first)
            await handle.signal("try_now", TryNow())  # it learns that the first one is gone
            while len(channel.sends) < 2:
                await asyncio.sleep(0.02)
            await until_idle(handle)
            again = await skipping_time.client.start_workflow(Edition.run, id="edition:again", task_queue=queue)
            await handle.signal("revise", request(2, is_looked_after=True, reply_to=again.id))
        assert (await handle.result()).state is DeliveryState.DEAD
        await again.result()
    assert channel.joins == []


async def test_left_alone_it_stays_on_the_page_of_its_recovery_and_says_there_that_it_gave_up(
    skipping_time: WorkflowEnvironment,
) -> None:
    joins = await _left_alone(skipping_time, Channel(send_failures=ALWAYS_AWAY))
    assert [(join.escalation_id, join.replaces, bool(join.subscriber.remedy)) for join in joins] == [
        (PAGE, RECOVERY, False),
        (PAGE, DELIVERY, True),
    ]


async def test_where_that_page_is_over_a_new_one_tells_that_it_gave_up(skipping_time: WorkflowEnvironment) -> None:
    joins = await _left_alone(skipping_time, Channel(send_failures=ALWAYS_AWAY, closed_pages=[PAGE]))
    assert [(join.escalation_id, join.replaces) for join in joins] == [(PAGE, RECOVERY), (PAGE_OF_SLACK, "")]


async def _left_alone(environment: WorkflowEnvironment, channel: Channel) -> list[JoinEscalation]:
    alone = GoOnAlone(places=(HeldPlace(escalation_id=PAGE, workflow_id=RECOVERY),))
    async with serving(environment, channel) as queue:
        with environment.auto_time_skipping_disabled():
            handle = await start(environment, queue, request(is_looked_after=True))
            await until_waiting(handle)
            await handle.signal("go_on_alone", alone)
            await channel.was_joined.wait()
        assert (await handle.result()).state is DeliveryState.DEAD
    return list(channel.joins)


async def test_a_newer_run_looks_after_it_again(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=ALWAYS_AWAY)
    async with serving(skipping_time, channel) as queue:
        with skipping_time.auto_time_skipping_disabled():
            handle = await start(skipping_time, queue, request(is_looked_after=True))
            await until_waiting(handle)
            await handle.signal("go_on_alone", GoOnAlone())
            await handle.signal("revise", request(2, is_looked_after=True))
        assert (await handle.result()).state is DeliveryState.DEAD
    assert channel.joins == []


@pytest.mark.parametrize("where", [PAGE, PAGE_OF_SLACK])
async def test_a_replay_that_succeeds_takes_it_back(skipping_time: WorkflowEnvironment, where: str) -> None:
    dead = DeliveryOutcome(
        team="payments", iso_week="2026-W47", channel="slack-payments", kind="slack", revision=1,
        state=DeliveryState.DEAD,
    )  # fmt: skip
    channel = Channel(recalled=Recalled(outcome=dead))
    async with page(skipping_time, where) as escalation:
        assert (await deliver(skipping_time, channel, request(is_replay=True))).state is DeliveryState.DELIVERED
        (left,) = await escalation.result()
    assert left == SubscriberLeft(workflow_id=DELIVERY, is_healed=True, note="#payments: delivered", may_be_absent=True)


async def test_people_who_cannot_be_told_keep_no_delivery_from_its_end(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(refusal("is_archived"), False)], joining=asyncio.Event())  # for ever
    policies = request().policies | {"local.join_escalation": policy(attempts=2)}
    outcome = await deliver(skipping_time, channel, request(policies=policies))
    assert outcome.state is DeliveryState.FAILED
    assert channel.records
