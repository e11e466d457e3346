"""GitHub's collection as an activity on a stage: the sandbox on the wire, a real database, no Temporal server."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from aiohttp import web
from temporalio.testing import ActivityEnvironment

from activities.clients.github import GitHubClient
from activities.clients.github_access import GitHubTokens, PersonalToken
from activities.collection import Shelf
from activities.github import GitHubActivities
from devsync.contracts.artifacts import INLINE_LIMIT
from devsync.contracts.collection import CollectRepository, UnitCollected
from devsync.domain.changelog.collected import RepositoryData
from devsync.domain.changelog.window import Window, week_window
from devsync.runtime.breaker.calls import UNGATED, CallGate
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.collected import CollectedUnits
from devsync.storage.database import Database
from devsync.storage.pages import CollectionPages
from devsync.storage.threads import LoopBridge
from sandbox.request_log import RequestRecord
from sandbox.running import Sandbox
from sandbox.service import Credentials, system_clock
from sandbox.world import Commit, PullRequest, World
from tests.sandbox.github_wire import ANNA, MONDAY, sha, small_world

Alter = Callable[[dict[str, Any], int], Any]
"""Gets the body of a GraphQL answer and its number from 1; returns the body to send instead."""

REPOSITORY = "acme/payments-api"

_names = itertools.count(1)


@dataclass
class GitHubStage:
    sandbox: Sandbox
    database: Database
    store: ArtifactStore
    activities: GitHubActivities
    alter: list[Alter] = field(default_factory=list)
    """The first one, where there is any, rewrites every GraphQL answer on its way out."""
    authorizations: set[str] = field(default_factory=set)
    """Every Authorization header that GitHub got."""
    caches: list[str] = field(default_factory=list)
    """Paths, by a part of them, that something on the way answers 304 to whatever is asked."""
    meanwhile: list[Callable[[], None]] = field(default_factory=list)
    """What happens while an answer is on its way."""

    @property
    def window(self) -> Window:
        return week_window(self.sandbox.world.week, "UTC")

    async def collect(
        self,
        repository: str,
        api: str = "auto",
        *,
        collection_id: str = "",
        attempt: int = 1,
        inline_share: int = INLINE_LIMIT,
        on_beat: Callable[..., None] = lambda *_details: None,
    ) -> UnitCollected:
        """One attempt. Attempts of one `collection_id` share their pages; without one it is a collection of its own."""
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, attempt=attempt)
        environment.on_heartbeat = on_beat
        message = CollectRepository(
            collection_id=collection_id or f"collection-{next(_names)}",
            team="payments",
            repository=repository,
            window=self.window,
            api=api,
            inline_share=inline_share,
        )
        run: Callable[..., UnitCollected] = environment.run
        return await asyncio.to_thread(run, self.activities.collect_repository, message)

    async def data(self, collected: UnitCollected) -> RepositoryData:
        return RepositoryData.model_validate_json(await self.store.get(collected.artifact))

    async def forget(self) -> None:
        """Drops what conditional collection remembers."""
        from sqlalchemy import text

        await self.database.execute(text("DELETE FROM collected_units"))

    @property
    def asked(self) -> list[RequestRecord]:
        return self.sandbox.log.select("github")

    def asked_of(self, road: str) -> list[RequestRecord]:
        """The requests that went to one of the two APIs."""
        return [record for record in self.asked if (record.path == "/graphql") == (road == "graphql")]


def busy_world() -> World:
    """A week of 250 pull requests with a commit each: three pages of each."""
    world = small_world(2)
    repository = world.repositories[REPOSITORY]
    repository.commits, repository.pull_requests = [], []
    for number in range(1, 251):
        at = MONDAY + timedelta(minutes=10 * number)
        repository.commits.insert(
            0, Commit(sha(number), f"Change {number} (#{number})", ANNA, at, at, [sha(number - 1)])
        )
        repository.pull_requests.append(
            PullRequest(number, f"Change {number}", "", ANNA, at, at, at, sha(number), head_branch=f"feature/{number}")
        )
    return world


@asynccontextmanager
async def github_stage(
    world: World,
    url: str,
    *,
    tokens: Callable[[Sandbox], GitHubTokens] | None = None,
    read_timeout: timedelta = timedelta(seconds=5),
    gate: CallGate = UNGATED,
) -> AsyncIterator[GitHubStage]:
    sandbox = Sandbox(world, Credentials(), system_clock, ["github"])
    alter: list[Alter] = []
    caches: list[str] = []
    meanwhile: list[Callable[[], None]] = []
    authorizations: set[str] = set()
    sandbox.apps["github"].middlewares.append(_altering(alter, caches, authorizations, meanwhile))
    async with AsyncExitStack() as stack:
        await sandbox.start(stack)
        database = Database(url, pool_size=2)
        stack.push_async_callback(database.dispose)
        store = ArtifactStore(database)
        client = GitHubClient(
            base_url=sandbox.github_url,
            tokens=tokens(sandbox) if tokens else PersonalToken(sandbox.credentials.github_token),
            concurrency=4,
            read_timeout=read_timeout,
            gate=gate,
        )
        shelf = Shelf(CollectionPages(database), store, LoopBridge(asyncio.get_running_loop()))
        activities = GitHubActivities(client, shelf, CollectedUnits(database))
        yield GitHubStage(sandbox, database, store, activities, alter, authorizations, caches, meanwhile)


def _altering(
    alter: list[Alter], caches: list[str], authorizations: set[str], meanwhile: list[Callable[[], None]]
) -> Any:
    numbers = itertools.count(1)

    @web.middleware
    async def middleware(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        authorizations.add(request.headers.get("Authorization", ""))
        if any(part in request.path for part in caches):
            return web.Response(status=304)
        answer = await handler(request)
        for happens in meanwhile:
            happens()
        if request.path != "/graphql" or not alter:
            return answer
        assert isinstance(answer, web.Response)
        assert isinstance(answer.body, bytes)
        body = alter[0](json.loads(answer.body), next(numbers))
        if isinstance(body, web.Response):
            return body
        return web.json_response(body)

    return middleware
