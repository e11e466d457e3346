"""`python -m bench.edition`: a large and a small edition against the bare script and against the serial one.

Rows A to E and J of the targets. Every repetition has servers and a database of its own, and a worker that has made
an edition before, as one has that runs all the time; the scripts run right after the edition that they are held
against. What the product asks JIRA once a process (who am I, what are you) is left out where calls are compared.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle

from bench.report import Figure, Spread, print_report
from bench.scene import PATIENCE_SECONDS, Call, Scene, WorldSize, scene
from commands.stack import ROOT
from devsync.contracts.edition import EditionResult, EditionStatus

LARGE = WorldSize(repositories=50, projects=10, pull_requests=5000, issues=1000, slack_channels=3)
SMALL = WorldSize(repositories=5, projects=2, pull_requests=40, issues=20)
LARGE_LATENCY_MS = 300.0
SMALL_LATENCY_MS = 100.0
TENTH = 10
"""Row E: a tenth of the pull requests must make no shorter history."""


@dataclass(frozen=True)
class Measured:
    """One edition, and the scripts on the same scene."""

    result: EditionResult
    whole_seconds: float
    """From the start request to the result, as the one who asked for it sees."""
    peak_megabytes: float
    events: int
    history_bytes: int
    calls: list[Call]
    bare: dict[str, Any]
    bare_calls: list[Call]
    serial: dict[str, Any] | None
    start_seconds: float | None

    @property
    def collect_and_compose(self) -> float:
        """Workflow time of both phases, rendering included."""
        return self.result.seconds["collect"] + self.result.seconds["compose"]


async def measure(
    size: WorldSize, latency_ms: float, *, api: str = "rest", with_serial: bool = False, with_start: bool = False
) -> Measured:
    async with scene(size, api) as on:
        async with on.worker() as worker:
            await on.warm_up()
            await on.slow_down(latency_ms)
            await on.take_calls()
            began = time.perf_counter()
            handle = await on.start()
            result = await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)
            whole = time.perf_counter() - began
            peak = worker.peak_megabytes
        if result.status is not EditionStatus.COMPLETE:
            raise RuntimeError(f"an edition with gaps measures nothing: {result.gaps}")
        calls = await on.take_calls()
        events, history_bytes = await _history_of(handle)
        bare = await on.yardstick("bench.bare_graphql" if api == "graphql" else "bench.bare_script")
        bare_calls = await on.take_calls()
        serial = await on.yardstick("bench.serial_script") if with_serial else None
        start_seconds = await _worker_start(on) if with_start else None
    return Measured(result, whole, peak, events, history_bytes, calls, bare, bare_calls, serial, start_seconds)


async def _worker_start(on: Scene) -> float:
    """Seconds from spawning a worker to its first workflow task, of an edition that waits for it."""
    handle = await on.start()
    async with on.worker() as worker:
        await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)
    async for event in handle.fetch_history_events():
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED:
            return event.event_time.ToMicroseconds() / 1e6 - worker.spawned_at
    raise RuntimeError("the edition has no workflow task")


async def measure_demo() -> float:
    """Seconds of `make demo` on a warm cache: the same command, without make."""
    began = time.perf_counter()
    with tempfile.TemporaryFile() as sink:
        demo = await asyncio.create_subprocess_exec(
            sys.executable, "starter.py", "demo", "--json", cwd=ROOT, stdout=sink, stderr=sink
        )
        code = await asyncio.wait_for(demo.wait(), PATIENCE_SECONDS)
        if code:
            sink.seek(0)
            raise RuntimeError(f"the demo failed with {code}: {sink.read().decode()[-2000:]}")
    return time.perf_counter() - began


async def _history_of(handle: WorkflowHandle[Any, EditionResult]) -> tuple[int, int]:
    """Events and bytes of the run's history, as the server counts them."""
    info = (await handle.describe()).raw_description.workflow_execution_info
    return info.history_length, info.history_size_bytes


async def run(scale: float, repetitions: int) -> tuple[list[Figure], dict[str, Any]]:
    size = LARGE.scaled(scale)
    large_runs = [await measure(size, LARGE_LATENCY_MS * scale, with_serial=at == 0) for at in range(repetitions)]
    small_runs = [await measure(SMALL, SMALL_LATENCY_MS * scale, with_start=True) for _ in range(repetitions)]
    graphql_runs = [await measure(size, LARGE_LATENCY_MS * scale, api="graphql") for _ in range(repetitions)]
    tenth = await measure(replace(size, pull_requests=size.pull_requests // TENTH), LARGE_LATENCY_MS * scale)
    starts = Spread(tuple(one.start_seconds for one in small_runs if one.start_seconds is not None))

    first = large_runs[0]
    assert first.serial is not None
    ours = Spread(tuple(one.collect_and_compose for one in large_runs))
    bare = Spread(tuple(one.bare["seconds"] for one in large_runs))
    ratio = Spread(tuple(one.collect_and_compose / one.bare["seconds"] for one in large_runs))
    whole = Spread(tuple(one.whole_seconds for one in large_runs))
    more = Spread(tuple(one.whole_seconds - one.bare["seconds"] for one in small_runs))
    differing = sum(one.calls != one.bare_calls for one in (*large_runs, *small_runs, *graphql_runs))
    by_graphql = Spread(tuple(one.collect_and_compose / one.bare["seconds"] for one in graphql_runs))
    graphql = graphql_runs[0]
    figures = [
        Figure("A", "collect and compose ÷ bare script, large", ratio.median, "×", at_most=1.15),
        Figure("A", "serial script ÷ collect and compose", first.serial["seconds"] / ours.median, "×", at_least=8),
        Figure("A", "the same by GraphQL", by_graphql.median, "×", at_most=1.15),
        Figure("A", "runs whose calls differ from the bare script's", differing, "", at_most=0),
        Figure("B", "whole run − bare script, small", more.median, "s", at_most=1),
        Figure("C", "whole run, large", whole.median, "s", at_most=20),
        Figure("C", "peak memory of the worker", max(one.peak_megabytes for one in large_runs), "MB", at_most=300),
        Figure("D", "API calls ÷ pages needed", len(first.calls) / first.bare["pages_needed"], "×", at_most=1.2),
        Figure("D", "the same by GraphQL", len(graphql.calls) / graphql.bare["pages_needed"], "×", at_most=1.2),
        Figure("E", "history, large, three channels", first.events, "events", at_most=500),
        Figure("E", "history, large, three channels", first.history_bytes / 1024, "KB", at_most=300),
        Figure("E", "events ÷ those with a tenth of the pull requests", first.events / tenth.events, "×", at_most=1.1),
        Figure("J", "worker start to its first task", starts.median, "s", at_most=3),
        Figure("J", "make demo, warm", await measure_demo(), "s", at_most=60),
    ]
    details = {
        "scale": scale,
        "large": {"items": first.result.item_count, "calls": len(first.calls), "phases": first.result.seconds},
        "collect_and_compose_seconds": str(ours),
        "bare_seconds": str(bare),
        "ratio": str(ratio),
        "graphql": {"items": graphql.result.item_count, "calls": len(graphql.calls), "ratio": str(by_graphql)},
        "serial_seconds": first.serial["seconds"],
        "whole_seconds": str(whole),
        "small_more_seconds": str(more),
        "worker_start_seconds": str(starts),
    }
    return figures, details


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.edition", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of the large world and of all latencies")
    parser.add_argument("--repetitions", type=int, default=3)
    options = parser.parse_args()
    figures, details = asyncio.run(run(options.scale, options.repetitions))
    print_report("edition", figures, details)


if __name__ == "__main__":
    main()
