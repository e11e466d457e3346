"""Two processes, a GitHub that fails, and what it sees of them: nothing while open, no more than the probes after."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from commands.stack import ROOT
from devsync.domain.breaker import Event, State
from sandbox.faults import Fault, FaultKind
from sandbox.running import Sandbox, run_sandbox
from sandbox.worlds.demo import demo_world
from tests.runtime.breaker.caller import THREADS
from tests.runtime.breaker.stage import Stage, until

PROBES = 2
LATENCY = Fault(kind=FaultKind.LATENCY, service="github", latency_ms=150)


@asynccontextmanager
async def caller(stage: Stage, sandbox: Sandbox, service: str) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.runtime.breaker.caller", cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    task = {
        "temporal": stage.temporal.address,
        "service": service,
        "github": sandbox.github_url,
        "token": sandbox.credentials.github_token,
    }
    process.stdin.write(json.dumps(task).encode() + b"\n")
    try:
        assert await asyncio.wait_for(process.stdout.readline(), 60) == b"ready\n"
        yield
    finally:
        process.stdin.close()
        await asyncio.wait_for(process.wait(), 60)
    assert process.returncode == 0


async def test_two_processes_leave_a_service_that_is_down_alone_and_come_back_gently(stage: Stage) -> None:
    service = stage.service(recovery_timeout="6s", half_open_max_calls=PROBES, success_threshold=6)
    async with run_sandbox(demo_world("2026-W47"), services=("github",)) as sandbox, stage.entities():
        sandbox.faults.add(LATENCY)
        async with caller(stage, sandbox, service), caller(stage, sandbox, service):
            requests = sandbox.log.select
            await until(lambda: max(record.in_flight_at_start for record in requests("github")) > THREADS)
            broken = sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", status=503))
            await stage.until_state(service, State.OPEN)
            sandbox.faults.clear(broken)
            await stage.until_state(service, State.HALF_OPEN)
            snapshot = await stage.until_state(service, State.CLOSED)
            begun = len(requests("github"))
            await until(lambda: len(requests("github")) > begun + 4 * THREADS)
        at = {transition.event: transition.at for transition in snapshot.transitions}
        opened, half_opened, closed = at[Event.OPENED], at[Event.HALF_OPENED], at[Event.CLOSED]
        assert half_opened - opened >= timedelta(seconds=6)
        seen = sandbox.log.select("github")
        while_open = [one for one in seen if opened + timedelta(seconds=2) <= one.started_at < half_opened]
        probing = [one for one in seen if half_opened <= one.started_at < closed]
        assert while_open == []
        assert 6 <= len(probing) <= snapshot.totals.probes_lent
        assert max(one.in_flight_at_start for one in probing) == PROBES
    assert snapshot.totals.probes_failed == 0
