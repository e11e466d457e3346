"""`python -m bench.dashboard`: how long the server takes for a page, and that more teams are no more questions.

Row M of the targets. 200 teams with a year of records each, beside a database of ten teams; a real Temporal server with
breakers. A page is asked of the application itself, without a network. A picture of the moment is taken at most once in
three seconds; who comes first waits for it. What looks back over weeks is read once in a minute for all who look:
nobody waits for the overview's charts, which come after the page. On a busy machine the CPU time of pages and database
together says more than the clock does.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import httpx
import psutil
import psycopg
from fastapi import FastAPI
from sqlalchemy import event
from sqlalchemy.engine import Engine
from temporalio.client import Client

from bench.monitor import start_breakers, write_teams
from bench.report import Figure, Spread, print_report
from bench.year import WEEKS, fill
from dashboard.app import create_app
from dashboard.picture import EVERY_SECONDS, Watch
from dashboard.sessions import Sessions
from dashboard.site import LiveSettings, Site
from devsync.runtime.connection import register_search_attributes
from devsync.runtime.plugin import DevSyncPlugin
from devsync.settings.configuration import load_configuration
from devsync.settings.live import LiveConfiguration
from devsync.storage import migrate
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.database import Database
from sandbox.postgres import PostgresServer, embedded_postgres
from sandbox.temporal_server import dev_server

TEAMS, FEW_TEAMS = 200, 10
REPETITIONS = 9
HOST = "http://localhost:8300"
PAGES = ("/", "/live/charts", "/editions", "/insight")
LIMITS = {
    "the overview, of the picture that is at hand": 100,
    "the overview, which takes the picture": 100,
    "the overview, the first one after the start": 100,
}
"""Milliseconds."""


class Cost(NamedTuple):
    """Of one page."""

    seconds: float
    cpu_seconds: float
    """The application's and PostgreSQL's."""


@dataclass
class Visitor:
    """Somebody with a browser, and the application that they look at."""

    app: FastAPI
    http: httpx.AsyncClient
    postgres: psutil.Process

    async def cost(self, path: str) -> Cost:
        used, began = self._cpu_seconds(), time.perf_counter()
        answer = await self.http.get(path)
        cost = Cost(time.perf_counter() - began, self._cpu_seconds() - used)
        if answer.status_code != 200 or "cannot be read" in answer.text:
            raise RuntimeError(f"a page with something missing measures nothing: {path} {answer.status_code}")
        return cost

    def _cpu_seconds(self) -> float:
        of_each = [one.cpu_times() for one in self.postgres.children()]
        return time.process_time() + sum(one.user + one.system for one in of_each)

    def forget(self) -> None:
        """What was looked at before, as though nobody had been there for a while."""
        site: Site = self.app.state.site
        watch = Watch(site.database, site.temporal, site.watch.configuration)
        self.app.state.site = replace(site, watch=watch)


async def run(teams: int, weeks: int, repetitions: int) -> tuple[list[Figure], dict[str, Any]]:
    now = datetime.now(UTC)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="devsync-bench-")))
        folder.chmod(0o755)
        postgres = await stack.enter_async_context(embedded_postgres(folder))
        temporal = await stack.enter_async_context(dev_server(folder / "temporal.db"))
        client = await Client.connect(temporal.address, plugins=[DevSyncPlugin()])
        await register_search_attributes(client)
        filled: dict[str, float] = {}
        visitors: dict[int, Visitor] = {}
        for count in (min(FEW_TEAMS, teams), teams):
            url = _database(postgres, f"teams{count}")
            filled[str(count)] = await asyncio.to_thread(fill, url, teams=count, weeks=weeks, now=now)
            config = write_teams(folder / f"config{count}", count)
            visitors[count] = await stack.enter_async_context(_visitor(postgres, url, client, config))
        configuration = await visitors[teams].app.state.site.configuration.now()
        await start_breakers(client, configuration, stack)
        asked = {count: [await _questions(visitor, path) for path in PAGES] for count, visitor in visitors.items()}
        many = visitors[teams]
        costs = {
            "the overview, of the picture that is at hand": await _at_hand(many, "/", repetitions),
            "the overview, which takes the picture": await _with_a_picture(many, repetitions),
            "the overview, the first one after the start": await _first(many, "/", repetitions),
            "its charts, which come after it": await _first(many, "/live/charts", repetitions),
            "the first page of editions": await _first(many, "/editions", repetitions),
            "insight of all teams, nothing at hand": await _first(many, "/insight", max(repetitions // 3, 1)),
        }
    few, most = asked.values() if len(asked) > 1 else (asked[teams], asked[teams])
    seconds = {what: Spread(tuple(one.seconds for one in ones)) for what, ones in costs.items()}
    cpu = {what: fmean(one.cpu_seconds for one in ones) for what, ones in costs.items()}
    figures = [
        *(Figure("M", what, 1000 * spread.median, "ms", at_most=LIMITS.get(what)) for what, spread in seconds.items()),
        *(
            Figure("M", f"{what}: CPU time", 1000 * spent, "ms", at_most=LIMITS.get(what))
            for what, spent in cpu.items()
        ),
        Figure("M", f"questions to the database more with {teams} teams", sum(most) - sum(few), "", at_most=0),
    ]
    details = {
        "teams": teams,
        "weeks": weeks,
        "fill_seconds": filled,
        "questions": dict(zip(PAGES, most, strict=True)),
        "seconds": {what: str(spread) for what, spread in seconds.items()},
    }
    return figures, details


def _database(postgres: PostgresServer, name: str) -> str:
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    migrate.upgrade(postgres.url(name))
    return postgres.url(name)


@asynccontextmanager
async def _visitor(postgres: PostgresServer, url: str, client: Client, config: Path) -> AsyncIterator[Visitor]:
    database = Database(url)
    settings = LiveSettings(config / "dashboard.yaml")  # there is none: open to everybody on this machine
    configuration = LiveConfiguration(load_configuration(config))
    site = Site(
        database=database,
        artifacts=ArtifactStore(database),
        temporal=client,
        watch=Watch(database, client, configuration),
        configuration=configuration,
        live_settings=settings,
        sessions=Sessions("s" * 32, timedelta(hours=12), secure=False),
        web_ui="",
        namespace=client.namespace,
    )
    app = create_app(site, hosts=["localhost"], secure=False)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HOST) as http:
        yield Visitor(app, http, psutil.Process(postgres.pid))
    await database.dispose()


async def _questions(visitor: Visitor, path: str) -> int:
    """To the database, for a page of which nothing is at hand."""
    await visitor.cost(path)  # connections are opened, statements prepared
    visitor.forget()
    with _counted() as statements:
        await visitor.cost(path)
    return len(statements)


@contextmanager
def _counted() -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def _at_hand(visitor: Visitor, path: str, repetitions: int) -> list[Cost]:
    await visitor.cost(path)
    return [await visitor.cost(path) for _ in range(repetitions)]


async def _with_a_picture(visitor: Visitor, repetitions: int) -> list[Cost]:
    costs = []
    await visitor.cost("/")
    for _ in range(repetitions):
        await asyncio.sleep(EVERY_SECONDS)
        costs.append(await visitor.cost("/"))
    return costs


async def _first(visitor: Visitor, path: str, repetitions: int) -> list[Cost]:
    costs = []
    for _ in range(repetitions):
        visitor.forget()
        costs.append(await visitor.cost(path))
    return costs


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.dashboard", description=__doc__)
    parser.add_argument("--teams", type=int, default=TEAMS)
    parser.add_argument("--weeks", type=int, default=WEEKS)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    options = parser.parse_args()
    figures, details = asyncio.run(run(options.teams, options.weeks, options.repetitions))
    print_report("dashboard", figures, details)


if __name__ == "__main__":
    main()
