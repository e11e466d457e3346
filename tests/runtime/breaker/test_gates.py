"""Gates of several processes and their entity, on the real server."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta

import pytest

from devsync.contracts.breaker import Decision, ModeDecision
from devsync.domain.breaker import AdmissionKind, BreakerConfig, Mode, Standing, State
from devsync.domain.breaker.refusals import CallRefused, CircuitOpen, ServicePaused
from devsync.runtime.breaker.gate import Gate
from tests.runtime.breaker.stage import Stage, fail, succeed, until


@pytest.fixture(autouse=True)
async def entities(stage: Stage) -> AsyncIterator[None]:
    async with stage.entities():
        yield


def kind(gate: Gate) -> AdmissionKind:
    return gate.ruling().admission.kind


async def test_the_first_report_makes_the_entity_and_its_rules_reach_the_gate(stage: Stage) -> None:
    service = stage.service(failure_threshold=7)
    async with stage.gates(service) as gates:
        gate = gates.gate(service)
        assert not gate.knows_the_entity
        await stage.configured(gate)
        assert gate.knows_the_entity
        assert gate.config.failure_threshold == 7


async def test_what_one_process_suffers_stops_all(stage: Stage) -> None:
    service = stage.service(recovery_timeout="5m")
    async with stage.gates(service) as suffering, stage.gates(service) as other:
        await stage.configured(suffering.gate(service))
        await until(lambda: other.gate(service).knows_the_entity)
        await fail(suffering.gate(service), 3)
        with pytest.raises(CircuitOpen):
            await succeed(suffering.gate(service))
        await until(lambda: kind(other.gate(service)) is AdmissionKind.OPEN)
        with pytest.raises(CircuitOpen, match="3 failures in 15 min") as refused:
            await succeed(other.gate(service))
        entity = await stage.snapshot(service)
        assert refused.value.retry_at == entity.standing.retry_at
        assert "ServiceIsDown" not in entity.standing.reason
        assert f"{service} did not answer in time (a call)" in entity.standing.reason


async def test_failures_of_many_processes_count_together(stage: Stage) -> None:
    service = stage.service(recovery_timeout="5m")
    async with stage.gates(service) as one, stage.gates(service) as two, stage.gates(service) as three:
        await stage.configured(one.gate(service))
        await until(lambda: all(gates.gate(service).knows_the_entity for gates in (two, three)))
        for gates in (one, two, three):
            await fail(gates.gate(service))
        await until(lambda: all(kind(gates.gate(service)) is AdmissionKind.OPEN for gates in (one, two, three)))


async def test_services_do_not_know_of_each_other(stage: Stage) -> None:
    ill, well = stage.service(recovery_timeout="5m"), stage.service()
    async with stage.gates(ill, well) as gates:
        await stage.configured(gates.gate(ill))
        await stage.configured(gates.gate(well))
        await fail(gates.gate(ill), 3)
        await stage.until_state(ill, State.OPEN)
        await succeed(gates.gate(well))
        assert (await stage.snapshot(well)).standing.state is State.CLOSED


async def test_every_outcome_arrives_once_the_last_ones_when_the_process_ends(stage: Stage) -> None:
    service = stage.service(failure_threshold=1000)
    processes, calls = 3, 200
    async with stage.gates(service) as first:
        await stage.configured(first.gate(service))
        for _ in range(processes):
            async with stage.gates(service) as gates:
                gate = gates.gate(service)
                await asyncio.gather(*(asyncio.to_thread(_call_often, gate, calls) for _ in range(2)))
                await fail(gate, 5)
    totals = (await stage.snapshot(service)).totals
    assert (totals.successes, totals.failures) == (1 + processes * calls * 2, processes * 5)


def _call_often(gate: Gate, count: int) -> None:
    for _ in range(count):
        with gate.call("a call"):
            pass


async def test_reports_are_few_however_many_calls_there_are(stage: Stage) -> None:
    service = stage.service(failure_threshold=1000)
    async with stage.gates(service) as gates:
        gate = gates.gate(service)
        await stage.configured(gate)
        before = (await stage.snapshot(service)).reports
        for _ in range(100):
            await succeed(gate, 50)
            await fail(gate)
            await asyncio.sleep(0.02)
    after = await stage.snapshot(service)
    assert after.totals.failures == 100
    assert after.reports - before <= 15, "about three a second, of one process"


async def test_nothing_is_lost_or_counted_twice_while_the_entity_continues_as_new(stage: Stage) -> None:
    service, processes, seconds = stage.service(failure_threshold=1_000_000), 12, 8.0

    async def suffer(gate: Gate) -> int:
        """A failure and ten successes, again and again: each report is an urgent one."""
        count, ends_at = 0, asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < ends_at:
            await fail(gate)
            await succeed(gate, 10)
            count += 1
            await asyncio.sleep(0.05)
        return count

    async with AsyncExitStack() as stack:
        gates = [(await stack.enter_async_context(stage.gates(service))).gate(service) for _ in range(processes)]
        await stage.configured(gates[0])
        await until(lambda: all(gate.config.failure_threshold == 1_000_000 for gate in gates))
        rounds = sum(await asyncio.gather(*map(suffer, gates)))
    snapshot = await stage.snapshot(service)
    assert (snapshot.totals.failures, snapshot.totals.successes) == (rounds, 10 * rounds + 1)
    assert snapshot.totals.of_other_generations == 0
    now = (await stage.entity(service).describe()).raw_description.workflow_execution_info
    assert now.first_run_id != now.execution.run_id, "the server suggests to continue as new after 200 events"


# Half-open.


async def opened(stage: Stage, gate: Gate) -> None:
    await stage.configured(gate)
    await fail(gate, 3)
    await stage.until_state(gate.service, State.OPEN)


class Witness:
    """Counts calls that are under way at once, over all gates that call through it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = 0
        self.most = 0
        self.calls = 0

    def __enter__(self) -> None:
        with self._lock:
            self._now += 1
            self.calls += 1
            self.most = max(self.most, self._now)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._now -= 1


async def test_a_service_that_is_back_closes_its_breaker_by_a_few_probes(stage: Stage) -> None:
    service = stage.service()
    async with stage.gates(service) as gates:
        gate = gates.gate(service)
        await opened(stage, gate)
        await until(lambda: kind(gate) is AdmissionKind.PROBE)
        await succeed(gate)
        assert (await stage.snapshot(service)).standing.state is State.HALF_OPEN
        await succeed(gate)
        snapshot = await stage.until_state(service, State.CLOSED)
        assert (snapshot.totals.probes_lent, snapshot.totals.probes_succeeded) == (2, 2)
        await until(lambda: gate.road is not None)


async def test_a_probe_that_fails_opens_again_for_all(stage: Stage) -> None:
    service = stage.service(recovery_timeout="3s")
    async with stage.gates(service) as one, stage.gates(service) as two:
        await opened(stage, one.gate(service))
        await until(lambda: kind(two.gate(service)) is AdmissionKind.PROBE)
        await fail(two.gate(service))
        await stage.until_state(service, State.OPEN)
        await until(lambda: kind(one.gate(service)) is AdmissionKind.OPEN)


async def test_never_more_probes_at_once_than_allowed_over_all_processes(stage: Stage) -> None:
    service, witness = stage.service(success_threshold=1000, half_open_max_calls=2), Witness()

    def call_patiently(gate: Gate) -> None:
        """One unit of work: refused, it comes back when it was told to."""
        for _ in range(4):
            try:
                with gate.call("a call"), witness:
                    threading.Event().wait(0.1)
            except CallRefused as refused:
                wait = (refused.retry_at - datetime.now(UTC)).total_seconds()
                threading.Event().wait(min(max(wait, 0), 1))

    async with stage.gates(service) as one, stage.gates(service) as two:
        await opened(stage, one.gate(service))
        await until(lambda: kind(two.gate(service)) is AdmissionKind.PROBE)
        threads = [asyncio.to_thread(call_patiently, gates.gate(service)) for gates in (one, two) for _ in range(8)]
        await asyncio.gather(*threads)
    assert witness.most == 2
    snapshot = await stage.snapshot(service)
    assert snapshot.totals.probes_lent >= witness.calls
    assert snapshot.totals.probes_succeeded == witness.calls
    assert snapshot.leases == ()


async def test_waiters_share_one_question_and_the_refused_ones_do_not_ask_again_at_once(stage: Stage) -> None:
    service = stage.service(half_open_max_calls=2)
    async with stage.gates(service) as gates:
        gate = gates.gate(service)
        await opened(stage, gate)
        await until(lambda: kind(gate) is AdmissionKind.PROBE)
        release = asyncio.Event()

        async def hold() -> None:
            async with gate.call("a call"):
                await release.wait()

        held = [asyncio.create_task(hold()) for _ in range(12)]
        await until(lambda: sum(task.done() for task in held) == 10)
        refusals = [task.exception() for task in held if task.done()]
        assert all(isinstance(refusal, CircuitOpen) for refusal in refusals)
        asked = await _updates(stage, service)
        with pytest.raises(CircuitOpen, match="all probes are under way"):
            await succeed(gate)
        assert await _updates(stage, service) == asked <= 3
        release.set()
        await asyncio.gather(*held, return_exceptions=True)
        await stage.until_state(service, State.CLOSED)


async def _updates(stage: Stage, service: str) -> int:
    history = await stage.entity(service).fetch_history()
    return sum(event.HasField("workflow_execution_update_accepted_event_attributes") for event in history.events)


async def test_a_lease_whose_waiter_has_gone_is_given_back(stage: Stage) -> None:
    service = stage.service(half_open_max_calls=1, success_threshold=1)
    async with stage.gates(service) as gates:
        gate = gates.gate(service)
        await opened(stage, gate)
        await until(lambda: kind(gate) is AdmissionKind.PROBE)
        for _ in range(3):
            waiting = asyncio.create_task(succeed(gate))
            await asyncio.sleep(0)
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting
        await until(lambda: kind(gate) is AdmissionKind.PROBE)
        for _ in range(20):
            try:
                await succeed(gate)
                break
            except CircuitOpen:
                await asyncio.sleep(0.3)
        await stage.until_state(service, State.CLOSED)


async def test_calls_that_say_nothing_give_their_probe_back(stage: Stage) -> None:
    service = stage.service(half_open_max_calls=1, success_threshold=1)
    async with stage.gates(service) as gates:
        gate = gates.gate(service)
        await opened(stage, gate)
        await until(lambda: kind(gate) is AdmissionKind.PROBE)
        for _ in range(3):
            with suppress(KeyError):
                async with gate.call("a call"):
                    raise KeyError("our own mistake")
        await succeed(gate)
        snapshot = await stage.until_state(service, State.CLOSED)
        assert snapshot.totals.probes_given_back == 3


# Pauses and operators.


async def test_a_pause_of_one_process_is_a_pause_of_all(stage: Stage) -> None:
    service = stage.service()
    until_then = datetime.now(UTC) + timedelta(hours=1)
    async with stage.gates(service) as one, stage.gates(service) as two:
        await stage.configured(one.gate(service))
        assert one.gate(service).pause(until_then, "429") is not None
        with pytest.raises(ServicePaused):
            await succeed(one.gate(service))
        await until(lambda: kind(two.gate(service)) is AdmissionKind.PAUSED)
        with pytest.raises(ServicePaused, match="it is paused: 429") as refused:
            await succeed(two.gate(service))
        assert until_then <= refused.value.retry_at < until_then + timedelta(seconds=1)
        await stage.entity(service).execute_update("reset", Decision(by="anna", reason="mended"))
        await until(lambda: all(kind(gates.gate(service)) is AdmissionKind.CALL for gates in (one, two)))


async def test_an_operator_opens_and_closes_all_gates(stage: Stage) -> None:
    service = stage.service()
    async with stage.gates(service) as gates:
        gate = gates.gate(service)
        await stage.configured(gate)
        forced: Standing = await stage.entity(service).execute_update(
            "force_open", ModeDecision(by="anna", reason="a migration"), result_type=Standing
        )
        assert forced.mode is Mode.FORCED_OPEN
        await until(lambda: gate.road is None)
        with pytest.raises(CircuitOpen, match="a migration"):
            await succeed(gate)
        await stage.entity(service).execute_update("force_close", ModeDecision(by="anna", reason="it is done"))
        await until(lambda: gate.road is not None)
        await fail(gate, 20)
        await succeed(gate)


async def test_rules_that_an_operator_changes_hold_in_every_process(stage: Stage) -> None:
    service = stage.service(failure_threshold=1000)
    async with stage.gates(service) as gates:
        gate = gates.gate(service)
        await stage.configured(gate)
        config = BreakerConfig(failure_threshold=2)
        await stage.entity(service).execute_update(
            "configure", {"by": "anna", "reason": "tighter", "config": config.model_dump(mode="json")}
        )
        await until(lambda: gate.config.failure_threshold == 2)
        await fail(gate, 2)
        assert kind(gate) is AdmissionKind.OPEN
