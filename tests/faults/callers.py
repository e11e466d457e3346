"""The product's activities, each with its real client, pointed at a sandbox: one for each API that can fail."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

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
from devsync.runtime.breaker.calls import Call, Excuses
from devsync.runtime.breaker.gate import Gate
from devsync.settings.services import read_services
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.collected import CollectedUnits
from devsync.storage.database import Database
from devsync.storage.pages import CollectionPages
from devsync.storage.threads import LoopBridge
from sandbox.faults import Fault, FaultKind
from sandbox.running import Sandbox, run_sandbox
from sandbox.worlds.demo import demo_world
from tests.activities.jira_clients import jira_client
from tests.configuration import SHIPPED
from tests.faults.attempts import Failed, attempt_of
from tests.faults.matrix import GITHUB_GRAPHQL, GITHUB_REST, JIRA_CLOUD, JIRA_DATA_CENTER, SLACK, Mistake

READ_TIMEOUT = timedelta(seconds=1)
WEEK = "2026-W47"
RULES = read_services(SHIPPED / "services.yaml").model

_numbers = itertools.count(1)


class Doorway:
    """Where a service's client passes its gate. A new one for each fault, since a gate remembers."""

    def __init__(self, service: str) -> None:
        self.gate = self.renewed(service)

    def renewed(self, service: str) -> Gate:
        """Of a worker that has just started: the shipped rules, and nothing counted."""
        self.gate = Gate(service, RULES.breaker(service))
        return self.gate

    def call(self, operation: str) -> Call:
        return self.gate.call(operation)

    def excused_call(self, operation: str, excuses: Excuses) -> Call:
        return self.gate.excused_call(operation, excuses)


@dataclass(frozen=True)
class Caller:
    """`call` lets a worker's activity call the API; `route` is the request that matters."""

    sandbox: Sandbox
    service: str
    route: str
    call: Callable[[Mistake], Awaitable[Failed | None]]
    database: Database
    doorway: Doorway

    def new_gate(self) -> Gate:
        return self.doorway.renewed(self.service)

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


class Parts(NamedTuple):
    """What a caller is made of."""

    sandbox: Sandbox
    shelf: Shelf
    database: Database
    doorway: Doorway
    stack: AsyncExitStack

    def caller(self, service: str, route: str, call: Callable[[Mistake], Awaitable[Failed | None]]) -> Caller:
        return Caller(self.sandbox, service, route, call, self.database, self.doorway)


@asynccontextmanager
async def caller(api: str, url: str) -> AsyncIterator[Caller]:
    """`url` is that of an empty migrated database: nothing is remembered, so that everything is asked for."""
    service = api.partition(" ")[0]
    async with AsyncExitStack() as stack:
        world = demo_world(WEEK)
        if api == JIRA_DATA_CENTER:
            world.jira_deployment = "data-center"
        sandbox = await stack.enter_async_context(run_sandbox(world, services=[service]))
        database = Database(url, pool_size=2)
        stack.push_async_callback(database.dispose)
        store = ArtifactStore(database)
        shelf = Shelf(CollectionPages(database), store, LoopBridge(asyncio.get_running_loop()))
        yield _BUILD[api](Parts(sandbox, shelf, database, Doorway(service), stack))


def _github(parts: Parts, road: str, route: str) -> Caller:
    client = GitHubClient(
        base_url=parts.sandbox.github_url,
        tokens=PersonalToken(parts.sandbox.credentials.github_token),
        concurrency=2,
        read_timeout=READ_TIMEOUT,
        gate=parts.doorway,
    )
    activities = GitHubActivities(client, parts.shelf, CollectedUnits(parts.database))

    async def call(mistake: Mistake) -> Failed | None:
        message = CollectRepository(
            collection_id=f"c{next(_numbers)}",
            team="payments",
            repository=mistake.thing or "acme/payments-api",
            window=week_window(WEEK, "UTC"),
            api=road,
        )
        return await attempt_of(COLLECT_REPOSITORY, activities.collect_repository, message, gate=parts.doorway.gate)

    return parts.caller("github", route, call)


def _rest(parts: Parts) -> Caller:
    return _github(parts, "rest", "/pulls")


def _graphql(parts: Parts) -> Caller:
    return _github(parts, "graphql", "/graphql")


def _jira(parts: Parts) -> Caller:
    client = jira_client(parts.sandbox, read_timeout=READ_TIMEOUT, gate=parts.doorway)
    activities = JiraActivities(client, parts.shelf, CollectedUnits(parts.database))

    async def call(mistake: Mistake) -> Failed | None:
        message = CollectProject(
            collection_id=f"c{next(_numbers)}",
            team="payments",
            project=mistake.thing or "PAY",
            window=week_window(WEEK, "UTC"),
        )
        return await attempt_of(COLLECT_PROJECT, activities.collect_project, message, gate=parts.doorway.gate)

    return parts.caller("jira", "/search", call)


def _slack(parts: Parts) -> Caller:
    client = SlackClient(
        base_url=f"{parts.sandbox.slack_url}/api/",
        token=parts.sandbox.credentials.slack_bot_token,
        concurrency=1,
        read_timeout=READ_TIMEOUT,
        gate=parts.doorway,
    )
    parts.stack.push_async_callback(client.close)
    activities = SlackActivities(client, parts.shelf.store)

    async def call(mistake: Mistake) -> Failed | None:
        blocks = [{"type": "divider"}] * mistake.block_count
        rendering = json.dumps({"messages": [{"text": "text", "blocks": blocks}]}).encode()
        artifact = await parts.shelf.store.put(rendering, kind="rendering.slack", team="payments")
        message = SendPart(team="payments", key="k", target=mistake.thing or "#payments", rendering=artifact, index=0)
        return await attempt_of(SEND_SLACK_PART, activities.send_part, message, gate=parts.doorway.gate)

    return parts.caller("slack", "chat.postMessage", call)


_BUILD = {
    GITHUB_REST: _rest,
    GITHUB_GRAPHQL: _graphql,
    JIRA_CLOUD: _jira,
    JIRA_DATA_CENTER: _jira,
    SLACK: _slack,
}
