"""Whoever waits for a service without knowing until when is told that calls go out again, whoever ended the wait."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHandle
from temporalio.worker import Worker

from devsync.contracts import names
from devsync.contracts.breaker import ModeDecision, ProbeResult, ServiceReleased
from devsync.domain.breaker import Outcome, State
from tests.e2e.stage import eventually
from tests.workflows.breaker_stage import BreakerStage

pytestmark = pytest.mark.timeout(120)


@workflow.defn(name=names.AMENDMENT, sandboxed=False)
class Amendment:
    """One that asks again hours later, unless it is told something."""

    def __init__(self) -> None:
        self._released: list[str] = []

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: False)

    @workflow.signal
    def service_released(self, released: ServiceReleased) -> None:
        self._released.append(released.service)

    @workflow.query
    def released(self) -> list[str]:
        return self._released


@asynccontextmanager
async def amendment(breaker: BreakerStage) -> AsyncIterator[WorkflowHandle[Amendment, None]]:
    queue = f"waiting-{uuid.uuid4()}"
    async with Worker(breaker.client, task_queue=queue, workflows=[Amendment]):
        handle = await breaker.client.start_workflow(Amendment.run, id=f"amendment:{queue}", task_queue=queue)

        async def is_listed() -> bool:
            query = f"WorkflowId = '{handle.id}' AND ExecutionStatus = 'Running'"
            return bool([run async for run in breaker.client.list_workflows(query)])

        await eventually(is_listed)
        yield handle
        await handle.terminate("its test is over")


async def probes_succeed(breaker: BreakerStage) -> None:
    one = breaker.reporter()
    await one.report(failures=3)
    await breaker.until(lambda snapshot: snapshot.standing.state is State.HALF_OPEN)
    leases = (await one.probes(5)).leases
    await one.settle(*(ProbeResult(lease_id=lease.id, outcome=Outcome.SUCCESS) for lease in leases))


async def the_pause_is_over(breaker: BreakerStage) -> None:
    await breaker.reporter().pause(timedelta(seconds=2))
    await breaker.until(lambda snapshot: snapshot.standing.paused_until is not None)


async def a_person_ends_it(breaker: BreakerStage) -> None:
    held = ModeDecision(by="anna", reason="maintenance", until=datetime.now(UTC) + timedelta(hours=1))
    await breaker.operations.decide(breaker.service, "force_open", held)
    await breaker.operations.decide(breaker.service, "force_close", held)


@pytest.mark.parametrize("end", [probes_succeed, the_pause_is_over, a_person_ends_it])
async def test_a_service_that_may_be_called_again_is_told_of_once(
    breaker: BreakerStage, end: Callable[[BreakerStage], Awaitable[Any]]
) -> None:
    breaker.declare(failure_threshold=3, recovery_timeout="1s")
    async with breaker.worker(), amendment(breaker) as waiting:
        await breaker.start()
        await end(breaker)

        async def is_told() -> bool:
            return breaker.service in await waiting.query(Amendment.released)

        await eventually(is_told)
        assert (await waiting.query(Amendment.released)).count(breaker.service) == 1


async def test_a_breaker_that_lets_only_probes_out_calls_nobody(breaker: BreakerStage) -> None:
    breaker.declare(failure_threshold=3, recovery_timeout="1s")
    async with breaker.worker():
        await breaker.start()
        await breaker.reporter().report(failures=3)
        await breaker.until(lambda snapshot: snapshot.standing.state is State.HALF_OPEN)
        history = await breaker.handle.fetch_history()
    scheduled = [event.activity_task_scheduled_event_attributes.activity_type.name for event in history.events]
    assert "local.release_waiting" not in scheduled
