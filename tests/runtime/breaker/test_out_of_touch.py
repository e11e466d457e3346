"""Gates whose entity gives no sign of life: never unguarded, never stuck, and nothing forgotten when it is back."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError

from devsync.contracts.breaker import ModeDecision
from devsync.domain.breaker import AdmissionKind, State
from devsync.domain.breaker.refusals import CircuitOpen
from devsync.runtime.breaker.gate import Gate
from devsync.runtime.breaker.link import ANSWERED_BY
from tests.e2e.stage import eventually
from tests.runtime.breaker.stage import Stage, fail, succeed, until


def kind(gate: Gate) -> AdmissionKind:
    return gate.ruling().admission.kind


def is_local(gate: Gate) -> bool:
    return gate.ruling().is_local


@asynccontextmanager
async def server_away(stage: Stage) -> AsyncIterator[None]:
    """`kill -9` of the Temporal server; it is back after the block."""
    await stage.temporal.kill()
    try:
        yield
    finally:
        await stage.temporal.start()


async def test_a_closed_breaker_without_its_server_opens_and_heals_on_the_own_calls_and_tells_them_afterwards(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    service = stage.service(recovery_timeout="1s")
    async with stage.entities(), stage.gates(service) as gates:
        gate = gates.gate(service)
        await stage.configured(gate)
        async with server_away(stage):
            await until(lambda: not gate.is_in_touch)
            assert f"the breaker of {service} is out of touch" in caplog.text
            await succeed(gate)
            await fail(gate, 3)
            with pytest.raises(CircuitOpen, match="3 failures in 15 min"):
                await succeed(gate)
            await until(lambda: kind(gate) is AdmissionKind.PROBE)
            await succeed(gate, 2)
            assert gate.road is not None, "healed, though nobody knows yet"
            await asyncio.sleep(ANSWERED_BY)  # a report that is on its way still tells of the failures
        await until(lambda: gate.is_in_touch, 30)

        async def told() -> bool:
            with suppress(RPCError, TimeoutError):  # workers need a while until they poll again
                return (await asyncio.wait_for(stage.snapshot(service), 3)).totals.successes == 4
            return False

        await eventually(told)
        assert (await stage.snapshot(service)).standing.state is State.CLOSED, (
            "what has healed is not opened afterwards"
        )


async def test_an_open_breaker_outlives_its_server_and_is_probed_locally_when_its_time_is_over(stage: Stage) -> None:
    service = stage.service(recovery_timeout="6s")
    async with stage.entities(), stage.gates(service) as gates:
        gate = gates.gate(service)
        await stage.configured(gate)
        await fail(gate, 3)
        retry_at = (await stage.until_state(service, State.OPEN)).standing.retry_at
        assert retry_at is not None
        await until(lambda: gate.ruling().standing.retry_at == retry_at)
        async with server_away(stage):
            await until(lambda: is_local(gate))
            with pytest.raises(CircuitOpen) as refused:
                await succeed(gate)
            assert refused.value.retry_at == retry_at, "the same deadline"
            await until(lambda: kind(gate) is AdmissionKind.PROBE)
            assert datetime.now(UTC) >= retry_at
            await succeed(gate)
        await until(lambda: gate.is_in_touch, 30)


async def test_an_entity_that_nobody_runs_is_waited_for_once_and_then_done_without(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    service = stage.service(recovery_timeout="2s", success_threshold=1)
    async with stage.gates(service) as gates:
        gate = gates.gate(service)
        async with stage.entities():
            await stage.configured(gate)
            await fail(gate, 3)
            await stage.until_state(service, State.OPEN)
            await until(lambda: not gate.ruling().is_local)
        await until(lambda: kind(gate) is AdmissionKind.PROBE)
        await succeed(gate)
        assert f"the breaker of {service} gives no probe" in caplog.text
        assert not gate.is_in_touch
        await succeed(gate, 10)
        async with stage.entities():
            await until(lambda: gate.is_in_touch, 30)


async def test_a_forced_open_holds_until_its_end_without_the_entity(stage: Stage) -> None:
    service = stage.service()
    async with stage.gates(service) as gates:
        gate = gates.gate(service)
        async with stage.entities():
            await stage.configured(gate)
            end = datetime.now(UTC) + timedelta(hours=1)
            decision = ModeDecision(by="anna", reason="a migration", until=end)
            await stage.entity(service).execute_update("force_open", decision)
            await until(lambda: gate.road is None)
        await stage.entity(service).terminate("gone")
        await until(lambda: not gate.is_in_touch)
        with pytest.raises(CircuitOpen) as refused:
            await succeed(gate)
        assert refused.value.retry_at == end


async def test_a_terminated_entity_comes_back_with_the_next_report(stage: Stage) -> None:
    service = stage.service(failure_threshold=5)
    async with stage.entities(), stage.gates(service) as gates:
        gate = gates.gate(service)
        await stage.configured(gate)
        await fail(gate, 2)
        first = (await stage.entity(service).describe()).run_id
        await stage.entity(service).terminate("by mistake")
        await fail(gate, 2)

        async def is_back() -> bool:
            description = await stage.entity(service).describe()
            return description.run_id != first and description.status is WorkflowExecutionStatus.RUNNING

        await eventually(is_back)
        await until(lambda: gate.is_in_touch)

        async def has_counted() -> bool:
            return (await stage.snapshot(service)).counts.failures >= 2

        await eventually(has_counted)


async def test_a_process_that_starts_without_a_server_is_guarded_all_the_same(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    service = stage.service()
    async with server_away(stage), stage.gates(service) as gates:
        gate = gates.gate(service)
        await succeed(gate)
        await fail(gate, 10)
        with pytest.raises(CircuitOpen):
            await succeed(gate)


async def test_after_its_end_a_process_is_still_guarded_and_waits_for_nobody(stage: Stage) -> None:
    service = stage.service(recovery_timeout="1s")
    async with stage.entities():
        async with stage.gates(service) as gates:
            gate = gates.gate(service)
            await stage.configured(gate)
            await fail(gate, 3)
            await stage.until_state(service, State.OPEN)
        with pytest.raises(CircuitOpen):
            await asyncio.to_thread(_call, gate)
        await until(lambda: kind(gate) is AdmissionKind.PROBE)
        await asyncio.to_thread(_call, gate)


def _call(gate: Gate) -> None:
    with gate.call("a call"):
        pass
