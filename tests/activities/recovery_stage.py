"""The steps of recovery on a stage: the demo's world on the wire, a real database, no Temporal server."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio.testing import ActivityEnvironment

from activities.clients.bounded import WebReader
from activities.clients.git_mirrors import GitMirrors
from activities.clients.github import GitHubClient
from activities.clients.github_access import PersonalToken
from activities.collection import Shelf
from activities.git_mirror import GitMirrorActivities
from activities.github import GitHubActivities
from activities.github.feed import GitHubFeedActivities
from activities.jira import JiraActivities
from activities.stand_ins import StandInActivities
from activities.status import StatusActivities
from devsync.contracts.collection import CollectProject, CollectRepository, UnitCollected
from devsync.contracts.names import project_unit, repository_unit
from devsync.contracts.recovery import EditionSources, FailedUnit, StepRequest, StepResult
from devsync.domain.changelog.collected import ProjectData, RepositoryData
from devsync.domain.changelog.window import Window, week_window
from devsync.domain.errors import ErrorCategory, Failure
from devsync.runtime.breaker.calls import UNGATED, CallGate
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.collected import CollectedUnits
from devsync.storage.database import Database
from devsync.storage.pages import CollectionPages
from devsync.storage.threads import LoopBridge
from sandbox.request_log import RequestRecord
from sandbox.running import Sandbox, run_sandbox
from sandbox.world import World
from tests.activities.jira_clients import jira_client

READ_TIMEOUT = timedelta(seconds=2)
AWAY = Failure(category=ErrorCategory.EXTERNAL_SERVICE, message="github answered 503", is_retryable=True, code="503")
_names = itertools.count(1)

Step = Callable[[StepRequest], StepResult]


@dataclass
class RecoveryStage:
    sandbox: Sandbox
    database: Database
    store: ArtifactStore
    shelf: Shelf
    github: GitHubActivities
    jira: JiraActivities
    stand_ins: StandInActivities
    mirrors: GitMirrorActivities
    feeds: GitHubFeedActivities
    status: StatusActivities

    @property
    def window(self) -> Window:
        return week_window(self.sandbox.world.week, "UTC")

    @property
    def repositories(self) -> list[str]:
        return list(self.sandbox.world.repositories)

    @property
    def projects(self) -> list[str]:
        return list(self.sandbox.world.projects)

    def repository(self, name: str, *, collection_id: str = "", failure: Failure = AWAY) -> FailedUnit:
        ask = CollectRepository(
            collection_id=collection_id or f"collection-{next(_names)}",
            team="payments",
            repository=name,
            window=self.window,
        )
        return FailedUnit(unit=repository_unit(name), service="github", failure=failure, ask=ask)

    def project(self, key: str, *, collection_id: str = "", failure: Failure = AWAY) -> FailedUnit:
        ask = CollectProject(
            collection_id=collection_id or f"collection-{next(_names)}",
            team="payments",
            project=key,
            window=self.window,
        )
        return FailedUnit(unit=project_unit(key), service="jira", failure=failure, ask=ask)

    async def collect(self, unit: FailedUnit, *, is_cancelled: bool = False) -> UnitCollected:
        """The operation itself, as an edition asks for it."""
        environment = ActivityEnvironment()
        if is_cancelled:
            environment.cancel()
        run: Callable[..., UnitCollected] = environment.run
        is_repository = isinstance(unit.ask, CollectRepository)
        work: Any = self.github.collect_repository if is_repository else self.jira.collect_project
        return await asyncio.to_thread(run, work, unit.ask)

    async def take(
        self,
        step: Step,
        *units: FailedUnit,
        sources: EditionSources | None = None,
        arguments: Mapping[str, Any] | None = None,
        window: Window | None = None,
        until: timedelta = timedelta(seconds=30),
        attempt: int = 1,
    ) -> StepResult:
        """One attempt at the step. What it healed and what it did not are the units that it was given."""
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, attempt=attempt)
        request = StepRequest(
            step="step",
            team="payments",
            iso_week=self.sandbox.world.week,
            service=units[0].service if units else "github",
            phase="collect",
            window=window or self.window,
            units=units,
            sources=sources or EditionSources(mirrors=self.sandbox.mirrors, status_pages=self.sandbox.status_pages),
            arguments=dict(arguments or {}),
            until=datetime.now(UTC) + until,
        )
        result = await asyncio.to_thread(environment.run, step, request)
        given = [unit.unit for unit in units]
        healed = [unit.unit for unit in result.healed]
        assert [unit for unit in given if unit in healed] == healed, "each once, in their order, and no other"
        assert set(result.failures) <= set(given) - set(healed)
        return result

    async def repository_data(self, collected: UnitCollected) -> RepositoryData:
        return RepositoryData.model_validate_json(await self.store.get(collected.artifact))

    async def project_data(self, collected: UnitCollected) -> ProjectData:
        return ProjectData.model_validate_json(await self.store.get(collected.artifact))

    def asked(self, service: str) -> list[RequestRecord]:
        return self.sandbox.log.select(service)


@asynccontextmanager
async def recovery_stage(
    world: World, url: str, folder: Path, *, gate: CallGate = UNGATED
) -> AsyncIterator[RecoveryStage]:
    """`folder` is where clones lie."""
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(
            run_sandbox(world, services=["github", "jira", "git", "feed", "status"])
        )
        database = Database(url, pool_size=4)
        stack.push_async_callback(database.dispose)
        store = ArtifactStore(database)
        shelf = Shelf(CollectionPages(database), store, LoopBridge(asyncio.get_running_loop()))
        units = CollectedUnits(database)
        client = GitHubClient(
            base_url=sandbox.github_url,
            tokens=PersonalToken(sandbox.credentials.github_token),
            concurrency=4,
            read_timeout=READ_TIMEOUT,
            gate=gate,
        )
        readers = {
            service: WebReader(service, connect_timeout=READ_TIMEOUT, read_timeout=READ_TIMEOUT)
            for service in ("github", "status")
        }
        for reader in readers.values():
            stack.callback(reader.close)
        web_url = sandbox.environment["GITHUB_WEB_URL"]
        yield RecoveryStage(
            sandbox,
            database,
            store,
            shelf,
            GitHubActivities(client, shelf, units),
            JiraActivities(jira_client(sandbox, concurrency=2, gate=gate), shelf, units),
            StandInActivities(shelf, units),
            GitMirrorActivities(
                GitMirrors(folder, read_timeout=READ_TIMEOUT), shelf, web_url=sandbox.github_url, at_once=4
            ),
            GitHubFeedActivities(readers["github"], shelf, web_url=web_url, at_once=4),
            StatusActivities(readers["status"]),
        )


async def why(step: Awaitable[StepResult]) -> Exception:
    """What the step raises."""
    try:
        result = await step
    except Exception as error:
        return error
    raise AssertionError(f"it did not fail: {result}")
