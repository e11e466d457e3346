"""`python -m bench.onlookers`: what it costs the others that 200 people look at the dashboard.

Row M of the targets. The same edition again and again, collected anew each time, while nobody looks and while 200
browsers have the overview open, in turns. The dashboard is a process of its own. Worker and dashboard have a role each,
so that PostgreSQL's log tells their statements apart.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import httpx
import psycopg

from bench.recording import SIZE, Cost, measure
from bench.report import Figure, Spread, print_report
from bench.scene import Scene, scene
from commands.stack import ROOT
from sandbox.processes import accepts_connections, free_port, running_process

BROWSERS = 200
REPETITIONS = 5
WATCHED_SECONDS = 30.0
"""How long the dashboard's own statements are counted."""
ROLES = ("bench_worker", "bench_dashboard")


@dataclass(frozen=True)
class Statements:
    """Of each role, by PostgreSQL's log."""

    log: Path

    def of(self, role: str) -> int:
        lines = self.log.read_text(errors="replace").splitlines()
        return sum(f"{role}:" in line and ("execute " in line or "statement: " in line) for line in lines)


class Seen(NamedTuple):
    """An edition while so many look."""

    cost: Cost
    statements: int
    """The worker's."""
    pictures: int
    """That browsers got meanwhile."""


@dataclass
class Browsers:
    pictures: int = 0

    @asynccontextmanager
    async def looking(self, address: str, count: int) -> AsyncIterator[None]:
        """That many pages, each with its stream of events."""
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(base_url=address, limits=limits, timeout=None) as http:
            connected = asyncio.Semaphore(0)
            tasks = [asyncio.create_task(self._look(http, connected)) for _ in range(count)]
            for _ in range(count):
                await asyncio.wait_for(connected.acquire(), 60)
            yield
            if failed := [task for task in tasks if task.done()]:
                raise RuntimeError(f"{len(failed)} browsers looked no more")
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _look(self, http: httpx.AsyncClient, connected: asyncio.Semaphore) -> None:
        async with http.stream("GET", "/live/overview") as events:
            events.raise_for_status()
            is_first = True
            async for _ in events.aiter_raw():
                self.pictures += 1
                if is_first:
                    connected.release()
                is_first = False


async def run(
    scale: float, repetitions: int, browsers: int, watched_seconds: float = WATCHED_SECONDS
) -> tuple[list[Figure], dict[str, Any]]:
    seen: dict[int, list[Seen]] = {0: [], browsers: []}
    async with AsyncExitStack() as stack:
        on = await stack.enter_async_context(scene(SIZE.scaled(scale)))
        statements = _told_apart(on)
        address = await stack.enter_async_context(_dashboard(on))
        worker = {"DATABASE_URL": _url_of(on, "bench_worker")}
        for number in range(repetitions):
            for count in sorted(seen, reverse=bool(number % 2)):
                seen[count].append(await _edition(on, statements, worker, address, count))
        own = {count: await _a_minute(statements, address, count, watched_seconds) for count in (1, browsers)}
    nobody, everybody = seen[0], seen[browsers]
    cpu = min(one.cost.cpu_seconds for one in everybody) / min(one.cost.cpu_seconds for one in nobody)
    asked = median(one.statements for one in everybody) / median(one.statements for one in nobody)
    figures = [
        Figure("M", f"CPU time of the worker while {browsers} look ÷ while nobody does", cpu, "×", at_most=1.05),
        Figure("M", "its statements to the database, likewise", asked, "×", at_most=1.05),
        Figure(
            "M", f"the dashboard's statements, {browsers} who look ÷ one", own[browsers] / own[1], "×", at_most=1.05
        ),
        Figure("M", "its statements a minute", own[browsers], ""),
    ]
    details = {
        "scale": scale,
        "browsers": browsers,
        **{
            str(count): {
                "cpu_seconds": str(Spread(tuple(one.cost.cpu_seconds for one in ones))),
                "seconds": str(Spread(tuple(one.cost.seconds for one in ones))),
                "statements": [one.statements for one in ones],
                "events": [one.pictures for one in ones],
            }
            for count, ones in seen.items()
        },
    }
    return figures, details


async def _edition(on: Scene, statements: Statements, worker: dict[str, str], address: str, count: int) -> Seen:
    before, looking = statements.of("bench_worker"), Browsers()
    async with looking.looking(address, count):
        cost = await measure(on, ROOT, **worker)
    if count and looking.pictures < 2 * count:
        raise RuntimeError(f"{count} browsers got {looking.pictures} events only: nobody really looked")
    return Seen(cost, statements.of("bench_worker") - before, looking.pictures)


async def _a_minute(statements: Statements, address: str, count: int, seconds: float) -> float:
    """The dashboard's statements, while so many look."""
    async with Browsers().looking(address, count):
        before, began = statements.of("bench_dashboard"), time.perf_counter()
        await asyncio.sleep(seconds)
        asked = statements.of("bench_dashboard") - before
        return asked * 60 / (time.perf_counter() - began)


def _told_apart(on: Scene) -> Statements:
    with psycopg.connect(on.environment["DATABASE_URL"], autocommit=True) as connection:
        for role in ROLES:
            connection.execute(f"CREATE ROLE {role} SUPERUSER LOGIN PASSWORD '{role}'")
            connection.execute(f"ALTER ROLE {role} SET log_statement = 'all'")
        connection.execute("ALTER SYSTEM SET log_line_prefix = '%u: '")
        connection.execute("SELECT pg_reload_conf()")
    return Statements(on.stack.postgres.log_file)


def _url_of(on: Scene, role: str) -> str:
    return on.environment["DATABASE_URL"].replace(
        on.environment["DATABASE_URL"].split("//")[1].split("@")[0], f"{role}:{role}"
    )


@asynccontextmanager
async def _dashboard(on: Scene) -> AsyncIterator[str]:
    """Its address."""
    port, log = free_port(), on.stack.directory / "dashboard.log"
    variables = (
        os.environ
        | on.environment
        | {
            "DASHBOARD_ADDRESS": f"127.0.0.1:{port}",
            "DATABASE_URL": _url_of(on, "bench_dashboard"),
        }
    )
    command: list[str | Path] = [sys.executable, "-m", "dashboard"]

    async def is_ready() -> bool:
        return await accepts_connections(port)

    async with running_process("dashboard", command, log, is_ready, environment=variables):
        yield f"http://127.0.0.1:{port}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.onlookers", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="of the world")
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--browsers", type=int, default=BROWSERS)
    options = parser.parse_args()
    figures, details = asyncio.run(run(options.scale, options.repetitions, options.browsers))
    print_report("onlookers", figures, details)


if __name__ == "__main__":
    main()
