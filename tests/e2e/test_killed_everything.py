"""`kill -9` of worker and Temporal server at the worst moments: all goes on by itself, nothing lost, nothing twice."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import WorkflowHandle
from temporalio.service import RPCError

from devsync.contracts import activities, names
from devsync.contracts.amendment import AmendmentProgress
from devsync.contracts.delivery import DeliveryOutcome, DeliveryState, TryNow
from devsync.contracts.edition import EditionStatus
from sandbox.expectation import expected_items
from sandbox.faults import Fault, FaultKind
from sandbox.postgres import PostgresServer
from sandbox.processes import ChildProcess
from sandbox.worlds.demo import demo_world
from tests.e2e.asking import pages, until_told
from tests.e2e.shelf import asked_pages, last_request, stored_pages
from tests.e2e.stage import PATIENCE_SECONDS, Stage, eventually, stage_for
from tests.servers import Servers, running_temporal

pytestmark = pytest.mark.timeout(300)

WEEK = "2026-W47"
POST = "chat.postMessage"


@pytest.fixture
async def stage(postgres: PostgresServer, tmp_path: Path) -> AsyncIterator[Stage]:
    """With a Temporal server of its own, since it is killed, and patience that fits a test."""
    async with (
        running_temporal() as temporal,
        stage_for(demo_world(WEEK), Servers(postgres, temporal), tmp_path) as ready,
    ):
        ready.choose_road("rest")
        ready.notice_lost_workers_soon()
        for service in ("github", "jira"):
            ready.change_service(service, "retry", initial="200ms", maximum="500ms", attempts=3)
        ready.change_service("slack", "timeouts", http_read="2s", start_to_close="4s")
        ready.change_service("slack", "retry", attempts=1)
        ready.keep_steps("slack-delivery", "retry", "queue")
        ready.change_plan("slack-delivery", "retry", timeout="3s", retry={"attempts": 1})
        yield ready


def queue_after_a_try(stage: Stage) -> None:
    """A channel that is down is queued soon; its next try is minutes away, whatever its own schedule says."""
    stage.change_team(deliver_by="8s")
    stage.change_delivery(delivery_reserve="5s", slack={"retry_schedule": ["6s"] * 60})
    stage.change_plan("slack-delivery", "queue", **{"with": {"next_try": "5m"}})


async def kill_everything(stage: Stage, worker: ChildProcess) -> None:
    """The server first: what the worker finishes in its last moments, nobody hears of."""
    await stage.servers.temporal.kill()
    await asyncio.sleep(0.3)
    await worker.kill()


async def bring_the_server_back(stage: Stage) -> None:
    """With the file that it had."""
    await stage.servers.temporal.start()

    async def answers() -> bool:
        try:
            return await stage.client.service_client.check_health(timeout=timedelta(seconds=1))
        except RPCError:
            return False

    await eventually(answers)


async def until_under_way(handle: WorkflowHandle[Any, Any], activity: str) -> None:
    """Until a worker has that activity of the workflow in hand."""

    async def is_started() -> bool:
        pending = (await handle.describe()).raw_description.pending_activities
        return any(
            one.activity_type.name == activity and one.state == PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
            for one in pending
        )

    await eventually(is_started)


def everything_in_slack_stands_once(stage: Stage) -> bool:
    """What was posted is what stands there, whichever the channel, and no key of the edition stands twice."""
    standing = sum(len(channel.messages) for channel in stage.slack.channels.values())
    return stage.slack.counts.posts == standing and len(stage.keys) == len(set(stage.keys)) == len(stage.messages) > 0


def posts_asked_for(stage: Stage) -> int:
    return len(stage.sandbox.log.select("slack", path=POST))


async def test_during_recoveries_one_in_the_middle_of_a_step_and_one_while_people_are_asked(stage: Stage) -> None:
    retrying = {"attempts": 50, "initial": "1s", "factor": 1}
    stage.change_plan("github-collection", "retry", heartbeat="9s", retry=retrying)
    stage.keep_steps("jira-collection", "cached", ask="missing")
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="jira", status=503))
    github_is_down = stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", status=503))

    async def has_stored_something() -> bool:
        return bool(stored_pages(stage))

    async with stage.worker("first") as worker:
        edition = await stage.start()
        await until_told(stage)
        stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="github", latency_ms=400, jitter=0.5))
        stage.sandbox.faults.clear(github_is_down)
        await eventually(has_stored_something)
        await kill_everything(stage, worker)
    shelf, last = stored_pages(stage), last_request(stage)
    stage.sandbox.faults.clear()
    await bring_the_server_back(stage)
    async with stage.worker("second"):
        escalation_id = names.service_escalation_id(names.JIRA)
        code, _, errors = await stage.starter("escalation", "resolve", "jira", "retry")
        assert code == 0, errors
        result = await asyncio.wait_for(edition.result(), PATIENCE_SECONDS)
        await asyncio.wait_for(stage.client.get_workflow_handle(escalation_id).result(), PATIENCE_SECONDS)
    github, jira = sorted(result.recoveries, key=lambda one: one.service)
    assert [step.id for step in github.steps if step.state != "skipped"] == ["retry"]
    assert (github.outcome, jira.outcome, jira.decision, jira.escalations) == (
        "healed", "healed", "retry", (escalation_id,)
    )  # fmt: skip
    assert not shelf & asked_pages(stage, last), "it goes on after what was stored"
    assert result.status is EditionStatus.COMPLETE
    assert result.item_count == len(expected_items(stage.sandbox.world, stage.sandbox.world.teams[0], WEEK))
    (page,) = pages(stage)
    assert page.text.startswith("Resolved")
    assert everything_in_slack_stands_once(stage)
    assert sorted(row["service"] for row in stage.rows("SELECT service FROM recoveries")) == ["github", "jira"]


async def test_while_a_delivery_is_queued_and_again_in_the_middle_of_its_post(stage: Stage) -> None:
    queue_after_a_try(stage)
    stage.sandbox.pause("slack")
    async with stage.worker("first") as worker:
        result = await stage.run()
        await kill_everything(stage, worker)
    stage.sandbox.resume("slack")
    await bring_the_server_back(stage)
    delivery = stage.delivery(WEEK)
    async with stage.worker("second") as worker:
        queued = await delivery.query("outcome", result_type=DeliveryOutcome)
        await asyncio.sleep(3)
        assert posts_asked_for(stage) == 0, "it is put off until its next try, which is minutes away"
        stage.sandbox.faults.add(
            Fault(kind=FaultKind.COMMITTED_TIMEOUT, service="slack", route=POST, seconds=1.5, count=1)
        )
        await delivery.signal("try_now", TryNow())
        await stage.until_posted()
        await kill_everything(stage, worker)
    await bring_the_server_back(stage)
    async with stage.worker("third"):
        outcome = await asyncio.wait_for(delivery.result(), PATIENCE_SECONDS)
    assert [channel.state for channel in result.channels] == [DeliveryState.QUEUED]
    assert (queued.state, queued.setback is not None) == (DeliveryState.PENDING, True)
    assert (outcome.state, outcome.revision) == (DeliveryState.DELIVERED, 1)
    assert everything_in_slack_stands_once(stage)
    assert posts_asked_for(stage) == len(stage.messages)
    assert {row["state"] for row in stage.rows("SELECT state FROM deliveries")} == {"delivered"}


@pytest.mark.parametrize("post", ["never_arrived", "arrived_without_an_answer"])
async def test_during_an_amendment_whose_revision_joins_the_one_that_is_queued(stage: Stage, post: str) -> None:
    """Slack gets one message, of revision 2: also where that of revision 1 stands there, and nobody knows."""
    queue_after_a_try(stage)
    stage.keep_steps("github-collection", "cached")
    broken = stage.sandbox.world.teams[0].repositories[0]
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", route=f"/repos/{broken}/", status=503))
    if post == "never_arrived":
        stage.sandbox.pause("slack")
    else:
        stage.sandbox.faults.add(Fault(kind=FaultKind.COMMITTED_TIMEOUT, service="slack", route=POST, seconds=60))
    amendment = stage.client.get_workflow_handle(names.amendment_id(stage.team, WEEK), result_type=AmendmentProgress)
    delivery = stage.delivery(WEEK)

    async def has_revision_2() -> bool:
        outcome: DeliveryOutcome = await delivery.query("outcome", result_type=DeliveryOutcome)
        return outcome.revision == 2

    async with stage.worker("first") as worker:
        edition = await stage.start()
        if post == "arrived_without_an_answer":
            await stage.until_posted()
            stage.sandbox.pause("slack")
        result = await asyncio.wait_for(edition.result(), PATIENCE_SECONDS)
        stage.sandbox.faults.clear()
        stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="github", latency_ms=800))
        await amendment.signal("try_now", {"by": "anna"})
        await until_under_way(amendment, activities.COLLECT_REPOSITORIES_AGAIN.name)
        await kill_everything(stage, worker)
    stage.sandbox.faults.clear()
    await bring_the_server_back(stage)
    async with stage.worker("second") as worker:
        await eventually(has_revision_2)
        await kill_everything(stage, worker)
    stage.sandbox.resume("slack")
    await bring_the_server_back(stage)
    async with stage.worker("third"):
        outcome = await asyncio.wait_for(delivery.result(), PATIENCE_SECONDS)
        healed = await asyncio.wait_for(amendment.result(), PATIENCE_SECONDS)
    assert (result.status, result.revision) == (EditionStatus.PARTIAL, 1)
    assert [channel.state for channel in result.channels] == [DeliveryState.QUEUED]
    assert (healed.ended, healed.revision) == ("everything is there", 2)
    assert (outcome.state, outcome.revision) == (DeliveryState.DELIVERED, 2)
    assert {part.revision for part in outcome.parts} == {2}
    assert everything_in_slack_stands_once(stage)
    assert stage.slack.counts.updates == (1 if post == "arrived_without_an_answer" else 0)
    editions = stage.rows("SELECT revision, status FROM editions ORDER BY revision")
    assert [(row["revision"], row["status"]) for row in editions] == [(1, "partial"), (2, "complete")]
    assert {(row["state"], row["revision"]) for row in stage.rows("SELECT state, revision FROM deliveries")} == {
        ("delivered", 2)
    }
