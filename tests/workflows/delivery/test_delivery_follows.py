"""A delivery that outlives its edition hears what people decide about its channel, and tells them when it is over."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import NamedTuple

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from devsync.contracts import activities as contracts
from devsync.contracts import names
from devsync.contracts.delivery import DeliveryOutcome, DeliveryState, TryNow
from devsync.contracts.escalation import EscalationDecided, GoOnAlone, HeldPlace, PlacesKept, SubscriberLeft
from devsync.domain.recovery.decision import Decision
from tests.workflows.recovery_stage import GONE
from tests.workflows.slack_channel import (
    REFUSED_FOR_NOW,
    Channel,
    Edition,
    policy,
    request,
    serving,
    start,
    until_waiting,
)
from tests.workflows.waits import until_idle
from workflows.delivery.delivery import Delivery

DELIVERY = names.delivery_id("payments", "2026-W47", "slack-payments")
PAGE = names.own_escalation_id(DELIVERY)
RECOVERY = "recovery:payments:2026-W47:slack.deliver:1"
ALONE = GoOnAlone(places=(HeldPlace(escalation_id=PAGE, workflow_id=RECOVERY),))
ONE_HOUR = request().schedule.model_copy(update={"retry_after": (timedelta(hours=1),)})


@workflow.defn(name="EscalationThatIsLeft", sandboxed=False)
class Asking:
    """What a Delivery leaves when it needs no answer any more."""

    def __init__(self) -> None:
        self._left: SubscriberLeft | None = None

    @workflow.run
    async def run(self) -> SubscriberLeft:
        await workflow.wait_condition(lambda: self._left is not None)
        assert self._left is not None
        return self._left

    @workflow.signal
    def left(self, said: SubscriberLeft) -> None:
        self._left = said


class Following(NamedTuple):
    delivery: WorkflowHandle[Delivery, DeliveryOutcome]
    escalation: WorkflowHandle[Asking, SubscriberLeft]

    async def hears(self, decision: Decision, *, escalation_id: str = "") -> None:
        said = EscalationDecided(
            escalation_id=escalation_id or self.escalation.id, decision=decision, by="anna", note="as agreed"
        )
        await self.delivery.signal("decided", said)


async def asking(environment: WorkflowEnvironment, queue: str) -> WorkflowHandle[Asking, SubscriberLeft]:
    """The page about the channel, which a recovery has opened."""
    return await environment.client.start_workflow(Asking.run, id=PAGE, task_queue=f"asking-{queue}")


@asynccontextmanager
async def following(environment: WorkflowEnvironment, channel: Channel) -> AsyncIterator[Following]:
    """A delivery that has failed once and tries again in an hour; time passes for who waits for its result."""
    async with (
        serving(environment, channel) as queue,
        Worker(environment.client, task_queue=f"asking-{queue}", workflows=[Asking]),
    ):
        escalation = await asking(environment, queue)
        with environment.auto_time_skipping_disabled():
            delivery = await start(environment, queue, request(schedule=ONE_HOUR, is_looked_after=True))
            await until_waiting(delivery)
            await delivery.signal("go_on_alone", ALONE)
            await channel.was_joined.wait()
        yield Following(delivery, escalation)
        with suppress(RPCError):
            await escalation.terminate("its test is over")


async def test_it_takes_the_place_of_the_recovery_and_offers_what_it_can_do(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)])
    async with following(skipping_time, channel) as on:
        await on.delivery.result()
    (join,) = channel.joins
    assert (join.escalation_id, join.replaces) == (PAGE, RECOVERY)
    assert join.subscriber.choices == (Decision.RETRY, Decision.SKIP)
    assert not join.subscriber.is_waiting
    assert join.subscriber.subject == "payments 2026-W47: not in #payments yet, which is tried again"


async def test_nobody_is_asked_any_more_when_it_is_there(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)])
    async with following(skipping_time, channel) as on:
        await on.hears(Decision.RETRY, escalation_id="escalation:another")
        left = await on.escalation.result()
        outcome = await on.delivery.result()
    assert left == SubscriberLeft(workflow_id=DELIVERY, is_healed=True, note="#payments: delivered")
    assert channel.waits[0] > timedelta(minutes=59)
    (refused,) = outcome.refused_messages
    assert refused.startswith("signal 'decided' of escalation:another, which was not joined")


async def test_to_retry_is_to_try_at_once(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)])
    async with following(skipping_time, channel) as on:
        await on.hears(Decision.RETRY)
        outcome = await on.delivery.result()
    assert outcome.state is DeliveryState.DELIVERED
    assert channel.waits[0] < timedelta(minutes=1)


@pytest.mark.parametrize("decision", [Decision.SKIP, Decision.ABORT])
async def test_to_let_it_be_is_to_post_it_no_more(decision: Decision, skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)])
    async with following(skipping_time, channel) as on:
        await on.hears(decision)
        outcome = await on.delivery.result()
    assert (outcome.state, outcome.was_stopped) == (DeliveryState.FAILED, True)
    assert outcome.reason == f"{decision.value}, decided by anna (as agreed)"
    assert len(channel.sends) == 1


async def test_a_decision_that_comes_before_it_knows_that_it_has_joined_counts(
    skipping_time: WorkflowEnvironment,
) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)], joining=asyncio.Event())
    async with following(skipping_time, channel) as on:
        await on.hears(Decision.SKIP)
        with skipping_time.auto_time_skipping_disabled():
            while (await on.delivery.query(Delivery.outcome)).state is DeliveryState.PENDING:
                await asyncio.sleep(0.02)
        assert channel.joining is not None
        channel.joining.set()
        outcome = await on.delivery.result()
    assert outcome.reason == "skip, decided by anna (as agreed)"
    assert len(channel.sends) == 1


async def test_who_comes_to_follow_when_all_is_done_leaves_at_once(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(is_database_away=True)
    lasting = policy(attempts=50).model_copy(update={"schedule_to_close": timedelta(days=7)})
    policies = request().policies | {contracts.RECORD_DELIVERY.name: lasting}
    async with serving(skipping_time, channel) as queue:
        with skipping_time.auto_time_skipping_disabled():
            delivery = await start(skipping_time, queue, request(policies=policies))
            await channel.was_recorded.wait()
            async with Worker(skipping_time.client, task_queue=f"asking-{queue}", workflows=[Asking]):
                escalation = await asking(skipping_time, queue)
                await delivery.signal("go_on_alone", ALONE)
                assert (await escalation.result()).is_healed
            channel.is_database_away = False
        await delivery.result()


@asynccontextmanager
async def without_edition(environment: WorkflowEnvironment, channel: Channel) -> AsyncIterator[Following]:
    """A delivery whose recovery has ended and kept its place, and whose edition has then gone without a word."""
    async with (
        serving(environment, channel) as queue,
        Worker(environment.client, task_queue=f"asking-{queue}", workflows=[Asking]),
    ):
        escalation = await asking(environment, queue)
        with environment.auto_time_skipping_disabled():
            edition = await environment.client.start_workflow(Edition.run, id=f"edition:{queue}", task_queue=queue)
            asked = request(schedule=ONE_HOUR, is_looked_after=True, reply_to=edition.id)
            delivery = await start(environment, queue, asked)
            await until_waiting(delivery)
            await delivery.signal("places_kept", PlacesKept(places=ALONE.places))
            await edition.signal("delivery_reported", (await delivery.query(Delivery.outcome)).model_copy(update=OVER))
            await edition.result()
        yield Following(delivery, escalation)
        with suppress(RPCError):
            await escalation.terminate("its test is over")


OVER = {"state": DeliveryState.DELIVERED}


async def test_without_its_edition_it_says_in_the_place_of_a_recovery_that_it_is_there(
    skipping_time: WorkflowEnvironment,
) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)])
    async with without_edition(skipping_time, channel) as on:
        await on.delivery.result()
        left = await asyncio.wait_for(on.escalation.result(), 60)
    assert (left.workflow_id, left.is_healed, left.note) == (RECOVERY, True, "#payments: delivered")
    assert channel.joins == []


async def test_without_its_edition_it_says_in_the_place_of_a_recovery_that_it_gave_up(
    skipping_time: WorkflowEnvironment,
) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)] * 2)
    async with without_edition(skipping_time, channel) as on:
        assert (await on.delivery.result()).state is DeliveryState.DEAD
    (join,) = channel.joins
    assert (join.escalation_id, join.replaces, bool(join.subscriber.remedy)) == (PAGE, RECOVERY, True)


async def test_without_its_edition_it_follows_in_the_place_of_a_recovery(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)] * 2)
    async with without_edition(skipping_time, channel) as on:
        with skipping_time.auto_time_skipping_disabled():
            await on.delivery.signal("try_now", TryNow())
            await asyncio.wait_for(channel.was_joined.wait(), 60)
            await on.hears(Decision.SKIP)
            outcome = await on.delivery.result()
    assert outcome.reason == "skip, decided by anna (as agreed)"
    (join,) = channel.joins
    assert (join.escalation_id, join.replaces) == (PAGE, RECOVERY)
    assert join.subscriber.choices == (Decision.RETRY, Decision.SKIP)


@workflow.defn(name="EditionThatStays", sandboxed=False)
class Staying:
    """An edition that goes on beside its delivery, and keeps what is reported."""

    def __init__(self) -> None:
        self._reports: list[DeliveryOutcome] = []

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: False)

    @workflow.signal
    def delivery_reported(self, outcome: DeliveryOutcome) -> None:
        self._reports.append(outcome)

    @workflow.query
    def reports(self) -> list[DeliveryOutcome]:
        return self._reports


class Beside(NamedTuple):
    delivery: WorkflowHandle[Delivery, DeliveryOutcome]
    escalation: WorkflowHandle[Asking, SubscriberLeft]
    edition: WorkflowHandle[Staying, None]

    async def told(self) -> list[tuple[DeliveryState, bool]]:
        """What the edition heard: how it stands, and whether people know."""
        return [(report.state, report.has_told_people) for report in await self.edition.query(Staying.reports)]


@asynccontextmanager
async def beside_its_edition(environment: WorkflowEnvironment, channel: Channel) -> AsyncIterator[Beside]:
    """A delivery whose recovery has ended and kept its place, while its edition goes on."""
    async with (
        serving(environment, channel) as queue,
        Worker(environment.client, task_queue=f"asking-{queue}", workflows=[Asking, Staying]),
    ):
        escalation = await asking(environment, queue)
        with environment.auto_time_skipping_disabled():
            edition = await environment.client.start_workflow(
                Staying.run, id=f"edition:{queue}", task_queue=f"asking-{queue}"
            )
            asked = request(schedule=ONE_HOUR, is_looked_after=True, reply_to=edition.id)
            delivery = await start(environment, queue, asked)
            await until_waiting(delivery)
            await delivery.signal("places_kept", PlacesKept(places=ALONE.places))
            await until_idle(delivery)
            assert channel.joins == [], "while it is tried, the place is the edition's"
        yield Beside(delivery, escalation, edition)
        for run in (edition, escalation):
            with suppress(RPCError):
                await run.terminate("its test is over")


async def test_beside_its_edition_it_gives_up_the_place_of_a_recovery_when_it_is_there(
    skipping_time: WorkflowEnvironment,
) -> None:
    """The edition may be terminated any time, and nobody would be left to do it."""
    async with beside_its_edition(skipping_time, Channel(send_failures=[(REFUSED_FOR_NOW, False)])) as on:
        assert (await on.delivery.result()).state is DeliveryState.DELIVERED
        left = await asyncio.wait_for(on.escalation.result(), 60)
    assert (left.workflow_id, left.is_healed, left.note) == (RECOVERY, True, "#payments: delivered")


async def test_beside_its_edition_it_says_in_the_place_of_a_recovery_that_it_gave_up(
    skipping_time: WorkflowEnvironment,
) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)] * 2)
    async with beside_its_edition(skipping_time, channel) as on:
        await on.delivery.result()
        told = await on.told()
    (join,) = channel.joins
    assert told[-2:] == [(DeliveryState.DEAD, False), (DeliveryState.DEAD, True)]
    assert (join.escalation_id, join.replaces, bool(join.subscriber.remedy)) == (PAGE, RECOVERY, True)


async def test_beside_its_edition_it_claims_to_have_told_nobody_whom_it_could_not_tell(
    skipping_time: WorkflowEnvironment,
) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)] * 2, join_fails=GONE)
    async with beside_its_edition(skipping_time, channel) as on:
        await on.delivery.result()
        told = await on.told()
    assert channel.joins
    assert told[-1] == (DeliveryState.DEAD, False)
