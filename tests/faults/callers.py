"""The product's activities, each with its real client, pointed at a sandbox: one for each API that can fail."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import text

from activities.clients.github import GitHubClient
from activities.clients.github_access import PersonalToken
from activities.clients.slack import SlackClient
from activities.collection import Shelf
from activities.github import GitHubActivities
from activities.jira import JiraActivities
from activities.slack import SlackActivities
from devsync.contracts.activities import COLLECT_PROJECT, COLLECT_REPOSITORY, SEND_SLACK_PART
from devsync.contracts.collection import CollectProject, CollectRepository
from devsync.contracts.delivery import SendPart
from devsync.domain.changelog.window import week_window
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.collected import CollectedUnits
from devsync.storage.database import Database
from devsync.storage.pages import CollectionPages
from devsync.storage.threads import LoopBridge
from sandbox.faults import Fault, FaultKind
from sandbox.running import Sandbox, run_sandbox
from sandbox.worlds.demo import demo_world
from tests.activities.jira_clients import jira_client
from tests.faults.attempts import Failed, attempt_of
from tests.faults.matrix import GITHUB_GRAPHQL, GITHUB_REST, JIRA_CLOUD, JIRA_DATA_CENTER, SLACK, Mistake

READ_TIMEOUT = timedelta(seconds=1)
WEEK = "2026-W47"

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Caller:
    """`call` lets a worker's activity call the API; `route` is the request that matters."""

    sandbox: Sandbox
    service: str
    route: str
    call: Callable[[Mistake], Awaitable[Failed | None]]
    database: Database

    async def attempt(self, fault: Fault | Mistake) -> Failed | None:
        """One attempt while the fault is in force, and nothing is remembered that would save a request."""
        await self.database.execute(text("DELETE FROM collected_units"))
        if isinstance(fault, Mistake):
            return await self.call(fault)
        # A closed port has no routes.
        route = "" if fault.kind is FaultKind.REFUSED else self.route
        self.sandbox.faults.add(fault.model_copy(update={"service": self.service, "route": route}))
        try:
            return await self.call(Mistake())
        finally:
            self.sandbox.faults.clear()


@asynccontextmanager
async def caller(api: str, url: str) -> AsyncIterator[Caller]:
    """`url` is that of an empty migrated database: nothing is remembered, so that everything is asked for."""
    async with AsyncExitStack() as stack:
        world = demo_world(WEEK)
        if api == JIRA_DATA_CENTER:
            world.jira_deployment = "data-center"
        sandbox = await stack.enter_async_context(run_sandbox(world, services=[api.partition(" ")[0]]))
        database = Database(url, pool_size=2)
        stack.push_async_callback(database.dispose)
        store = ArtifactStore(database)
        shelf = Shelf(CollectionPages(database), store, LoopBridge(asyncio.get_running_loop()))
        yield await _BUILD[api](sandbox, shelf, database, stack)


async def _github(sandbox: Sandbox, shelf: Shelf, database: Database, road: str, route: str) -> Caller:
    client = GitHubClient(
        base_url=sandbox.github_url,
        tokens=PersonalToken(sandbox.credentials.github_token),
        concurrency=2,
        read_timeout=READ_TIMEOUT,
    )
    activities = GitHubActivities(client, shelf, CollectedUnits(database))

    async def call(mistake: Mistake) -> Failed | None:
        message = CollectRepository(
            collection_id=f"c{next(_numbers)}",
            team="payments",
            repository=mistake.thing or "acme/payments-api",
            window=week_window(WEEK, "UTC"),
            api=road,
        )
        return await attempt_of(COLLECT_REPOSITORY, activities.collect_repository, message)

    return Caller(sandbox, "github", route, call, database)


async def _rest(sandbox: Sandbox, shelf: Shelf, database: Database, _stack: AsyncExitStack) -> Caller:
    return await _github(sandbox, shelf, database, "rest", "/pulls")


async def _graphql(sandbox: Sandbox, shelf: Shelf, database: Database, _stack: AsyncExitStack) -> Caller:
    return await _github(sandbox, shelf, database, "graphql", "/graphql")


async def _jira(sandbox: Sandbox, shelf: Shelf, database: Database, _stack: AsyncExitStack) -> Caller:
    activities = JiraActivities(jira_client(sandbox, read_timeout=READ_TIMEOUT), shelf)

    async def call(mistake: Mistake) -> Failed | None:
        message = CollectProject(
            collection_id=f"c{next(_numbers)}",
            team="payments",
            project=mistake.thing or "PAY",
            window=week_window(WEEK, "UTC"),
        )
        return await attempt_of(COLLECT_PROJECT, activities.collect_project, message)

    return Caller(sandbox, "jira", "/search", call, database)


async def _slack(sandbox: Sandbox, shelf: Shelf, database: Database, stack: AsyncExitStack) -> Caller:
    client = SlackClient(
        base_url=f"{sandbox.slack_url}/api/",
        token=sandbox.credentials.slack_bot_token,
        concurrency=1,
        read_timeout=READ_TIMEOUT,
    )
    stack.push_async_callback(client.close)
    activities = SlackActivities(client, shelf.store)

    async def call(mistake: Mistake) -> Failed | None:
        blocks = [{"type": "divider"}] * mistake.block_count
        rendering = json.dumps({"messages": [{"text": "text", "blocks": blocks}]}).encode()
        artifact = await shelf.store.put(rendering, kind="rendering.slack", team="payments")
        message = SendPart(team="payments", key="k", target=mistake.thing or "#payments", rendering=artifact, index=0)
        return await attempt_of(SEND_SLACK_PART, activities.send_part, message)

    return Caller(sandbox, "slack", "chat.postMessage", call, database)


_BUILD = {
    GITHUB_REST: _rest,
    GITHUB_GRAPHQL: _graphql,
    JIRA_CLOUD: _jira,
    JIRA_DATA_CENTER: _jira,
    SLACK: _slack,
}
