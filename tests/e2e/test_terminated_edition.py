"""An edition that is terminated says goodbye to nobody: people hear of its channel all the same, on one page."""

import asyncio
from typing import Any

from temporalio.client import WorkflowHandle
from temporalio.service import RPCError

from devsync.contracts import names
from devsync.contracts.delivery import DeliveryState, TryNow
from devsync.contracts.edition import EditionResult
from devsync.contracts.escalation import EscalationView, Subscriber
from sandbox.faults import Fault, FaultKind
from tests.e2e.stage import Stage, eventually

A_WHILE = 120


def channel_of(stage: Stage) -> str:
    return stage.sandbox.world.teams[0].slack_channels[0]


async def followers(stage: Stage, page: str) -> list[Subscriber]:
    """Who is on that page; nobody where it is not open."""
    handle = stage.client.get_workflow_handle(page)
    try:
        view: EscalationView = await handle.query("state", result_type=EscalationView)
    except RPCError:
        return []
    here = [one.subscriber for one in view.subscribers if one.is_here]
    return here if view.record and view.record.is_open else []


async def until_recovery(stage: Stage, edition: WorkflowHandle[Any, EditionResult]) -> str:
    """The id of the one that looks after the channel."""
    found: list[str] = []

    async def is_there() -> bool:
        progress = await edition.query("progress")
        found[:] = [one["workflow_id"] for one in progress["recoveries"] if one["phase"] == "deliver"]
        return bool(found)

    await eventually(is_there, A_WHILE)
    return found[0]


async def until_alone_on(stage: Stage, page: str) -> Subscriber:
    """Until the delivery is all that is on that page."""
    delivery = stage.delivery(stage.week).id
    there: list[Subscriber] = []

    async def is_there() -> bool:
        there[:] = await followers(stage, page)
        return [one.workflow_id for one in there] == [delivery] and bool(there[0].remedy)

    await eventually(is_there, A_WHILE)
    return there[0]


def pages(stage: Stage) -> int:
    return len(stage.slack.channel_named("oncall").top_level())


async def test_its_channel_dies_later(stage: Stage) -> None:
    stage.change_delivery(slack={"retry_schedule": ["4s", "4s"]})
    stage.change_service("slack", "timeouts", http_read="1s", start_to_close="2s")
    about = rf"/slack-{channel_of(stage)}/"
    stage.sandbox.faults.add(
        Fault(kind=FaultKind.STATUS, service="slack", status=503, route="chat.postMessage", about=about)
    )
    async with stage.worker():
        edition = await stage.start()
        await until_recovery(stage, edition)
        await edition.terminate(reason="anna: it hangs")
        outcome = await asyncio.wait_for(stage.delivery(stage.week).result(), A_WHILE)
        told = await until_alone_on(stage, names.service_escalation_id("slack"))
    assert outcome.state is DeliveryState.DEAD
    assert told.subject.endswith("and not tried any more")
    assert pages(stage) == 1


async def test_its_channel_had_refused_it_before(stage: Stage) -> None:
    """The recovery waits for people when it is cancelled with its edition; the delivery is over, and says nothing."""
    stage.keep_steps("slack-delivery", "manual", ask="missing")
    stage.slack.channel_named(channel_of(stage)).is_archived = True
    page = names.own_escalation_id(stage.delivery(stage.week).id)
    async with stage.worker():
        edition = await stage.start()
        recovery = await until_recovery(stage, edition)

        async def are_asked() -> bool:
            return [one.workflow_id for one in await followers(stage, page)] == [recovery]

        await eventually(are_asked, A_WHILE)
        outcome = await asyncio.wait_for(stage.delivery(stage.week).result(), A_WHILE)
        await edition.terminate(reason="anna: it hangs")
        told = await until_alone_on(stage, page)
    assert outcome.state is DeliveryState.FAILED
    assert told.subject.endswith("which refused it")
    assert pages(stage) == 1


async def test_its_recovery_was_over_before(stage: Stage) -> None:
    """It has queued the channel and told people so; nobody but the delivery can take its place on the page."""
    stage.keep_steps("slack-delivery", "queue", tell="stand_in")
    stage.change_delivery(slack={"retry_schedule": ["4s", "4s"]})
    stage.change_service("slack", "timeouts", http_read="1s", start_to_close="2s")
    about = rf"/slack-{channel_of(stage)}/"
    stage.sandbox.faults.add(
        Fault(kind=FaultKind.STATUS, service="slack", status=503, route="chat.postMessage", about=about)
    )
    page = names.service_escalation_id("slack")
    async with stage.worker():
        edition = await stage.start()
        recovery = await until_recovery(stage, edition)
        await asyncio.wait_for(stage.client.get_workflow_handle(recovery).result(), A_WHILE)
        assert [one.workflow_id for one in await followers(stage, page)] == [recovery]
        await edition.terminate(reason="anna: it hangs")
        await stage.delivery(stage.week).signal("try_now", TryNow())
        told = await until_alone_on(stage, page)
    assert told.subject.endswith("and not tried any more")
    assert pages(stage) == 1
