"""Workers, databases and answers that go away at the worst moment: nothing is lost, nothing is posted twice."""

import asyncio
import random
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from devsync.contracts.delivery import DeliveryState
from devsync.contracts.edition import EditionStatus, Phase
from sandbox.expectation import expected_items
from sandbox.faults import Fault, FaultKind
from sandbox.worlds.generator import generated_world
from tests.e2e.shelf import Page, asked_pages, last_request, stored_pages
from tests.e2e.stage import Stage, eventually, stage_for
from tests.servers import Servers

pytestmark = pytest.mark.timeout(300)


async def test_five_killed_workers_cost_no_page_twice_and_no_message_twice(servers: Servers, tmp_path: Path) -> None:
    world = generated_world(repositories=8, projects=2, pull_requests=1600, issues=60, week="2026-W47")
    async with stage_for(world, servers, tmp_path) as stage:
        stage.notice_lost_workers_soon()
        for service in ("github", "jira"):
            stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service=service, latency_ms=400, jitter=0.5))
        stage.change_service("github", "retry", maximum="1s")
        stage.choose_road("rest")
        moments = random.Random(47)
        handle = await stage.start()
        shelf: set[Page] = set()
        last = 0
        for crash in range(5):
            more = len(shelf) + moments.randint(1, 4)

            async def has_stored(more: int = more) -> bool:
                return len(stored_pages(stage)) >= more

            async with stage.worker(f"worker-{crash}") as worker:
                await eventually(has_stored)
                await asyncio.sleep(moments.uniform(0, 0.3))
                await worker.kill()
            await asyncio.sleep(0.8)  # requests that were in flight are answered into nowhere
            assert not shelf & asked_pages(stage, last), f"worker {crash} asked for what those before it had stored"
            shelf, last = stored_pages(stage), last_request(stage)
        async with stage.worker("last"):
            result = await asyncio.wait_for(handle.result(), 120)
        asked_by_the_last = asked_pages(stage, last)
        assert asked_by_the_last
        assert not shelf & asked_by_the_last
        assert result.status is EditionStatus.COMPLETE
        assert result.item_count == len(expected_items(world, world.teams[0], "2026-W47"))
        assert len(stage.keys) == len(set(stage.keys)) == len(stage.messages)


async def test_a_post_that_times_out_after_it_was_committed_is_not_posted_again(stage: Stage) -> None:
    stage.change_service("slack", "timeouts", http_read="2s", start_to_close="4s")
    stage.change_delivery(slack={"retry_schedule": ["1s"] * 10})
    stage.sandbox.faults.add(
        Fault(kind=FaultKind.COMMITTED_TIMEOUT, service="slack", route="chat.postMessage", seconds=3, count=2)
    )
    async with stage.worker():
        result = await stage.run()
    assert [channel.state for channel in result.channels] == [DeliveryState.DELIVERED]
    assert len(stage.keys) == len(set(stage.keys)) == len(stage.messages)
    assert stage.slack.counts.posts == len(stage.messages)


async def test_a_worker_killed_while_it_posts_leaves_one_message_a_part(stage: Stage) -> None:
    stage.change_service("slack", "timeouts", http_read="2s", start_to_close="4s")
    stage.change_delivery(slack={"retry_schedule": ["1s"] * 10})
    stage.sandbox.faults.add(
        Fault(kind=FaultKind.COMMITTED_TIMEOUT, service="slack", route="chat.postMessage", seconds=3, count=1)
    )
    async with stage.worker() as worker:
        handle = await stage.start()
        await stage.until_posted()
        await worker.kill()
    async with stage.worker("second"):
        result = await asyncio.wait_for(handle.result(), 60)
    assert [channel.state for channel in result.channels] == [DeliveryState.DELIVERED]
    assert stage.slack.counts.posts == len(set(stage.keys)) == len(stage.messages)


async def test_without_the_database_the_edition_goes_out_and_the_records_follow(stage: Stage) -> None:
    def deliveries() -> list[str]:
        return [row["state"] for row in stage.rows("SELECT state FROM deliveries")]

    async def is_on_record() -> bool:
        return bool(deliveries())

    stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="github", latency_ms=2000))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(stage.worker())
        handle = await stage.start()
        await stage.until_phase(handle, Phase.COLLECTING)
        await stage.servers.postgres.stop()
        stage.sandbox.faults.clear()
        try:
            await stage.until_posted()
            await stage.until_phase(handle, Phase.RECORDING)
        finally:
            await stage.servers.postgres.start()
        result = await asyncio.wait_for(handle.result(), 90)
        await eventually(is_on_record)
    assert result.item_count == len(expected_items(stage.sandbox.world, stage.sandbox.world.teams[0], "2026-W47"))
    assert len(stage.keys) == len(set(stage.keys)) == len(stage.messages)
    assert [row["status"] for row in stage.rows("SELECT status FROM editions")] == [result.status.value]
    assert deliveries() == ["delivered"] * len(stage.messages)


async def test_a_worker_told_to_stop_hands_its_work_back_and_exits_0(stage: Stage) -> None:
    stage.choose_road("rest")
    stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="github", latency_ms=1000))
    async with stage.worker() as worker:
        handle = await stage.start()

        async def has_stored() -> bool:
            return bool(stored_pages(stage))

        await eventually(has_stored)
        worker.popen.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(worker.wait(), 40) == 0
    shelf, last = stored_pages(stage), last_request(stage)
    stage.sandbox.faults.clear()
    async with stage.worker("second"):
        result = await asyncio.wait_for(handle.result(), 60)
    assert result.status is EditionStatus.COMPLETE
    assert not shelf & asked_pages(stage, last)
