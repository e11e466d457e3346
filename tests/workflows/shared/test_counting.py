"""What workflows count is counted once, however often they are replayed."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import Worker

from devsync.contracts.delivery import DeliveryState
from devsync.contracts.edition import ChannelResult, EditionResult, EditionStatus
from devsync.runtime.plugin import DevSyncPlugin
from sandbox.temporal_server import TemporalServer
from tests.metric_buffer import Buffered
from workflows.shared.counting import count_amendment, count_delivery, count_edition, count_from_zero

TASKS = 5
QUEUE_LABELS = {"namespace": "default", "workflow_type": "Counting"}


@pytest.fixture
def buffered() -> Buffered:
    return Buffered()


def result(status: EditionStatus, *states: DeliveryState, **changes: Any) -> EditionResult:
    values: dict[str, Any] = {
        "team": "payments",
        "iso_week": "2026-W47",
        "status": status,
        "revision": 1,
        "completeness": 1,
        "item_count": 3,
        "unclassified_ratio": 0,
        "workflow_id": "changelog:payments:2026-W47",
        "run_id": "run-1",
        "channels": tuple(ChannelResult(channel="#payments", kind="slack", state=state) for state in states),
        "seconds": {"total": 100.0, "approve": 60.0},
    }
    return EditionResult.model_validate(values | changes)


@workflow.defn(sandboxed=False)
class Counting:
    @workflow.run
    async def run(self, results: list[EditionResult]) -> None:
        for one in results:
            (count_edition if one.revision == 1 else count_amendment)(one)
        count_delivery("slack", DeliveryState.DELIVERED)
        for _ in range(TASKS):
            await asyncio.sleep(0.01)


async def counted(
    temporal: TemporalServer, buffered: Buffered, *results: EditionResult
) -> list[tuple[str, Any, float]]:
    """By a worker that keeps no run in memory: each task replays the run from its start."""
    client = await Client.connect(temporal.address, plugins=[DevSyncPlugin()], runtime=buffered.runtime)
    queue = f"counting-{uuid.uuid4()}"
    async with Worker(client, task_queue=queue, workflows=[Counting], max_cached_workflows=0):
        await client.execute_workflow(
            Counting.run, list(results), id=queue, task_queue=queue, execution_timeout=timedelta(seconds=60)
        )
    ours = QUEUE_LABELS | {"task_queue": queue}
    told = buffered.told()
    assert all(labels.items() >= ours.items() for _, labels, _ in told)
    return [(name, {key: labels[key] for key in labels.keys() - ours.keys()}, value) for name, labels, value in told]


async def test_an_edition_that_is_everywhere_is_counted_once_as_ended_and_as_delivered(
    temporal: TemporalServer, buffered: Buffered
) -> None:
    complete = {"team": "payments", "status": "complete", "made_by": "run"}
    assert await counted(temporal, buffered, result(EditionStatus.COMPLETE, DeliveryState.DELIVERED)) == [
        ("devsync_editions", complete, 1),
        ("devsync_editions_delivered", complete, 1),
        ("devsync_edition_generation", {"status": "complete"}, 40.0),  # nobody counts the reviewers' time
        ("devsync_deliveries", {"kind": "slack", "state": "delivered"}, 1),
    ]


async def test_what_is_not_everywhere_or_not_made_is_no_delivered_edition(
    temporal: TemporalServer, buffered: Buffered
) -> None:
    results = (
        result(EditionStatus.PARTIAL, DeliveryState.DELIVERED, DeliveryState.QUEUED),
        result(EditionStatus.COMPLETE),  # composed and stored only
        result(EditionStatus.CANCELLED),
    )
    told = await counted(temporal, buffered, *results)
    assert [labels["status"] for name, labels, _ in told if name == "devsync_editions"] == [
        "partial",
        "complete",
        "cancelled",
    ]
    assert [name for name, _, _ in told if name == "devsync_editions_delivered"] == []
    assert [labels for name, labels, _ in told if name == "devsync_edition_generation"] == [
        {"status": "partial"},
        {"status": "complete"},
    ]


async def test_what_an_amendment_makes_is_counted_apart_and_its_time_is_none(
    temporal: TemporalServer, buffered: Buffered
) -> None:
    amended = result(EditionStatus.COMPLETE, DeliveryState.DELIVERED, revision=2)
    partly = result(EditionStatus.PARTIAL, DeliveryState.QUEUED, revision=3)
    told = await counted(temporal, buffered, amended, partly)
    complete = {"team": "payments", "status": "complete", "made_by": "amendment"}
    assert told[:-1] == [
        ("devsync_editions", complete, 1),
        ("devsync_editions_delivered", complete, 1),
        ("devsync_editions", complete | {"status": "partial"}, 1),
    ]


def test_what_begins_at_zero_has_the_labels_that_workflows_give_it(buffered: Buffered) -> None:
    count_from_zero(buffered.meter, "default", ["payments"])
    told = buffered.told()
    assert {value for _, _, value in told} == {0}
    by_runs = {"made_by": "run", "workflow_type": "WeeklyChangelog", "task_queue": "editions", "namespace": "default"}
    assert ("devsync_editions", by_runs | {"team": "payments", "status": "failed"}, 0) in told
    by_amendments = by_runs | {"made_by": "amendment", "workflow_type": "Amendment", "task_queue": "control"}
    for name in ("devsync_editions", "devsync_editions_delivered"):
        assert (name, by_amendments | {"team": "payments", "status": "complete"}, 0) in told
    dead = {"kind": "email", "state": "dead", "workflow_type": "Delivery", "task_queue": "control"}
    assert ("devsync_deliveries", dead | {"namespace": "default"}, 0) in told
