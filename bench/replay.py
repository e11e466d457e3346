"""`python -m bench.replay`: how fast recorded histories replay, with the production plugin and the sandbox on.

Row I of the targets. The history is the corpus's real one of an edition with 40 repositories and 10 projects; a
process for each CPU replays it again and again, as `starter.py replay` does with different ones. Held against the
same with the SDK's own sandbox, and without any: what the sandbox costs.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from statistics import median
from typing import Any

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer, ReplayerConfig, UnsandboxedWorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from bench.report import Figure, Spread, print_report
from commands.replay.process import make_ready
from commands.stack import ROOT
from devsync.runtime.plugin import DevSyncPlugin
from tests.replay import corpus
from workflows.registry import WORKFLOWS

HISTORY = corpus.UNRELEASED / "many_sources.WeeklyChangelog-1.json.gz"
COUNT = 150
"""Replays of one measurement in one process."""
WARM_UP = 3
PATIENCE_SECONDS = 600.0

SANDBOXES = ("ours", "sdk", "none")


@dataclass(frozen=True)
class Measured:
    per_second: float
    """Over all processes."""
    cpu_ms: float
    """Of one replay."""
    cpus: float
    """That the processes got: fewer than there are, on a machine that has other work."""


class _Plugin(DevSyncPlugin):
    """The production plugin, with another sandbox in it."""

    def __init__(self, sandbox: str) -> None:
        super().__init__()
        self._sandbox = sandbox

    def configure_replayer(self, config: ReplayerConfig) -> ReplayerConfig:
        configured = super().configure_replayer(config)
        ours = configured["workflow_runner"]
        if self._sandbox == "sdk" and isinstance(ours, SandboxedWorkflowRunner):
            configured["workflow_runner"] = SandboxedWorkflowRunner(restrictions=ours.restrictions)
        elif self._sandbox == "none":
            configured["workflow_runner"] = UnsandboxedWorkflowRunner()
        return configured


async def replay_repeatedly(sandbox: str, count: int) -> tuple[float, float]:
    """Seconds and CPU seconds of so many replays in this process."""
    history = corpus.read(HISTORY)

    async def histories() -> AsyncIterator[WorkflowHistory]:
        for _ in range(WARM_UP + count):
            yield history

    replayer = Replayer(workflows=WORKFLOWS, plugins=[_Plugin(sandbox)])
    began = used = 0.0
    done = 0
    async with replayer.workflow_replay_iterator(histories()) as results:
        async for result in results:
            if result.replay_failure is not None:
                raise result.replay_failure
            done += 1
            if done == WARM_UP:
                began, used = time.perf_counter(), time.process_time()
    return time.perf_counter() - began, time.process_time() - used


async def measure(sandbox: str, count: int, processes: int, bytecode: str) -> Measured:
    """That many processes side by side, with bytecode on disk as in the image."""
    command = [sys.executable, "-m", "bench.replay", "--sandbox", sandbox, "--count", str(count)]
    environment = os.environ | {"PYTHONPYCACHEPREFIX": bytecode, "PYTHONDONTWRITEBYTECODE": ""}
    running = [
        await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE)
        for _ in range(processes)
    ]
    outputs = await asyncio.wait_for(asyncio.gather(*(one.communicate() for one in running)), PATIENCE_SECONDS)
    told: list[dict[str, float]] = [json.loads(output) for output, _ in outputs]
    return Measured(
        per_second=sum(count / one["seconds"] for one in told),
        cpu_ms=sum(one["cpu_seconds"] for one in told) / processes / count * 1000,
        cpus=sum(one["cpu_seconds"] / one["seconds"] for one in told),
    )


async def run(scale: float, repetitions: int) -> tuple[list[Figure], dict[str, Any]]:
    count = max(round(COUNT * scale), 5)
    cpus = os.cpu_count() or 1
    runs: dict[str, list[Measured]] = {sandbox: [] for sandbox in SANDBOXES}
    with tempfile.TemporaryDirectory() as bytecode:
        for _ in range(repetitions):
            for sandbox in SANDBOXES:  # in turn, so that a busy moment hits each
                runs[sandbox].append(await measure(sandbox, count, cpus, bytecode))
        alone = await measure("ours", count, 1, bytecode)
    rates = {sandbox: Spread(tuple(one.per_second for one in runs[sandbox])) for sandbox in SANDBOXES}
    costs = {sandbox: Spread(tuple(one.cpu_ms for one in runs[sandbox])) for sandbox in SANDBOXES}
    events = len(corpus.read(HISTORY).events)
    figures = [
        Figure("I", f"histories of {events} events, {cpus} processes", rates["ours"].median, "1/s", at_least=50),
        Figure("I", "the same, one process", alone.per_second, "1/s"),
        Figure("I", "rate ÷ the SDK's sandbox", rates["ours"].median / rates["sdk"].median, "×"),
        Figure("I", "rate ÷ no sandbox", rates["ours"].median / rates["none"].median, "×"),
        Figure("I", "CPU of one replay", costs["ours"].median, "ms"),
        Figure("I", "CPUs that the processes got", median(one.cpus for one in runs["ours"]), ""),
    ]
    details = {
        "scale": scale,
        "events": events,
        "ratio": rates["ours"].median / rates["sdk"].median,
        "per_second": {sandbox: str(rate) for sandbox, rate in rates.items()},
        "cpu_ms": {sandbox: str(cost) for sandbox, cost in costs.items()},
    }
    return figures, details


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.replay", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help=f"of the {COUNT} replays a process")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--sandbox", choices=SANDBOXES, help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, default=COUNT, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.sandbox:  # one of the processes
        make_ready()
        seconds, cpu_seconds = asyncio.run(replay_repeatedly(options.sandbox, options.count))
        print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds}), flush=True)
        os._exit(0)  # SDK 1.35 sometimes aborts the interpreter's exit while its threads end
    figures, details = asyncio.run(run(options.scale, options.repetitions))
    print_report("replay", figures, details)


if __name__ == "__main__":
    main()
