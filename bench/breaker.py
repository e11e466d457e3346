"""`python -m bench.breaker`: what a gate costs a call, and how breakers behave with many gates on the real server.

Row G of the targets. The closed path is held against pybreaker in the same process, in turns. Then gates in processes
of their own, an entity run by a real worker, and a real server: how much of the server their lists cost, how soon an
opening is everywhere, whether a thousand outcomes a second are told without a backlog, and whether the entity's history
stays bounded meanwhile.
"""

import argparse
import asyncio
import json
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from statistics import median
from typing import Any

import psutil
import pybreaker
from temporalio.client import Client, WorkflowHandle

from bench.report import Figure, Spread, print_report
from bench.scene import PATIENCE_SECONDS, Scene, WorldSize, scene
from commands.stack import ROOT
from devsync.contracts import names
from devsync.contracts.breaker import BreakerSnapshot, Configure, Decision
from devsync.domain.breaker import BreakerConfig
from devsync.runtime.breaker.gate import Gate

SERVICE = names.GITHUB
GATES = 20
OUTCOMES_A_SECOND = 1_000
LOAD_SECONDS = 100.0
"""Makes 100,000 outcomes."""
FAILING = 0.02
IDLE_SECONDS = 20.0
OPENINGS = 5
SETTLED_SECONDS = 3.0
"""Then every gate knows what the entity has decided, and a server has done what its start left over."""
CALLS = 200_000
THREADS = 4

SUGGESTED_AFTER = 4096
"""Events after which the server suggests continue-as-new; what is under way then may add some."""

Numbers = dict[str, float]


# What a gate costs a call.


def _nothing() -> None: ...


def _gated(calls: int) -> Callable[[], None]:
    gate = Gate(SERVICE, BreakerConfig())

    def run() -> None:
        for _ in range(calls):
            with gate.call("GET /"):
                _nothing()

    return run


def _pybreaker(calls: int) -> Callable[[], None]:
    breaker = pybreaker.CircuitBreaker(fail_max=10, reset_timeout=300)

    def run() -> None:
        for _ in range(calls):
            breaker.call(_nothing)

    return run


def _bare(calls: int) -> Callable[[], None]:
    def run() -> None:
        for _ in range(calls):
            _nothing()

    return run


def _threaded(calls: int) -> Callable[[], None]:
    """The same gate, called from several threads at once."""
    share = _gated(calls // THREADS)

    def run() -> None:
        threads = [threading.Thread(target=share) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return run


def closed_path(calls: int, repetitions: int) -> dict[str, Spread]:
    """Microseconds a call, in turns, so that a busy moment hits each."""
    ways = {"gate": _gated, "pybreaker": _pybreaker, "bare": _bare, "threads": _threaded}
    runs = {name: make(calls) for name, make in ways.items()}
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for run in runs.values():
        run()
    for _ in range(repetitions):
        for name, run in runs.items():
            began = time.perf_counter()
            run()
            taken[name].append((time.perf_counter() - began) / calls * 1e6)
    return {name: Spread(tuple(times)) for name, times in taken.items()}


# Many gates on one server.


class GateProcesses:
    """Processes of `bench.gate_process`, that do the same at the same time."""

    def __init__(self, processes: Sequence[asyncio.subprocess.Process]) -> None:
        self._processes = processes

    async def all(self, **order: Any) -> list[dict[str, Any]]:
        return await asyncio.gather(*(_answer(process, order) for process in self._processes))

    async def watch(self, failures: int) -> list[float]:
        """When each gate refuses, after so many failures of the first process's calls."""
        orders = [
            {"do": "watch", "seconds": 30.0, "failures": failures * (not at)} for at in range(len(self._processes))
        ]
        answers = await asyncio.gather(*map(_answer, self._processes, orders))
        return [at for answer in answers for at in answer["refused_at"]]


async def _answer(process: asyncio.subprocess.Process, order: dict[str, Any] | None = None) -> dict[str, Any]:
    assert process.stdin is not None
    assert process.stdout is not None
    if order is not None:
        process.stdin.write(json.dumps(order).encode() + b"\n")
    line = await asyncio.wait_for(process.stdout.readline(), PATIENCE_SECONDS)
    if not line:
        raise RuntimeError("a process with gates has ended")
    answer: dict[str, Any] = json.loads(line)
    return answer


async def gate_processes(stack: AsyncExitStack, address: str, gates: int, processes: int) -> GateProcesses:
    """That many gates, shared out among so many processes; they end with the stack."""
    share = [gates // processes + (number < gates % processes) for number in range(processes)]
    command = [sys.executable, "-m", "bench.gate_process", address, SERVICE]
    running = []
    for count in share:
        process = await asyncio.create_subprocess_exec(
            *command, str(count), cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        stack.push_async_callback(_end, process)
        running.append(process)
    await asyncio.gather(*(_answer(process) for process in running))
    return GateProcesses(running)


async def _end(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    await asyncio.wait_for(process.wait(), PATIENCE_SECONDS)


@dataclass(frozen=True)
class Entity:
    """The breaker that all gates report to."""

    client: Client

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(names.breaker_id(SERVICE))

    async def snapshot(self) -> BreakerSnapshot:
        snapshot: BreakerSnapshot = await self.handle.query("snapshot", result_type=BreakerSnapshot)
        return snapshot

    async def configure(self, config: BreakerConfig) -> None:
        await self.handle.execute_update("configure", Configure(by="bench", reason="bench", config=config))

    async def reset(self) -> None:
        await self.handle.execute_update("reset", Decision(by="bench", reason="bench"))

    async def histories(self) -> list[int]:
        """Events of each of its runs."""
        runs = self.client.list_workflows(f'WorkflowId = "{names.breaker_id(SERVICE)}"')
        handles = [self.client.get_workflow_handle(run.id, run_id=run.run_id) async for run in runs]
        described = [(await handle.describe()).raw_description for handle in handles]
        return [one.workflow_execution_info.history_length for one in described]


async def cores(pid: int, seconds: float) -> float:
    """How much of a CPU a process uses."""
    process = psutil.Process(pid)

    def used() -> float:
        times = process.cpu_times()
        return times.user + times.system

    before, began = used(), time.monotonic()
    await asyncio.sleep(seconds)
    return (used() - before) / (time.monotonic() - began)


async def opening(entity: Entity, on: GateProcesses) -> Spread:
    """Seconds from the instant at which the entity opened until each gate refuses."""
    refused_at = await on.watch(BreakerConfig().failure_threshold)
    opened_at = (await entity.snapshot()).standing.changed_at.timestamp()
    return Spread(tuple(at - opened_at for at in refused_at))


async def many_gates(on: Scene, *, gates: int, processes: int, scale: float, openings: int) -> Numbers:
    entity, server = Entity(on.client), on.stack.temporal.pid
    async with on.worker(), AsyncExitStack() as stack:
        await asyncio.sleep(SETTLED_SECONDS)
        idle = await cores(server, max(IDLE_SECONDS * scale, SETTLED_SECONDS))
        running = await gate_processes(stack, on.stack.temporal.address, gates, processes)
        await asyncio.sleep(SETTLED_SECONDS)
        with_gates = await cores(server, max(IDLE_SECONDS * scale, SETTLED_SECONDS))

        await running.all(do="load", a_second=10.0, seconds=1.0, failing=0.0)  # makes the entity
        reached: list[Spread] = []
        for _ in range(openings):
            reached.append(await opening(entity, running))
            await entity.reset()
            await asyncio.sleep(SETTLED_SECONDS)

        await entity.configure(BreakerConfig(failure_threshold=1_000_000))
        await asyncio.sleep(SETTLED_SECONDS)
        before, runs_before, began = await entity.snapshot(), len(await entity.histories()), time.monotonic()
        load = {"a_second": OUTCOMES_A_SECOND / gates, "seconds": LOAD_SECONDS * scale, "failing": FAILING}
        told = await running.all(do="load", **load)
        took = time.monotonic() - began
        after, histories = await entity.snapshot(), await entity.histories()

    calls, failures = (sum(one[name] for one in told) for name in ("calls", "failures"))
    counted = after.totals.successes - before.totals.successes, after.totals.failures - before.totals.failures
    lags = sorted(lag for one in told for lag in one["lags"])
    return {
        "idle_cores": idle,
        "refresh_cores": with_gates - idle,
        "slowest_to_know": max(max(spread.values) for spread in reached),
        "median_to_know": median(value for spread in reached for value in spread.values),
        "outcomes": calls,
        "outcomes_a_second": calls / (LOAD_SECONDS * scale),
        "lost_or_doubled": abs(calls - failures - counted[0]) + abs(failures - counted[1]),
        "drained": max(one["drained"] for one in told),
        "longest_lag": lags[-1],
        "median_lag": median(lags),
        "reports_a_second": (after.reports - before.reports) / took,
        "runs": len(histories) - runs_before + 1,
        "longest_history": max(histories),
    }


async def run(scale: float, repetitions: int, processes: int) -> tuple[list[Figure], dict[str, Any]]:
    gates = max(round(GATES * min(scale * 10, 1)), 2)
    closed = closed_path(max(round(CALLS * scale), 2_000), repetitions)
    ratio = Spread(
        tuple(ours / theirs for ours, theirs in zip(closed["gate"].values, closed["pybreaker"].values, strict=True))
    )
    async with scene(WorldSize(repositories=1, projects=1, pull_requests=1, issues=1)) as on:
        openings = OPENINGS if scale >= 1 else 1
        found = await many_gates(on, gates=gates, processes=min(processes, gates), scale=scale, openings=openings)
    figures = [
        Figure("G", "closed path, one call", closed["gate"].median, "µs", at_most=1.0),
        Figure("G", "closed path ÷ pybreaker", ratio.median, "×", at_most=1.0),
        Figure("G", f"closed path, a call of {THREADS} threads", closed["threads"].median, "µs"),
        Figure("G", f"an opening is known to all of {gates} gates", found["slowest_to_know"], "s", at_most=2.0),
        Figure("G", "the same, median gate", found["median_to_know"], "s"),
        Figure("G", f"server for the lists of {gates} gates", found["refresh_cores"], "cores", at_most=0.2),
        Figure("G", f"outcomes reported by {gates} gates", found["outcomes_a_second"], "1/s"),
        Figure("G", "all are told so soon after the last", found["drained"], "s", at_most=5.0),
        Figure("G", "outcomes lost or counted twice", found["lost_or_doubled"], "", at_most=0),
        Figure("G", "reports that the entity gets", found["reports_a_second"], "1/s", at_most=50),
        Figure("G", "from the first outcome of a report to the server", found["median_lag"], "s"),
        Figure(
            "G", f"longest history, {found['outcomes']:,.0f} outcomes", found["longest_history"], "events",
            at_most=SUGGESTED_AFTER * 1.25,
        ),
    ]  # fmt: skip
    details = {
        "scale": scale,
        "gates": gates,
        "processes": min(processes, gates),
        "closed_path_us": {name: str(spread) for name, spread in closed.items()},
        "ratio": str(ratio),
        **found,
    }
    return figures, details


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.breaker", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help=f"of {GATES} gates and {LOAD_SECONDS:g} s of load")
    parser.add_argument("--repetitions", type=int, default=7, help="of the closed path")
    parser.add_argument("--processes", type=int, default=GATES, help="that share the gates")
    options = parser.parse_args()
    figures, details = asyncio.run(run(options.scale, options.repetitions, options.processes))
    print_report("breaker", figures, details)


if __name__ == "__main__":
    main()
