"""One process with gates of its own, for `bench.breaker`: does what each line of its input says, answers in lines.

`{"do": "load", "a_second": 50, "seconds": 100, "failing": 0.02}` or `{"do": "watch", "seconds": 30, "failures": 10}`;
at the end of its input it ends.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from temporalio.client import Client
from temporalio.runtime import MetricBuffer, MetricBufferDurationFormat, Runtime, TelemetryConfig

from devsync.domain.breaker import BreakerConfig
from devsync.runtime.breaker.gate import Gate
from devsync.runtime.breaker.gates import Gates
from devsync.runtime.plugin import DevSyncPlugin

TICK = 0.02
"""Seconds between two handfuls of calls."""
WATCHED_EVERY = 0.005
LAG = "devsync_breaker_report_lag"


def call(gate: Gate, *, fails: bool = False) -> None:
    with suppress(TimeoutError), gate.call("GET /"):
        if fails:
            raise TimeoutError


async def load(gates: list[Gate], a_second: float, seconds: float, failing: float) -> dict[str, int]:
    """This many calls a second through each gate, evenly, whatever the machine's moments."""
    made = failed = 0
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < seconds:
        while made < elapsed * a_second:
            made += 1
            fails = int(made * failing) > failed
            failed += fails
            for gate in gates:
                call(gate, fails=fails)
        await asyncio.sleep(TICK)
    return {"calls": made * len(gates), "failures": failed * len(gates)}


async def until_told(gates: list[Gate]) -> float:
    """Seconds until the server has taken all there was to tell."""
    began = time.monotonic()
    while any(gate.report() is not None for gate in gates):
        await asyncio.sleep(TICK)
    return time.monotonic() - began


async def watch(gates: list[Gate], seconds: float, failures: int) -> list[float]:
    """When each gate was first seen to refuse, in seconds since the epoch, after so many failures of the first one."""

    async def refused(gate: Gate) -> float:
        async with asyncio.timeout(seconds):
            while gate.road is not None:
                await asyncio.sleep(WATCHED_EVERY)
        return time.time()

    for _ in range(failures):
        call(gates[0], fails=True)
    return await asyncio.gather(*(refused(gate) for gate in gates))


@asynccontextmanager
async def gates_of(address: str, service: str, count: int, runtime: Runtime) -> AsyncIterator[list[Gate]]:
    """Each with a connection of its own, as if it were in a process of its own."""
    async with AsyncExitStack() as stack:
        gates = []
        for _ in range(count):
            client = await Client.connect(address, plugins=[DevSyncPlugin()], runtime=runtime)
            made = await stack.enter_async_context(Gates(client, {service: BreakerConfig()}, runtime.metric_meter))
            gates.append(made.gate(service))
        yield gates


def lags(buffer: MetricBuffer) -> list[float]:
    """Seconds that each report since the last time was on its way."""
    return [update.value for update in buffer.retrieve_updates() if update.metric.name == LAG]


async def main(address: str, service: str, count: int) -> None:
    buffer = MetricBuffer(100_000, MetricBufferDurationFormat.SECONDS)
    runtime = Runtime(telemetry=TelemetryConfig(metrics=buffer))
    async with gates_of(address, service, count, runtime) as gates:
        answer({"ready": count})
        while line := await asyncio.to_thread(sys.stdin.readline):
            order: dict[str, Any] = json.loads(line)
            buffer.retrieve_updates()
            match order.pop("do"):
                case "load":
                    made = await load(gates, **order)
                    drained = await until_told(gates)
                    answer({**made, "drained": drained, "lags": lags(buffer)})
                case "watch":
                    answer({"refused_at": await watch(gates, **order)})


def answer(document: dict[str, Any]) -> None:
    print(json.dumps(document), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
    os._exit(0)  # SDK 1.35 sometimes aborts the interpreter's exit while its threads end
