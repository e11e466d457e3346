"""`python -m bench.monitor`: how long one look of the monitor takes.

Row L of the targets. The records of `bench.statistics` (a million errors, as many attempts), two hundred teams with a
schedule whose last editions are on record, four breakers on a real Temporal server. The look is the activity itself:
all it asks and decides, its row of `health_checks`, no heartbeat. In the busy hour a tenth of all errors happened.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment
from temporalio.worker import Worker

from activities.monitoring import MonitorActivities
from bench.report import Figure, Spread, print_report
from bench.statistics import END, ERRORS, OPERATIONS, ROWS, fill
from commands.apply import apply_breakers
from commands.stack import ROOT
from devsync.contracts import names
from devsync.contracts.delivery import DeliveryState
from devsync.contracts.monitor import Look, Looked
from devsync.runtime.breaker.operations import BreakerOperations
from devsync.runtime.connection import register_search_attributes
from devsync.runtime.heartbeat import Heartbeat
from devsync.runtime.plugin import DevSyncPlugin
from devsync.settings.configuration import Configuration, load_configuration
from devsync.storage import migrate
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.database import Database
from devsync.storage.deliveries import DeliveryRecord
from devsync.storage.records import Records
from devsync.storage.runs import RunRecord
from sandbox.postgres import embedded_postgres
from sandbox.temporal_server import dev_server
from workflows.breaker.circuit_breaker import CircuitBreaker

TEAMS = 200
REPETITIONS = 20
BUSY = END - timedelta(days=3) + timedelta(minutes=40)
"""The end of the busy hour."""


async def run(rows: int, teams: int, repetitions: int) -> tuple[list[Figure], dict[str, Any]]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="devsync-bench-")))
        folder.chmod(0o755)
        postgres = await stack.enter_async_context(embedded_postgres(folder))
        temporal = await stack.enter_async_context(dev_server(folder / "temporal.db"))
        client = await Client.connect(temporal.address, plugins=[DevSyncPlugin()])
        await register_search_attributes(client)
        migrate.upgrade(postgres.url())
        for table in (ERRORS, OPERATIONS):
            await asyncio.to_thread(fill, postgres.url(), table, rows)
        configuration = load_configuration(write_teams(folder / "config", teams))
        database = Database(postgres.url())
        stack.push_async_callback(database.dispose)
        await _deliver(database, configuration)
        await start_breakers(client, configuration, stack)
        monitor = MonitorActivities(configuration.directory, configuration, database, client, Heartbeat(None, ()))
        calm = await _timed(lambda number: _look(monitor, END, number), repetitions)
        busy = await _timed(lambda number: _look(monitor, BUSY, number), repetitions)
    figures = [
        Figure("L", "a look of the monitor", 1000 * calm.median, "ms", at_most=100),
        Figure("L", "a look in the busy hour", 1000 * busy.median, "ms"),
    ]
    return figures, {"rows": rows, "teams": teams, "seconds": {"calm": str(calm), "busy": str(busy)}}


async def _look(monitor: MonitorActivities, at: datetime, number: int) -> None:
    message = Look(at=at + timedelta(milliseconds=number))
    looked: Looked = await ActivityEnvironment().run(monitor.look, message)
    if looked.health is None or looked.notes or not all(verdict.is_known for verdict in looked.verdicts[:-1]):
        raise RuntimeError(f"a look that does not see everything measures nothing: {looked}")


async def _timed(work: Callable[[int], Awaitable[object]], repetitions: int) -> Spread:
    await work(0)  # the first one plans
    seconds = []
    for number in range(1, repetitions + 1):
        began = time.perf_counter()
        await work(number)
        seconds.append(time.perf_counter() - began)
    return Spread(tuple(seconds))


def write_teams(directory: Path, teams: int) -> Path:
    """A configuration of that many teams, `team001` to the last, with an edition each Monday."""
    (directory / "teams").mkdir(parents=True)
    for file in (ROOT / "config").glob("*.yaml"):
        (directory / file.name).write_text(file.read_text())
    for number in range(1, teams + 1):
        team = {
            "team": f"team{number:03}",
            "timezone": "Europe/Berlin",
            "schedule": {"day": "monday", "time": "09:00"},
            "github": {"repositories": ["acme/api"]},
            "channels": [{"kind": "slack", "channel": f"#team{number:03}"}],
        }
        (directory / "teams" / f"team{number:03}.yaml").write_text(yaml.safe_dump(team))
    return directory


async def _deliver(database: Database, configuration: Configuration) -> None:
    """The last four weeks of each team."""
    records = Records(database, ArtifactStore(database))
    for name, team in configuration.teams.items():
        for weeks in range(4):
            week, due_at = team.weekly_time.last_due(END - timedelta(weeks=weeks))
            run = RunRecord(
                workflow_id=names.edition_id(name, week),
                run_id="run",
                team=name,
                iso_week=week,
                status="complete",
                started_at=due_at,
                ended_at=due_at,
            )
            part = DeliveryRecord(
                team=name, iso_week=week, channel="slack", revision=1, state=DeliveryState.DELIVERED, updated_at=due_at
            )
            await records.write(run=run, deliveries=[part])


async def start_breakers(client: Client, configuration: Configuration, stack: AsyncExitStack) -> None:
    """Until each has said where it stands."""
    await stack.enter_async_context(Worker(client, task_queue=names.CONTROL_QUEUE, workflows=[CircuitBreaker]))
    await apply_breakers(client, configuration)
    async with asyncio.timeout(30):
        while len(await BreakerOperations(client).standings()) < len(configuration.services.guarded):
            await asyncio.sleep(0.2)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.monitor", description=__doc__)
    parser.add_argument("--rows", type=int, default=ROWS, help="errors, and as many attempts")
    parser.add_argument("--teams", type=int, default=TEAMS)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    options = parser.parse_args()
    figures, details = asyncio.run(run(options.rows, options.teams, options.repetitions))
    print_report("monitor", figures, details)


if __name__ == "__main__":
    main()
