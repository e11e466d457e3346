"""`python -m bench.fleet`: many teams' editions at once, against bare workflows with as many activities.

Row H of the targets. All editions are asked for at the same moment and made by one worker process; then as many bare
workflows, on the same server, by one worker process of their own: the activities of one edition and of its delivery
in the same rounds, each of which does nothing. A smaller fleet, every answer late, shows how long a team waits. Rates
depend on what else the machine does; CPU times of server and worker hardly.
"""

import argparse
import asyncio
import sys
import time
import uuid
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHandle

from bench import bare_fleet
from bench.report import Figure, Spread, print_report
from bench.scene import Scene, WorkerOnScene, WorldSize, scene
from commands.editions import start_edition
from devsync.contracts.edition import EditionStatus
from sandbox.processes import running_process

FLEET = WorldSize(repositories=1000, projects=200, pull_requests=4000, issues=1600, teams=200)
SMALLER = 0.25
"""Of the fleet: the teams whose editions must all be there in time."""
LATENCY_MS = 100.0
PATIENCE_SECONDS = 1200.0
REQUESTS_AT_ONCE = 50
"""To start a workflow."""

Handle = WorkflowHandle[Any, Any]


class Cost(NamedTuple):
    """CPU seconds."""

    server: float
    worker: float

    @classmethod
    def so_far(cls, on: Scene, worker_pid: int) -> "Cost":
        return cls(_cpu_seconds(on.stack.temporal.pid), _cpu_seconds(worker_pid))

    def since(self, before: "Cost") -> "Cost":
        return Cost(self.server - before.server, self.worker - before.worker)


@dataclass(frozen=True)
class Made:
    """A fleet's editions, or as many bare workflows."""

    seconds: float
    """From the first request to the last result."""
    cost: Cost
    """Of all of them, meanwhile."""
    waited: Spread
    """Seconds from an edition's request to its result: of all."""
    rounds: list[int]
    """Activities of one edition and of its delivery that were scheduled together, one number for each workflow task."""

    @property
    def per_second(self) -> float:
        return len(self.waited.values) / self.seconds

    @property
    def each(self) -> Cost:
        count = len(self.waited.values)
        return Cost(self.cost.server / count, self.cost.worker / count)


async def make_editions(on: Scene, worker: WorkerOnScene) -> Made:
    async def start(team: str) -> Handle:
        return await start_edition(on.client, team, on.sandbox["week"])

    before = Cost.so_far(on, worker.process.pid)
    seconds, waited, handles = await _all_of([partial(start, spec["team"]) for spec in on.sandbox["teams"]])
    cost = Cost.so_far(on, worker.process.pid).since(before)
    statuses = Counter([(await handle.result()).status for handle in handles])
    if set(statuses) != {EditionStatus.COMPLETE}:
        raise RuntimeError(f"editions with gaps measure nothing: {statuses}")
    return Made(seconds, cost, Spread(tuple(waited)), await _rounds(on.client, handles[0]))


async def _rounds(client: Client, handle: Handle) -> list[int]:
    scheduled: Counter[int] = Counter()
    children: list[Handle] = []
    async for event in handle.fetch_history_events():
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
            scheduled[event.activity_task_scheduled_event_attributes.workflow_task_completed_event_id] += 1
        elif event.event_type == EventType.EVENT_TYPE_CHILD_WORKFLOW_EXECUTION_STARTED:
            child = event.child_workflow_execution_started_event_attributes.workflow_execution
            children.append(client.get_workflow_handle(child.workflow_id, run_id=child.run_id))
    return [*scheduled.values(), *[count for child in children for count in await _rounds(client, child)]]


async def make_bare_workflows(on: Scene, rounds: list[int], count: int) -> Made:
    """By a worker that has run one before."""
    client = await Client.connect(on.stack.temporal.address)
    log = on.stack.directory / "bare.log"
    log.unlink(missing_ok=True)
    command: list[str | Path] = [sys.executable, "-m", bare_fleet.__name__, on.stack.temporal.address]

    async def is_ready() -> bool:
        return log.exists() and bare_fleet.READY in log.read_text()

    async def start() -> Handle:
        return await client.start_workflow(
            bare_fleet.Bare.run, rounds, id=f"bare-{uuid.uuid4()}", task_queue=bare_fleet.QUEUE
        )

    async with running_process("bare worker", command, log, is_ready) as worker:
        await _all_of([start])
        before = Cost.so_far(on, worker.pid)
        seconds, waited, _ = await _all_of([start] * count)
        cost = Cost.so_far(on, worker.pid).since(before)
    return Made(seconds, cost, Spread(tuple(waited)), rounds)


def _cpu_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


async def _all_of(starts: Sequence[Callable[[], Awaitable[Handle]]]) -> tuple[float, list[float], list[Handle]]:
    """Seconds until the last has its result; seconds that each waited for its own; the runs."""
    permits = asyncio.Semaphore(REQUESTS_AT_ONCE)
    began = time.perf_counter()

    async def one(start: Callable[[], Awaitable[Handle]]) -> tuple[float, Handle]:
        async with permits:
            handle = await start()
        await handle.result()
        return time.perf_counter() - began, handle

    ended = await asyncio.wait_for(asyncio.gather(*map(one, starts)), PATIENCE_SECONDS)
    return time.perf_counter() - began, [seconds for seconds, _ in ended], [handle for _, handle in ended]


async def run(scale: float, repetitions: int) -> tuple[list[Figure], dict[str, Any]]:
    size = FLEET.scaled(scale)
    runs: list[tuple[Made, Made]] = []
    for _ in range(repetitions):
        async with scene(size) as on:
            async with on.worker() as worker:
                await on.warm_up()
                made = await make_editions(on, worker)
            runs.append((made, await make_bare_workflows(on, made.rounds, size.teams)))
    async with scene(size.scaled(SMALLER)) as on, on.worker() as worker:
        await on.warm_up()
        await on.slow_down(LATENCY_MS * scale)
        smaller = await make_editions(on, worker)

    rates = Spread(tuple(made.per_second for made, _ in runs))
    bare_rates = Spread(tuple(bare.per_second for _, bare in runs))
    shares = Spread(tuple(made.per_second / bare.per_second for made, bare in runs))
    of_server = Spread(tuple(made.each.server / bare.each.server for made, bare in runs))
    of_worker = Spread(tuple(made.each.worker for made, _ in runs))
    rounds = runs[0][0].rounds
    figures = [
        Figure(
            "H", f"editions a second, {size.teams} teams at once ÷ bare workflows", shares.median, "×", at_least=0.6
        ),
        Figure("H", "editions a second", rates.median, "1/s"),
        Figure("H", f"bare workflows of {sum(rounds)} activities a second", bare_rates.median, "1/s"),
        Figure("H", "CPU time of the server for an edition ÷ for a bare workflow", of_server.median, "×"),
        Figure("H", "CPU time of the worker for an edition", 1000 * of_worker.median, "ms"),
        Figure("H", f"the last of {len(smaller.waited.values)} teams has waited", smaller.seconds, "s", at_most=180),
    ]
    details = {
        "scale": scale,
        "rounds": rounds,
        "share": str(shares),
        "editions_per_second": str(rates),
        "bare_per_second": str(bare_rates),
        "server_seconds_each": [(made.each.server, bare.each.server) for made, bare in runs],
        "worker_seconds_each": [(made.each.worker, bare.each.worker) for made, bare in runs],
        "waited_seconds": str(runs[0][0].waited),
        "smaller_waited_seconds": str(smaller.waited),
    }
    return figures, details


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.fleet", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of the fleet and of the latency")
    parser.add_argument("--repetitions", type=int, default=1)
    options = parser.parse_args()
    figures, details = asyncio.run(run(options.scale, options.repetitions))
    print_report("fleet", figures, details)


if __name__ == "__main__":
    main()
