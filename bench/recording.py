"""`python -m bench.recording`: what it adds to an edition that each phase, attempt and API call is recorded.

Row K of the targets. The same edition again and again, collected anew each time, by workers that measure and by workers
that do not, in turns. Answers come at once: where nobody is waited for, recording has the largest share.
"""

import argparse
import asyncio
import time
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import psutil
import psycopg

from bench.report import Figure, Spread, print_report
from bench.scene import PATIENCE_SECONDS, Scene, WorldSize, scene
from commands.editions import start_edition
from commands.stack import ROOT, worker_process
from devsync.contracts.edition import EditionStatus

SIZE = WorldSize(repositories=20, projects=5, pull_requests=1500, issues=300)
REPETITIONS = 15

WORKER = f"""
import runpy, sys
sys.path.insert(0, {str(ROOT)!r})
from devsync.runtime import plugin

class Unmeasured(plugin.DevSyncPlugin):
    def __init__(self, *, keep_operation, **others):
        super().__init__(**others)

if %r == "without":
    plugin.DevSyncPlugin = Unmeasured
runpy.run_path({str(ROOT / "worker.py")!r}, run_name="__main__")
"""
"""Of both kinds, so that they differ in nothing else."""


class Cost(NamedTuple):
    """Of one edition."""

    seconds: float
    """From the start request to the result."""
    cpu_seconds: float
    """Of the worker, records that are written afterwards included."""
    operations: int


async def measure(on: Scene, checkout: Path, **variables: str) -> Cost:
    """By a worker with these variables besides."""
    async with worker_process(on.stack.directory, on.environment | variables, checkout=checkout) as worker:
        await on.warm_up()
        _forget(on)
        process = psutil.Process(worker.pid)
        used, began = process.cpu_times(), time.perf_counter()
        handle = await start_edition(on.client, on.team["team"], on.sandbox["week"], is_dry_run=True)
        result = await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)
        seconds = time.perf_counter() - began
        if result.status is not EditionStatus.COMPLETE:
            raise RuntimeError(f"an edition with gaps measures nothing: {result.gaps}")
        await asyncio.sleep(3)  # the spool's batch
        now = process.cpu_times()
    return Cost(seconds, now.user + now.system - used.user - used.system, _recorded(on))


def _forget(on: Scene) -> None:
    """What was collected before, so that it is collected again; and what was recorded of it."""
    with psycopg.connect(on.environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("TRUNCATE collected_units, operations")


def _recorded(on: Scene) -> int:
    with psycopg.connect(on.environment["DATABASE_URL"]) as connection:
        row = connection.execute("SELECT count(*) FROM operations WHERE kind IN ('attempt', 'call')").fetchone()
    return int(row[0]) if row else 0


async def run(scale: float, repetitions: int) -> tuple[list[Figure], dict[str, Any]]:
    costs: dict[str, list[Cost]] = {"with": [], "without": []}
    async with scene(SIZE.scaled(scale)) as on:
        for name in costs:
            (on.stack.directory / name).mkdir()
            (on.stack.directory / name / "worker.py").write_text(WORKER % name)
        for number in range(repetitions):
            for name in list(costs)[:: 1 if number % 2 else -1]:
                costs[name].append(await measure(on, on.stack.directory / name))
    if any(cost.operations for cost in costs["without"]):
        raise RuntimeError("the worker that should measure nothing did")
    seconds = median(one.seconds for one in costs["with"]) / median(one.seconds for one in costs["without"])
    cpu = median(one.cpu_seconds for one in costs["with"]) / median(one.cpu_seconds for one in costs["without"])
    figures = [
        Figure("K", "an edition with records of its operations ÷ without", seconds, "×", at_most=1.05),
        Figure("K", "CPU time of the worker, likewise", cpu, "×", at_most=1.05),
        Figure("K", "operations recorded of it", median(one.operations for one in costs["with"]), ""),
    ]
    details = {
        name: {part: str(Spread(tuple(getattr(one, part) for one in ones))) for part in ("seconds", "cpu_seconds")}
        for name, ones in costs.items()
    }
    return figures, {"scale": scale, **details}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.recording", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of the world")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    options = parser.parse_args()
    figures, details = asyncio.run(run(options.scale, options.repetitions))
    print_report("recording", figures, details)


if __name__ == "__main__":
    main()
