"""A stage for one test: a world, its sandbox, a configuration, a database of its own, and workers on demand."""

import asyncio
import os
import signal
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import yaml
from psycopg.rows import dict_row
from temporalio.client import Client, WorkflowHandle
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError

from commands.editions import start_edition
from commands.stack import ROOT, WORKER_GRACE_SECONDS, worker_process
from devsync.contracts import names
from devsync.contracts.delivery import DeliveryOutcome
from devsync.contracts.edition import EditionProgress, EditionResult, Phase
from devsync.contracts.recovery import RecoveryReport
from devsync.domain.changelog.edition import Edition
from devsync.runtime.plugin import DevSyncPlugin
from devsync.runtime.refresh_schedules import delete_refresh
from devsync.runtime.schedules import describe, handle_of
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.database import Database
from sandbox.processes import ChildProcess
from sandbox.running import Sandbox, run_sandbox
from sandbox.slack import WORKSPACE, Message, Workspace
from sandbox.world import World
from tests.command_line import invoked
from tests.configuration import shipped_settings
from tests.e2e.nursery import FORKS, forked_worker
from tests.servers import Servers, drop_database, new_database

PATIENCE_SECONDS = 60.0

NEVER_REACHED = 1_000_000

IMPATIENT = {"schedule_to_close": "5s", "start_to_close": "5s", "heartbeat": None, "http_read": "2s"}
"""Time-outs with which a service that stays down is given up soon."""


@dataclass
class Stage:
    directory: Path
    servers: Servers
    sandbox: Sandbox
    client: Client
    database: str
    _workers: int = 0
    _begun: list[WorkflowHandle[Any, EditionResult]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **self.sandbox.environment,
            "DATABASE_URL": self.servers.postgres.url(self.database),
            "TEMPORAL_ADDRESS": self.servers.temporal.address,
            "CONFIG_DIR": str(self.directory / "config"),
            "MIRRORS_DIR": str(self.directory / "mirrors"),
        }

    @property
    def team(self) -> str:
        return self.sandbox.world.teams[0].team

    @property
    def week(self) -> str:
        """The one that is busy in this world."""
        return self.sandbox.world.week

    @asynccontextmanager
    async def worker(self, name: str = "worker", *, checkout: Path = ROOT) -> AsyncIterator[ChildProcess]:
        """Forked, which takes half of the time; a program where it is another checkout's."""
        self._workers += 1
        begun = (
            forked_worker(self.directory, self.environment, name, self._workers)
            if FORKS and checkout == ROOT
            else worker_process(self.directory, self.environment, name, checkout=checkout)
        )
        async with ending_cleanly(begun) as process:
            yield process

    async def start(self, week: str | None = None, *, is_dry_run: bool = False) -> WorkflowHandle[Any, EditionResult]:
        handle = await start_edition(self.client, self.team, week or self.week, is_dry_run=is_dry_run)
        self._begun.append(handle)
        return handle

    async def end_what_was_begun(self) -> None:
        """By id: the server's list may not have one yet that was begun a moment ago."""
        for handle in self._begun:
            with suppress(RPCError):  # over by now
                await handle.terminate("its test is over")

    async def run(self, week: str | None = None) -> EditionResult:
        """One edition from start to end, by a worker that runs already."""
        handle = await self.start(week)
        return await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)

    async def waits_for_breaker(self, edition: WorkflowHandle[Any, EditionResult], service: str) -> bool:
        """Whether a recovery of that service has come to the step that waits for its circuit breaker."""
        progress: EditionProgress = await edition.query("progress", result_type=EditionProgress)
        for one in progress.recoveries:
            if (one.service, one.phase, one.outcome) == (service, "collect", "running"):
                recovery = self.client.get_workflow_handle(one.workflow_id)
                report: RecoveryReport = await recovery.query("progress", result_type=RecoveryReport)
                return [step.id for step in report.steps][-1:] == ["retry"]
        return False

    def delivery(self, week: str) -> WorkflowHandle[Any, DeliveryOutcome]:
        """The newest run that brought, or brings, the week to the team's channel."""
        channel = f"slack-{self.sandbox.world.teams[0].slack_channels[0]}"
        return self.client.get_workflow_handle(names.delivery_id(self.team, week, channel), result_type=DeliveryOutcome)

    async def until_closed_in_list(self, *workflow_ids: str) -> None:
        """Until the server lists the end of these; what is listed as running, `status` asks its worker about."""
        await until_listed(self.client, 'ExecutionStatus != "Running"', *workflow_ids)

    async def starter(self, *arguments: str, **variables: str) -> tuple[int, str, str]:
        """(exit code, standard output, standard error) of `starter.py …` with this stage's environment."""
        return await asyncio.to_thread(
            invoked, os.environ | self.environment | {"COLUMNS": "200"} | variables, *arguments
        )

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
        """Of the team's channel."""
        return self.keys_in(self.sandbox.world.teams[0].slack_channels[0])

    def keys_in(self, channel: str) -> list[str]:
        """The key of each message of ours: a key that occurs twice was posted twice."""
        return [key_of(message) for message in self.slack.channel_named(channel).messages.values() if message.metadata]

    def messages_of(self, week: str) -> list[Message]:
        return [message for message in self.messages if message.metadata and key_of(message).split("/")[1] == week]

    async def until_posted(self) -> None:
        """Until a message stands in the team's channel."""

        async def is_posted() -> bool:
            return bool(self.messages)

        await eventually(is_posted)

    async def edition(self, result: EditionResult) -> Edition:
        """The edition itself, as it is stored."""
        database = Database(self.environment["DATABASE_URL"], pool_size=1)
        try:
            assert result.edition is not None
            return Edition.model_validate_json(await ArtifactStore(database).get(result.edition))
        finally:
            await database.dispose()

    def change_team(self, **changes: Any) -> None:
        """Edits the team's file as an operator would: the next plan reads it."""
        path = self.directory / "config" / "teams" / f"{self.team}.yaml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | changes, sort_keys=False))

    def ask_for_surroundings(self) -> None:
        """The team file as the world suggests it whole: with boards, deployments, calendar and holidays."""
        spec = self.sandbox.world.teams[0]
        path = self.directory / "config" / "teams" / f"{self.team}.yaml"
        team = yaml.safe_load(path.read_text())
        ics = f"{self.sandbox.urls['calendar']}/calendars/{spec.calendar}.ics"
        self.change_team(
            github=team["github"] | {"deployments": spec.deployments},
            jira=team["jira"] | {"boards": spec.boards},
            calendar={"ics": ics, "holidays": spec.holidays},
        )

    def choose_road(self, api: str) -> None:
        """Sets the team's `github.api`."""
        path = self.directory / "config" / "teams" / f"{self.team}.yaml"
        self.change_team(github=yaml.safe_load(path.read_text())["github"] | {"api": api})

    def change_service(self, service: str, part: str, **changes: Any) -> None:
        path = self.directory / "config" / "services.yaml"
        services = yaml.safe_load(path.read_text())
        services[service][part] = services[service].get(part, {}) | changes
        path.write_text(yaml.safe_dump(services, sort_keys=False))

    def name_mirrors_and_status_pages(self) -> None:
        """Those of the sandbox; a worker that starts from now on serves what asks them."""
        path = self.directory / "config" / "teams" / f"{self.team}.yaml"
        github = yaml.safe_load(path.read_text())["github"]
        self.change_team(
            github=github | {"mirrors": {name: self.sandbox.mirrors[name] for name in github["repositories"]}}
        )
        path = self.directory / "config" / "services.yaml"
        services = yaml.safe_load(path.read_text())
        for service, page in self.sandbox.status_pages.items():
            services[service]["status_page"] = page
        path.write_text(yaml.safe_dump(services, sort_keys=False))

    def notice_lost_workers_soon(self) -> None:
        """A heartbeat of 9 s, into which one call must fit: 5 s for a lease, and so long to connect and to read."""
        self.change_service("github", "timeouts", heartbeat="9s", http_read="2s")
        self.change_service("jira", "timeouts", heartbeat="9s", http_connect="2s", http_read="2s")

    def change_plan(self, plan: str, step: str, **changes: Any) -> None:
        """Changes one step of a recovery plan."""
        path = self.directory / "config" / "recovery.yaml"
        plans = yaml.safe_load(path.read_text())
        for declared in plans[plan]["steps"]:
            if declared["id"] == step:
                declared.update(changes)
        path.write_text(yaml.safe_dump(plans, sort_keys=False))

    def keep_steps(self, plan: str, *kept: str, ask: str = "never", tell: str = "") -> None:
        """Cuts a recovery plan down to these steps. `ask`: when people are asked, and told unless `tell` is another."""
        path = self.directory / "config" / "recovery.yaml"
        plans = yaml.safe_load(path.read_text())
        plans[plan]["steps"] = [step for step in plans[plan]["steps"] if step["id"] in kept]
        plans[plan]["escalates"] = {"ask": ask, "tell": tell or ask}
        path.write_text(yaml.safe_dump(plans, sort_keys=False))

    def change_delivery(self, **changes: Any) -> None:
        path = self.directory / "config" / "delivery.yaml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | changes, sort_keys=False))


def key_of(message: Message) -> str:
    """`team/week/channel/part`, as our metadata say."""
    assert message.metadata is not None, "not ours"
    key: str = message.metadata["event_payload"]["key"]
    return key


@asynccontextmanager
async def clean_worker(
    directory: Path, environment: Mapping[str, str], name: str, checkout: Path
) -> AsyncIterator[ChildProcess]:
    async with ending_cleanly(worker_process(directory, environment, name, checkout=checkout)) as process:
        yield process


@asynccontextmanager
async def ending_cleanly(worker: AbstractAsyncContextManager[ChildProcess]) -> AsyncIterator[ChildProcess]:
    """A worker that must end with code 0 when it is told to stop. A test may have killed it, or stopped it itself."""
    async with worker as process:
        yield process
        is_ours = process.is_running
        code = await process.stop(WORKER_GRACE_SECONDS)
        assert code == 0 or (code == -signal.SIGKILL and not is_ours), (
            f"{process.name} ended with {code}:\n{process.log_tail()}"
        )


@asynccontextmanager
async def stage_for(
    world: World,
    servers: Servers,
    directory: Path,
    sandbox_of: Callable[[World], AbstractAsyncContextManager[Sandbox]] = run_sandbox,
) -> AsyncIterator[Stage]:
    """Teams get names of their own, since workflow ids are made of them and all tests share one server.

    In the end nothing of it runs there any more.
    """
    marker = uuid.uuid4().hex[:8]
    for spec in world.teams:
        spec.team = f"{spec.team[:20]}-{marker}"
    database = await asyncio.to_thread(new_database, servers.postgres)
    write_configuration(directory, world)
    config = ClientConfig.load_client_connect_config()
    config["target_host"] = servers.temporal.address
    client = await Client.connect(**config, plugins=[DevSyncPlugin()])
    async with sandbox_of(world) as sandbox:
        stage = Stage(directory, servers, sandbox, client, database)
        try:
            yield stage
        finally:
            await stage.end_what_was_begun()
            for spec in world.teams:
                await forget(client, spec.team)
            await asyncio.to_thread(drop_database, servers.postgres, database)


def write_configuration(directory: Path, world: World) -> None:
    config = shipped_settings(directory / "config")
    leave_breakers_closed(config / "services.yaml")
    leave_people_alone(config / "recovery.yaml")
    for spec in world.teams:
        team: dict[str, Any] = {
            "team": spec.team,
            "timezone": spec.timezone,
            "github": {"repositories": spec.repositories, "exclude_labels": ["skip-changelog"]},
            "channels": [{"kind": "slack", "channel": f"#{spec.slack_channels[0]}"}],
        }
        if spec.projects:
            team["jira"] = {"projects": spec.projects}
        (config / "teams" / f"{spec.team}.yaml").write_text(yaml.safe_dump(team, sort_keys=False))


def leave_breakers_closed(services_yaml: Path) -> None:
    """Faults are what many tests are about: a breaker opens only where a test is about breakers."""
    services = yaml.safe_load(services_yaml.read_text())
    for name in (names.GITHUB, names.JIRA, names.SLACK, names.EMAIL):
        services[name]["breaker"] = {"failure_threshold": NEVER_REACHED}
    services_yaml.write_text(yaml.safe_dump(services, sort_keys=False))


def leave_people_alone(recovery_yaml: Path) -> None:
    """A gap is what many tests are about: people are asked, and waited for, only where a test is about that. What is
    queued is tried by its own schedule."""
    plans = yaml.safe_load(recovery_yaml.read_text())
    for plan in plans.values():
        plan["escalates"] = {"ask": "never", "tell": "never"}
        for step in plan["steps"]:
            if step["id"] == "queue":
                step["with"] = {"next_try": "1s"}
    recovery_yaml.write_text(yaml.safe_dump(plans, sort_keys=False))


async def forget(client: Client, team: str) -> None:
    """The server is shared: what a team left there, the next test's worker would go on with."""
    if await describe(client, team) is not None:
        await handle_of(client, team).delete()
    await delete_refresh(client, team)
    # An escalation may be of no team, as a program's is: it would go on asking people, through the next test's worker.
    ours = f'(Team = "{team}" OR WorkflowType = "{names.ESCALATION}") AND ExecutionStatus = "Running"'
    running = [run async for run in client.list_workflows(ours)]
    left = [client.get_workflow_handle(run.id, run_id=run.run_id) for run in running]
    # Breakers and escalations of a service are of all teams: what failed in one test, and the rules of its stage, must
    # not reach the next. By id, since a list would not have one that was made a moment ago.
    left += [client.get_workflow_handle(names.breaker_id(service)) for service in names.SERVICES]
    left += [client.get_workflow_handle(names.service_escalation_id(service)) for service in names.SERVICES]
    left.append(client.get_workflow_handle(names.MONITOR_ID))
    for handle in left:
        with suppress(RPCError):  # over by now, or never there
            await handle.terminate("its test is over")


async def until_listed(client: Client, query: str, *workflow_ids: str) -> None:
    """Until the server's list for that query has these: it hears of a run, and of its end, up to a few seconds late."""

    async def are_listed() -> bool:
        return set(workflow_ids) <= {run.id async for run in client.list_workflows(query)}

    await eventually(are_listed)


async def eventually(is_true: Callable[[], Awaitable[bool]], seconds: float = PATIENCE_SECONDS) -> None:
    """Waits for something that happens in another process. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not await is_true():
            await asyncio.sleep(0.05)
