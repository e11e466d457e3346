"""A stage for one test: a world, its sandbox, a configuration, a database of its own, and workers on demand."""

import asyncio
import os
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import yaml
from psycopg.rows import dict_row
from temporalio.client import Client, WorkflowHandle
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError

from commands.editions import start_edition
from commands.stack import ROOT, worker_process
from devsync.contracts.edition import EditionProgress, EditionResult, Phase
from devsync.contracts.names import CIRCUIT_BREAKER, SEARCH_ATTRIBUTES
from devsync.runtime.plugin import DevSyncPlugin
from devsync.runtime.schedules import describe, handle_of
from devsync.storage import migrate
from sandbox.postgres import PostgresServer, embedded_postgres
from sandbox.processes import ChildProcess
from sandbox.running import Sandbox, run_sandbox
from sandbox.slack import WORKSPACE, Message, Workspace
from sandbox.temporal_server import SearchAttributeType, TemporalServer, dev_server
from sandbox.world import World

PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class Servers:
    postgres: PostgresServer
    temporal: TemporalServer


@dataclass
class Stage:
    directory: Path
    servers: Servers
    sandbox: Sandbox
    client: Client
    database: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            **self.sandbox.environment,
            "DATABASE_URL": self.servers.postgres.url(self.database),
            "TEMPORAL_ADDRESS": self.servers.temporal.address,
            "CONFIG_DIR": str(self.directory / "config"),
        }

    @property
    def team(self) -> str:
        return self.sandbox.world.teams[0].team

    @asynccontextmanager
    async def worker(self, name: str = "worker") -> AsyncIterator[ChildProcess]:
        async with worker_process(self.directory, self.environment, name) as process:
            yield process

    async def start(self, week: str | None = None, *, is_dry_run: bool = False) -> WorkflowHandle[Any, EditionResult]:
        return await start_edition(self.client, self.team, week or self.sandbox.world.week, is_dry_run=is_dry_run)

    async def run(self, week: str | None = None) -> EditionResult:
        """One edition from start to end, by a worker that runs already."""
        handle = await self.start(week)
        return await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)

    async def starter(self, *arguments: str) -> tuple[int, str, str]:
        """(exit code, standard output, standard error) of `python starter.py …` with this stage's environment."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, ROOT / "starter.py", *arguments, cwd=ROOT,
            env=os.environ | self.environment | {"COLUMNS": "200"},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, errors = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
        assert process.returncode is not None
        return process.returncode, output.decode(), errors.decode()

    async def until_phase(self, handle: WorkflowHandle[Any, EditionResult], phase: Phase) -> None:
        async def is_there() -> bool:
            progress: EditionProgress = await handle.query("progress", result_type=EditionProgress)
            return progress.phase is phase

        await eventually(is_there)

    def rows(self, query: str) -> list[dict[str, Any]]:
        with psycopg.connect(self.servers.postgres.url(self.database), row_factory=dict_row) as connection:
            return connection.execute(query.encode()).fetchall()

    @property
    def slack(self) -> Workspace:
        return self.sandbox.apps["slack"][WORKSPACE]

    @property
    def messages(self) -> list[Message]:
        """Everything that stands in the team's channel, threads included, oldest first."""
        return list(self.slack.channel_named(self.sandbox.world.teams[0].slack_channels[0]).messages.values())

    @property
    def keys(self) -> list[str]:
        """The key of each message of ours: a key that occurs twice was posted twice."""
        return [message.metadata["event_payload"]["key"] for message in self.messages if message.metadata]

    def change_team(self, **changes: Any) -> None:
        """Edits the team's file as an operator would: the next plan reads it."""
        path = self.directory / "config" / "teams" / f"{self.team}.yaml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | changes, sort_keys=False))

    def choose_road(self, api: str) -> None:
        """Sets the team's `github.api`."""
        path = self.directory / "config" / "teams" / f"{self.team}.yaml"
        self.change_team(github=yaml.safe_load(path.read_text())["github"] | {"api": api})

    def change_service(self, service: str, part: str, **changes: Any) -> None:
        path = self.directory / "config" / "services.yaml"
        services = yaml.safe_load(path.read_text())
        services[service][part] = services[service].get(part, {}) | changes
        path.write_text(yaml.safe_dump(services, sort_keys=False))

    def change_delivery(self, **changes: Any) -> None:
        path = self.directory / "config" / "delivery.yaml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | changes, sort_keys=False))


def search_attributes() -> dict[str, SearchAttributeType]:
    return {key.name: "Keyword" for key in SEARCH_ATTRIBUTES}


@asynccontextmanager
async def running_servers() -> AsyncIterator[Servers]:
    """Empty servers in a folder of their own; both end with the block."""
    with tempfile.TemporaryDirectory(prefix="devsync-e2e-") as folder:
        directory = Path(folder)
        directory.chmod(0o755)  # as root, PostgreSQL runs as another user
        async with (
            embedded_postgres(directory / "postgres", durable=False) as postgres,
            dev_server(directory / "temporal.db", search_attributes=search_attributes()) as temporal,
        ):
            yield Servers(postgres, temporal)


@asynccontextmanager
async def stage_for(
    world: World,
    servers: Servers,
    directory: Path,
    sandbox_of: Callable[[World], AbstractAsyncContextManager[Sandbox]] = run_sandbox,
) -> AsyncIterator[Stage]:
    """Teams get names of their own, since workflow ids are made of them and all tests share one server."""
    marker = uuid.uuid4().hex[:8]
    for spec in world.teams:
        spec.team = f"{spec.team[:20]}-{marker}"
    database = f"e2e_{marker}"
    await servers.postgres.create_database(database)
    await asyncio.to_thread(migrate.upgrade, servers.postgres.url(database))
    write_configuration(directory, world)
    config = ClientConfig.load_client_connect_config()
    config["target_host"] = servers.temporal.address
    client = await Client.connect(**config, plugins=[DevSyncPlugin()])
    async with sandbox_of(world) as sandbox:
        yield Stage(directory, servers, sandbox, client, database)


def write_configuration(directory: Path, world: World) -> None:
    (directory / "config" / "teams").mkdir(parents=True)
    for name in ("services.yaml", "delivery.yaml"):
        (directory / "config" / name).write_text((ROOT / "config" / name).read_text())
    for spec in world.teams:
        team: dict[str, Any] = {
            "team": spec.team,
            "timezone": spec.timezone,
            "github": {"repositories": spec.repositories, "exclude_labels": ["skip-changelog"]},
            "channels": [{"kind": "slack", "channel": f"#{spec.slack_channels[0]}"}],
        }
        if spec.projects:
            team["jira"] = {"projects": spec.projects}
        (directory / "config" / "teams" / f"{spec.team}.yaml").write_text(yaml.safe_dump(team, sort_keys=False))


async def forget(client: Client, team: str) -> None:
    """The server is shared: what a team left there, the next test's worker would go on with."""
    if await describe(client, team) is not None:
        await handle_of(client, team).delete()
    breakers = f'WorkflowType = "{CIRCUIT_BREAKER}"'  # of all teams: what failed in one test must not stop the next
    async for run in client.list_workflows(f'(Team = "{team}" OR {breakers}) AND ExecutionStatus = "Running"'):
        with suppress(RPCError):  # over by now
            await client.get_workflow_handle(run.id, run_id=run.run_id).terminate("its test is over")


async def eventually(is_true: Callable[[], Awaitable[bool]], seconds: float = PATIENCE_SECONDS) -> None:
    """Waits for something that happens in another process. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not await is_true():
            await asyncio.sleep(0.05)
