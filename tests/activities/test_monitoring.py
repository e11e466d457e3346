"""One look, with a real database and a real Temporal: what is wrong by the records, the heartbeat, changed files."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.testing import ActivityEnvironment

from activities.monitoring import MonitorActivities
from devsync.contracts.monitor import Look, Looked
from devsync.domain.health.bands import Band
from devsync.domain.health.naming import RuleName
from devsync.runtime.heartbeat import Heartbeat
from devsync.runtime.plugin import DevSyncPlugin
from devsync.settings.configuration import load_configuration, load_what_is_right
from devsync.storage.database import Database
from devsync.storage.errors import Errors
from devsync.storage.operations import Operations
from sandbox.postgres import PostgresServer
from tests.configuration import SHIPPED, shipped_settings
from tests.servers import own_database, running_temporal
from tests.storage.test_errors import record
from tests.storage.test_operations import operation
from tests.storage.test_performance import record_edition

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[Client]:
    """Of a server of its own: breakers and schedules there are nobody else's."""
    async with running_temporal() as server:
        yield await Client.connect(server.address, plugins=[DevSyncPlugin()])


@pytest.fixture
async def database(postgres: PostgresServer) -> AsyncIterator[Database]:
    with own_database(postgres) as url:
        database = Database(url)
        yield database
        await database.dispose()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return shipped_settings(tmp_path / "config")


@pytest.fixture
async def monitor(config: Path, database: Database, client: Client) -> MonitorActivities:
    return MonitorActivities(config, load_configuration(config), database, client, Heartbeat(None, ()))


async def look(monitor: MonitorActivities, **asked: object) -> Looked:
    found: Looked = await ActivityEnvironment().run(monitor.look, Look.model_validate({"at": NOW, **asked}))
    return found


def problems(looked: Looked) -> dict[str, str]:
    """Key and level."""
    return {one.key: one.level.value for verdict in looked.verdicts for one in verdict.problems}


async def test_nothing_on_record_is_healthy(monitor: MonitorActivities) -> None:
    looked = await look(monitor)
    assert looked.health is not None
    assert (looked.health.band, problems(looked), looked.notes) == (Band.HEALTHY, {}, ())
    assert all(verdict.is_known for verdict in looked.verdicts if verdict.rule is not RuleName.OPTIMISATION)
    assert looked.settings.interval == MINUTE


async def test_each_threshold_of_the_brief_by_what_is_on_record(monitor: MonitorActivities, database: Database) -> None:
    at = NOW - 2 * MINUTE
    calls = [
        operation(0, run_id=f"{number}", service="jira", ended_at=at, succeeded=number >= 6, peak_memory_mb=3000)
        for number in range(100)
    ]
    slow = [
        operation(0, run_id="slow", number=number, kind="call", service="github", ended_at=at, seconds=11)
        for number in range(1, 3)
    ]
    await Operations(database).write([*calls, *slow, operation(0, run_id="slow", ended_at=at)])
    await Errors(database).write([record(0, run_id="0", service="jira", occurred_at=at)])
    await record_edition(database, "payments", {"collect": 200.0}, ended_at=NOW - MINUTE)
    assert (
        problems(await look(monitor)).items()
        >= {
            "error_rate:jira": "high",
            "response_time:github": "medium",
            "generation_time:editions": "medium",
            "memory:editions": "high",
            "health:overall": "medium",
        }.items()
    )


async def test_a_database_that_is_away_is_a_problem_and_resolves_nothing(config: Path, client: Client) -> None:
    away = Database("postgresql://nobody@127.0.0.1:9/devsync")
    monitor = MonitorActivities(config, load_configuration(config), away, client, Heartbeat(None, ()))
    looked = await look(monitor, called_off={"core:2026-W47": "paused"})
    assert problems(looked) == {"blind:database": "high"}
    known = {verdict.rule for verdict in looked.verdicts if verdict.is_known}
    assert known == {RuleName.BLIND, RuleName.BREAKER_OPEN}
    assert looked.called_off == {"core:2026-W47": "paused"}, "what could not be seen is remembered"


async def test_files_are_read_again_when_they_change_and_a_wrong_one_is_noted(
    monitor: MonitorActivities, config: Path
) -> None:
    file = config / "monitoring.yaml"
    file.write_text("changelog_monitoring: {monitoring_interval_seconds: 30}\n")
    assert (await look(monitor)).settings.interval == MINUTE / 2
    file.write_text("changelog_monitoring: {monitoring_interval_seconds: often}\n")
    looked = await look(monitor)
    assert looked.settings.interval == MINUTE / 2
    assert f"{file}:1" in looked.notes[0]
    file.write_text("changelog_monitoring: {enable_real_time_monitoring: false}\n")
    looked = await look(monitor, called_off={"core:2026-W47": "paused"})
    assert (looked.settings.is_on, looked.health, looked.notes) == (False, None, ())
    assert looked.called_off == {"core:2026-W47": "paused"}, "who looks at nothing forgets nothing"


async def test_a_team_that_was_left_out_from_the_start_is_a_problem_until_its_file_is_right(
    config: Path, database: Database, client: Client
) -> None:
    shutil.copy(SHIPPED / "teams" / "payments.yaml", config / "teams")
    wrong = config / "teams" / "ledger.yaml"
    wrong.write_text("team: ledger\n")
    monitor = MonitorActivities(config, load_what_is_right(config), database, client, Heartbeat(None, ()))
    assert problems(await look(monitor)) == {"blind:ledger.yaml": "high"}
    wrong.unlink()
    assert problems(await look(monitor)) == {}


# The heartbeat.


class Listener:
    """Answers every request with the status."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.requests: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests.append((await reader.readline()).decode())
        writer.write(f"HTTP/1.1 {self.status} X\r\nContent-Length: 0\r\nLocation: http://localhost:1/\r\n\r\n".encode())
        await writer.drain()
        writer.close()


async def beat(status: int, *private_hosts: str) -> tuple[str, list[str]]:
    """What is noted, and what the listener got."""
    listener = Listener(status)
    server = await asyncio.start_server(listener.serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        heartbeat = Heartbeat(f"http://localhost:{port}/ping/secret", private_hosts)
        noted = await heartbeat.send()
        await heartbeat.close()
    assert "secret" not in noted
    return noted, listener.requests


async def test_each_look_says_that_the_monitor_lives() -> None:
    noted, requests = await beat(200, "localhost")
    assert (noted, len(requests)) == ("", 1)
    assert requests[0].startswith("GET /ping/secret ")


async def test_a_heartbeat_leads_into_no_network_of_ours_unasked_and_follows_nobody() -> None:
    noted, requests = await beat(200)
    assert (noted, requests) == (
        "HEARTBEAT_URL leads into our own network; name its host in OUTGOING_PRIVATE_HOSTS if it may", []
    )  # fmt: skip
    noted, requests = await beat(302, "localhost")
    assert (noted, len(requests)) == ("HEARTBEAT_URL answered 302", 1)


async def test_a_heartbeat_that_nobody_takes_is_noted_and_the_look_is_as_ever(
    config: Path, database: Database, client: Client
) -> None:
    heartbeat = Heartbeat("http://localhost:9/ping/secret", ["localhost"])
    monitor = MonitorActivities(config, load_configuration(config), database, client, heartbeat)
    looked = await look(monitor)
    assert looked.notes == ("HEARTBEAT_URL cannot be called (ConnectError)",)
    assert looked.health is not None
    assert looked.health.band is Band.HEALTHY
    await heartbeat.close()
