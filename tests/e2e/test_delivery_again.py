"""A week run again after its delivery ended badly, or after somebody deleted a message: nothing stands there twice."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle

from devsync.contracts import names
from devsync.contracts.delivery import DeliveryOutcome, DeliveryState
from devsync.contracts.edition import EditionStatus
from sandbox.faults import Fault, FaultKind
from tests.e2e.stage import Stage, eventually

POST = "chat.postMessage"
IMPATIENT = {"schedule_to_close": "5s", "start_to_close": "5s", "heartbeat": None, "http_read": "2s"}


def delivery(stage: Stage) -> WorkflowHandle[Any, DeliveryOutcome]:
    channel = f"slack-{stage.sandbox.world.teams[0].slack_channels[0]}"
    delivery_id = names.delivery_id(stage.team, stage.sandbox.world.week, channel)
    return stage.client.get_workflow_handle(delivery_id, result_type=DeliveryOutcome)


def stands_once(stage: Stage) -> bool:
    return bool(stage.keys) and len(stage.keys) == len(set(stage.keys)) == len(stage.messages)


async def until_posted(stage: Stage) -> None:
    async def is_posted() -> bool:
        return bool(stage.messages)

    await eventually(is_posted)


async def until_asked(stage: Stage, posts: int) -> None:
    async def are_asked() -> bool:
        return sum(POST in record.path for record in stage.sandbox.log.select("slack")) >= posts

    await eventually(are_asked)


@asynccontextmanager
async def without_the_table(stage: Stage) -> AsyncIterator[None]:
    """The database answers, and lacks what this build needs."""
    async with await psycopg.AsyncConnection.connect(
        stage.servers.postgres.url(stage.database), autocommit=True
    ) as connection:
        await connection.execute("ALTER TABLE deliveries RENAME TO elsewhere")
        try:
            yield
        finally:
            await connection.execute("ALTER TABLE elsewhere RENAME TO deliveries")


@pytest.mark.parametrize("how", ["cancelled", "terminated"])
async def test_a_delivery_stopped_in_the_middle_of_a_post_is_gone_on_with(stage: Stage, how: str) -> None:
    stage.change_service("slack", "timeouts", http_read="3s", start_to_close="5s")
    slow = Fault(kind=FaultKind.LATENCY, service="slack", route=POST, latency_ms=2000, after=1)
    fault = stage.sandbox.faults.add(slow)
    async with stage.worker():
        edition = await stage.start()
        await until_asked(stage, 2)
        await (delivery(stage).cancel(reason="anna: stop") if how == "cancelled" else delivery(stage).terminate())

        async def is_over() -> bool:
            return (await delivery(stage).describe()).status is not WorkflowExecutionStatus.RUNNING

        await eventually(is_over)
        recorded = {row["part"]: row["state"] for row in stage.rows("SELECT part, state FROM deliveries")}
        if how == "cancelled":
            assert [channel.state for channel in (await edition.result()).channels] == [DeliveryState.FAILED]
        else:
            await edition.terminate()  # it would wait for its deadline
        stage.sandbox.faults.clear(fault)
        result = await stage.run()
    assert recorded == ({0: "delivered", 1: "uncertain"} if how == "cancelled" else {})
    assert [channel.state for channel in result.channels] == [DeliveryState.DELIVERED]
    assert stands_once(stage)
    assert stage.slack.counts.posts == len(stage.messages)


async def test_a_record_waits_for_a_database_that_somebody_migrates(stage: Stage) -> None:
    stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="slack", route=POST, latency_ms=1000))
    async with stage.worker():
        edition = await stage.start()
        await until_asked(stage, 1)
        async with without_the_table(stage):
            await edition.result()
            assert (await delivery(stage).describe()).status is WorkflowExecutionStatus.RUNNING
        outcome = await asyncio.wait_for(delivery(stage).result(), 60)
        await stage.run()
    assert outcome.state is DeliveryState.DELIVERED
    assert {row["state"] for row in stage.rows("SELECT state FROM deliveries")} == {"delivered"}
    assert stands_once(stage)


async def test_a_database_without_our_tables_does_not_keep_an_edition_from_its_channel(stage: Stage) -> None:
    async with stage.worker():
        async with without_the_table(stage):
            edition = await stage.start()
            await until_posted(stage)
        result = await edition.result()
    assert [channel.state for channel in result.channels] == [DeliveryState.DELIVERED]


async def test_a_complete_edition_is_not_replaced_by_a_partial_one_unless_asked(stage: Stage) -> None:
    async with stage.worker():
        first = await stage.run()
        posted = [message.blocks for message in stage.messages]
        stage.change_service("github", "timeouts", **IMPATIENT)
        stage.change_service("github", "retry", maximum="1s")
        stage.choose_road("rest")
        broken = next(iter(stage.sandbox.world.repositories))
        stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", route=f"/repos/{broken}/"))
        second = await stage.run()
        assert (second.status, second.revision) == (EditionStatus.PARTIAL, 2)
        (channel,) = second.channels
        assert (channel.state, channel.message_id) == (DeliveryState.KEPT, first.channels[0].message_id)
        assert channel.reason.startswith("not replaced: revision 1 is complete, this one (")
        assert f"lacks github:{broken}" in channel.reason
        assert [message.blocks for message in stage.messages] == posted
        on_record = stage.rows("SELECT revision, status FROM editions ORDER BY revision")
        assert [row["status"] for row in on_record] == ["complete", "partial"]
        code, output, _ = await stage.starter("run", stage.team, "--week", "2026-W47", "--replace")
    assert code == 3
    assert " delivered (" in output
    assert [message.blocks for message in stage.messages] != posted
    assert stands_once(stage)


async def test_a_message_that_somebody_deleted_comes_back_once_with_its_thread(stage: Stage) -> None:
    async with stage.worker():
        await stage.run()
        channel = stage.slack.channel_named(stage.sandbox.world.teams[0].slack_channels[0])
        first = stage.messages[0]
        assert len(stage.messages) > 1
        first.text, first.blocks, first.metadata, first.is_tombstone = "This message was deleted.", [], None, True
        stage.change_team(github={"repositories": stage.sandbox.world.teams[0].repositories})
        again = await stage.run()
    del channel.messages[first.ts]  # Slack does it with the last reply
    assert [channel.state for channel in again.channels] == [DeliveryState.DELIVERED]
    assert again.channels[0].message_id == stage.messages[0].ts != first.ts
    assert {message.thread_ts for message in stage.messages[1:]} == {stage.messages[0].ts}
    assert stands_once(stage)


async def test_a_channel_that_needs_somebody_makes_the_command_fail(stage: Stage) -> None:
    stage.slack.channel_named(stage.sandbox.world.teams[0].slack_channels[0]).is_archived = True
    async with stage.worker():
        code, output, _ = await stage.starter("run", stage.team, "--week", "2026-W47")
    assert code == 1
    assert "complete" in output
    assert " failed: slack answered is_archived" in output
