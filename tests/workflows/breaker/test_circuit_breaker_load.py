"""Continue-as-new under load: fifty reports a second, probes beside them, and nothing is lost or counted twice."""

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import pytest

from devsync.contracts.breaker import ModeDecision, ProbeResult
from devsync.domain.breaker import Outcome, State
from tests.workflows.breaker_stage import BreakerStage, Reporter

pytestmark = pytest.mark.timeout(600)

REPORTERS = 20
PROBERS = 5
PAUSE_SECONDS = 0.4
"""Of each reporter, between two reports: together fifty a second."""
RUNS = 6
"""How many times the load goes on over a continue-as-new."""


async def test_nothing_is_lost_over_many_runs(breaker: BreakerStage) -> None:
    # Half-open for the whole test: probes are lent, and successes do not close it.
    breaker.declare(success_threshold=1_000_000, half_open_max_wait="30d", probe_lease="10m")
    async with breaker.worker():
        await breaker.start()
        moment = datetime.now(UTC) + timedelta(seconds=1)
        await breaker.operations.decide(
            breaker.service, "force_open", ModeDecision(by="anna", reason="a moment", until=moment)
        )
        standing = (await breaker.until(lambda snapshot: snapshot.standing.state is State.HALF_OPEN)).standing
        chance, is_over = random.Random(47), asyncio.Event()
        load = [
            *(report(breaker.reporter(), standing.generation, chance, is_over) for _ in range(REPORTERS)),
            *(probe(breaker.reporter(), chance, is_over) for _ in range(PROBERS)),
            until_many_runs(breaker, is_over),
        ]
        sent = sum(await asyncio.gather(*load), Sent())
        expected = sent.reports + sent.probes + sent.repeated
        snapshot = await breaker.until(lambda snapshot: snapshot.reports + snapshot.duplicates >= expected)
    totals = snapshot.totals
    assert snapshot.reports == sent.reports + sent.probes
    assert snapshot.duplicates >= sent.repeated
    assert (totals.successes, totals.ignored) == (3 * sent.reports, sent.reports)
    assert totals.probes_lent == totals.probes_succeeded + totals.probes_given_back == sent.probes
    assert (totals.probes_expired, totals.probes_unknown, snapshot.refused_count) == (0, 0, 0)
    assert snapshot.leases == ()
    assert sent.reports > 100
    assert sent.probes > 20


class Sent(NamedTuple):
    reports: int = 0
    repeated: int = 0
    """Sent again, under the same number."""
    probes: int = 0
    """Leased, and settled by a report of their own."""

    def __add__(self, other: "Sent") -> "Sent":  # type: ignore[override]
        return Sent(*(one + another for one, another in zip(self, other, strict=True)))


async def report(one: Reporter, generation: int, chance: random.Random, is_over: asyncio.Event) -> Sent:
    sent = Sent()
    async for _ in paced(chance, is_over):
        batch = await one.report(generation, successes=3, ignored=1)
        sent += Sent(reports=1)
        if chance.random() < 0.1:
            await one.stage.send(batch)
            sent += Sent(repeated=1)
    return sent


async def probe(one: Reporter, chance: random.Random, is_over: asyncio.Event) -> Sent:
    sent = Sent()
    async for _ in paced(chance, is_over):
        answer = await one.probes()
        for lease in answer.leases:
            outcome = chance.choice([Outcome.SUCCESS, Outcome.IGNORED, Outcome.THROTTLED])
            await one.settle(ProbeResult(lease_id=lease.id, outcome=outcome))
            sent += Sent(probes=1)
    return sent


async def until_many_runs(breaker: BreakerStage, is_over: asyncio.Event) -> Sent:
    runs = set[str]()
    while len(runs) < RUNS:
        runs.add((await breaker.handle.describe()).run_id)
        await asyncio.sleep(0.2)
    is_over.set()
    return Sent()


async def paced(chance: random.Random, is_over: asyncio.Event) -> AsyncIterator[None]:
    """Turns at their times, whatever a turn takes."""
    loop = asyncio.get_running_loop()
    due = loop.time() + chance.uniform(0, PAUSE_SECONDS)
    while not is_over.is_set():
        await asyncio.sleep(due - loop.time())
        yield
        # As gates do, never one directly after the other: a server that is too busy would never get to its own work.
        due = max(due + PAUSE_SECONDS, loop.time() + PAUSE_SECONDS / 2)
