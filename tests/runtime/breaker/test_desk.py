"""What a desk does at the seams: while an answer is on its way when the process ends, and after an outage."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from devsync.contracts.breaker import AskProbe, ProbeAnswer
from devsync.domain.breaker import AdmissionKind, Outcomes, State
from devsync.runtime.breaker import desk
from devsync.runtime.breaker.gates import Gates, _for_ever
from tests.e2e.stage import eventually
from tests.runtime.breaker.stage import Stage, fail, until


@pytest.fixture(autouse=True)
async def entities(stage: Stage) -> AsyncIterator[None]:
    async with stage.entities():
        yield


class LateAnswers:
    """The entity's leases, as it gives them; their answer is on its way until `arrive` is set."""

    def __init__(self, gates: Gates, monkeypatch: pytest.MonkeyPatch) -> None:
        self.given: list[ProbeAnswer] = []
        self.arrive = asyncio.Event()
        self._lease = gates._entities.lease
        monkeypatch.setattr(gates._entities, "lease", self._late)

    async def _late(self, service: str, ask: AskProbe, update_id: str) -> ProbeAnswer:
        answer = await self._lease(service, ask, update_id)
        self.given.append(answer)
        await self.arrive.wait()
        return answer


async def half_open(stage: Stage, gates: Gates, service: str) -> None:
    gate = gates.gate(service)
    await stage.configured(gate)
    await fail(gate, 3)
    await stage.until_state(service, State.OPEN)
    await until(lambda: gate.ruling().admission.kind is AdmissionKind.PROBE and not gate.ruling().is_local)


async def test_who_waits_for_a_lease_when_its_process_ends_decides_by_itself_and_the_lease_is_given_back(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = stage.service(probe_lease="5m", half_open_max_calls=1)
    async with stage.gates(service) as gates:
        await half_open(stage, gates, service)
        late = LateAnswers(gates, monkeypatch)
        waiter = gates.ask_for_lease(gates.gate(service))
        await until(lambda: bool(late.given))
        assert [len(answer.leases) for answer in late.given] == [1]
        ending = asyncio.create_task(gates.__aexit__(None, None, None))
        await until(waiter.done)
        assert waiter.result() is None
        assert not ending.done(), "it waits for the answer"
        late.arrive.set()
        await ending

    async def is_back() -> bool:
        snapshot = await stage.snapshot(service)
        return snapshot.leases == () and snapshot.totals.probes_given_back == 1

    await eventually(is_back)


async def test_who_comes_when_nobody_is_served_any_more_decides_by_itself(stage: Stage) -> None:
    service = stage.service()
    async with stage.gates(service) as gates:
        await half_open(stage, gates, service)
    waiter = gates.ask_for_lease(gates.gate(service))
    await until(waiter.done)
    assert waiter.result() is None
    assert (await stage.snapshot(service)).totals.probes_lent == 0, "nobody would tell how the probe ended"


@pytest.mark.parametrize("turns", range(5))
async def test_news_in_the_moment_of_the_end_hold_nobody_up(stage: Stage, turns: int) -> None:
    """So many turns of the event loop after they came."""
    service = stage.service()
    async with stage.gates(service) as gates:
        await stage.configured(gates.gate(service))
        own = gates._desks[service]
        reporting = asyncio.create_task(_for_ever(own.report_in_time))
        await asyncio.sleep(0)  # until it waits for news
        own.wake()
        for _ in range(turns):
            await asyncio.sleep(0)
        reporting.cancel()
        await asyncio.wait([reporting], timeout=30)
        has_ended = reporting.done()
        reporting.cancel()
        assert has_ended


async def test_after_an_outage_what_could_not_be_told_is_told_without_a_calm_wait_in_between(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, slices = stage.service(failure_threshold=1_000), 6
    async with stage.gates(service) as gates:
        gate = gates.gate(service)
        await stage.configured(gate)
        monkeypatch.setattr(desk, "CALM", 1_000_000)  # nothing would come from a calm wait in this test's time
        began = datetime.now(UTC) - timedelta(minutes=10)
        generation = gate.ruling().standing.generation
        with gate._lock:  # ten minutes in which the entity could not be reached
            for number in range(slices):
                at = began + number * timedelta(minutes=1)
                gate._ledger._unsent.add(generation, Outcomes(successes=1, failures=1, earliest=at, latest=at))
        await fail(gate)

        async def all_told() -> bool:
            return (await stage.snapshot(service)).totals.failures == slices + 1

        await eventually(all_told)
