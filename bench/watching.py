"""`python -m bench.watching`: what it adds to an edition that its worker exports metrics, or traces.

Row K of the targets. The same edition as in bench/recording.py, again and again, by workers that export nothing,
metrics that are fetched, or traces that somebody takes, in turns. What one measurement costs comes first.
"""

import argparse
import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import permutations
from statistics import median
from typing import Any

import httpx
from temporalio.runtime import PrometheusConfig, Runtime, TelemetryConfig

from bench.recording import SIZE, Cost, measure
from bench.report import Figure, Spread, print_report
from bench.scene import scene
from commands.stack import ROOT
from devsync.contracts.operations import OperationKind, OperationRecord
from devsync.runtime.metrics.attempts import AttemptMetrics
from sandbox.processes import free_port

REPETITIONS = 12
CALLS = 20_000
FETCHED_EVERY = 5.0
"""Seconds: three times as often as deploy/ has it."""


def seconds_of_a_call() -> float:
    """What counting one API call takes the event loop, where it is exported."""
    prometheus = PrometheusConfig(bind_address=f"127.0.0.1:{free_port()}")
    metrics = AttemptMetrics(Runtime(telemetry=TelemetryConfig(metrics=prometheus)).metric_meter)
    call = OperationRecord(
        workflow_id="changelog:payments:2026-W47",
        run_id="run",
        activity_id="1",
        kind=OperationKind.CALL,
        team="payments",
        service="github",
        operation="collect_repository",
        ended_at=datetime.now(UTC),
        seconds=0.3,
        succeeded=True,
    )
    began = time.perf_counter()
    for _ in range(CALLS):
        metrics.ended(call)
    return (time.perf_counter() - began) / CALLS


@contextmanager
def sink() -> Iterator[str]:
    """A collector that takes everything and keeps nothing."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


async def _fetch(address: str) -> None:
    async with httpx.AsyncClient() as client:
        while True:
            with suppress(httpx.HTTPError):
                await client.get(f"http://{address}/metrics")
            await asyncio.sleep(FETCHED_EVERY)


async def run(scale: float, repetitions: int) -> tuple[list[Figure], dict[str, Any]]:
    costs: dict[str, list[Cost]] = {"nothing": [], "metrics": [], "traces": []}
    address = f"127.0.0.1:{free_port()}"
    async with scene(SIZE.scaled(scale)) as on:
        with sink() as endpoint:
            variables = {
                "nothing": {},
                "metrics": {"METRICS_ADDRESS": address},
                "traces": {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint},
            }
            fetching = asyncio.create_task(_fetch(address))
            orders = list(permutations(costs))
            for number in range(repetitions):
                for name in orders[number % len(orders)]:
                    costs[name].append(await measure(on, ROOT, **variables[name]))
            fetching.cancel()
    figures = [Figure("K", "counting one API call", seconds_of_a_call() * 1e6, "µs", at_most=100)]
    for name in ("metrics", "traces"):
        seconds = median(one.seconds for one in costs[name]) / median(one.seconds for one in costs["nothing"])
        cpu = median(one.cpu_seconds for one in costs[name]) / median(one.cpu_seconds for one in costs["nothing"])
        at_most = 1.05 if name == "metrics" else None
        figures.append(Figure("K", f"an edition with {name} ÷ without", seconds, "×", at_most=at_most))
        figures.append(Figure("K", "CPU time of the worker, likewise", cpu, "×", at_most=at_most))
    details = {
        name: {part: str(Spread(tuple(getattr(one, part) for one in ones))) for part in ("seconds", "cpu_seconds")}
        for name, ones in costs.items()
    }
    return figures, {"scale": scale, **details}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.watching", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of the world")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    options = parser.parse_args()
    figures, details = asyncio.run(run(options.scale, options.repetitions))
    print_report("watching", figures, details)


if __name__ == "__main__":
    main()
