"""Steps at a real Temporal server: signs of life and cancellations pass through the threads that a step starts."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.worker import Worker
from temporalio.workflow import ActivityCancellationType

from devsync.contracts.recovery import FailedUnit, StepRequest, StepResult
from devsync.domain.errors import Failure
from devsync.runtime.plugin import DevSyncPlugin
from sandbox.faults import Fault, FaultKind
from sandbox.temporal_server import TemporalServer
from sandbox.world import World
from sandbox.worlds.demo import demo_world
from sandbox.worlds.generator import generated_world
from tests.activities.recovery_stage import RecoveryStage, recovery_stage

HEARTBEAT = timedelta(seconds=2)


@workflow.defn(sandboxed=False)
class TakeStep:
    """What an interpreter of plans does with one step."""

    @workflow.run
    async def run(self, name: str, request: StepRequest, attempts: int) -> StepResult:
        result: StepResult = await workflow.execute_activity(
            name,
            request,
            result_type=StepResult,
            start_to_close_timeout=timedelta(seconds=30),
            heartbeat_timeout=HEARTBEAT,
            retry_policy=RetryPolicy(maximum_attempts=attempts, initial_interval=timedelta(milliseconds=100)),
            cancellation_type=ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        )
        return result


@asynccontextmanager
async def steps_at_work(
    temporal: TemporalServer, url: str, folder: Path, world: World | None = None
) -> AsyncIterator[tuple[RecoveryStage, Client, str]]:
    queue = f"steps-{uuid4()}"
    client = await Client.connect(temporal.address, plugins=[DevSyncPlugin()])
    async with recovery_stage(world or demo_world(), url, folder) as stage:
        activities = [*stage.github.all(), *stage.jira.all(), *stage.stand_ins.all(), *stage.mirrors.all()]
        worker = Worker(
            client,
            task_queue=queue,
            workflows=[TakeStep],
            activities=activities,
            activity_executor=ThreadPoolExecutor(4),
        )
        async with worker:
            yield stage, client, queue


async def start(
    stage: RecoveryStage, client: Client, queue: str, name: str, units: list[FailedUnit], *, attempts: int = 1
) -> WorkflowHandle[TakeStep, StepResult]:
    request = StepRequest(
        step="again",
        team="payments",
        iso_week="2026-W47",
        service=units[0].service,
        phase="collect",
        window=stage.window,
        units=tuple(units),
        until=datetime.now(UTC) + timedelta(minutes=1),
    )
    return await client.start_workflow(
        TakeStep.run, args=[name, request, attempts], id=f"step-{uuid4()}", task_queue=queue
    )


async def test_all_units_in_one_activity_that_outlives_its_heartbeat_time_out(
    temporal: TemporalServer, url: str, tmp_path: Path
) -> None:
    async with steps_at_work(temporal, url, tmp_path) as (stage, client, queue):
        stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="github", latency_ms=900))
        units = [stage.repository(name) for name in stage.repositories]
        began = datetime.now(UTC)
        handle = await start(stage, client, queue, "github.collect_again", units)
        result = await handle.result()
        assert datetime.now(UTC) - began > HEARTBEAT, "or the test shows nothing"
        history = await handle.fetch_history()
    assert len(result.healed) == len(units)
    assert len(history.events) <= 11


async def test_an_error_of_all_arrives_classified_and_a_second_attempt_of_the_step_heals(
    temporal: TemporalServer, url: str, tmp_path: Path
) -> None:
    async with steps_at_work(temporal, url, tmp_path) as (stage, client, queue):
        units = [stage.project(stage.projects[0])]
        fault = Fault(kind=FaultKind.STATUS, service="jira", status=503)
        number = stage.sandbox.faults.add(fault)
        with pytest.raises(WorkflowFailureError) as failed:
            await (await start(stage, client, queue, "jira.collect_again", units)).result()
        stage.sandbox.faults.clear(number)
        stage.sandbox.faults.add(fault.model_copy(update={"count": 1}))
        result = await (await start(stage, client, queue, "jira.collect_again", units, attempts=3)).result()
    assert isinstance(failed.value.cause, ActivityError)
    cause = failed.value.cause.cause
    assert isinstance(cause, ApplicationError)
    failure: Failure = cause.details[0]
    assert Failure.model_validate(failure).code == "503"
    assert (len(result.healed), result.attempts) == (1, 2)


async def test_a_cancelled_step_makes_no_further_call(temporal: TemporalServer, url: str, tmp_path: Path) -> None:
    many_pages = generated_world(
        repositories=1, projects=1, pull_requests=2_000, issues=3, week="2026-W47", timezone="UTC"
    )
    async with steps_at_work(temporal, url, tmp_path, many_pages) as (stage, client, queue):
        stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="github", latency_ms=600))
        units = [stage.repository(name) for name in stage.repositories]
        handle = await start(stage, client, queue, "github.collect_again", units)
        while not stage.asked("github"):
            await asyncio.sleep(0.02)
        await handle.cancel()
        with pytest.raises(WorkflowFailureError):
            await handle.result()
        asked = len(stage.asked("github"))
        await asyncio.sleep(1.5)
        assert len(stage.asked("github")) <= asked + 1, "the one on the wire when the step ended, and no other"
