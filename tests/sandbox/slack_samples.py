"""A running Slack stand-in with its real client, and blocks to post."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp.test_utils import TestServer
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.service import Credentials
from sandbox.slack import WORKSPACE, Workspace, build_app
from sandbox.world import Issue, Person, Project, World

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ANNA = Person("Anna Berg", "anna", "anna@example.com")


@dataclass
class Time:
    """The clock of the messages and of the posting rate: both stand still until moved."""

    seconds: float = 0.0

    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds


@dataclass
class Slack:
    url: str
    workspace: Workspace
    client: AsyncWebClient
    time: Time = field(default_factory=Time)

    def channel(self, name: str = "team-core") -> str:
        return self.workspace.channel_named(name).id

    async def code(self, method: str, **arguments: Any) -> str:
        """The error code of a call that must fail."""
        return str((await self.failure(method, **arguments))["error"])

    async def failure(self, method: str, **arguments: Any) -> dict[str, Any]:
        try:
            await self.client.api_call(method, json=arguments)
        except SlackApiError as error:
            body: dict[str, Any] = error.response.data
            return body
        raise AssertionError(f"{method} was accepted")


async def running() -> AsyncIterator[Slack]:
    issue = Issue(1, "CORE-1", "x", "Bug", "Done", "done", START, START, assignee=ANNA)
    world = World(
        projects={"CORE": Project(1, "CORE", "Core", [issue])},
        slack_channels=["team-core", "general", "releases"],
    )
    time = Time()
    app = build_app(world, Credentials(), time.now, monotonic=time.monotonic)
    async with TestServer(app, host="127.0.0.1") as server:
        url = f"http://localhost:{server.port}"
        client = AsyncWebClient(Credentials().slack_bot_token, base_url=f"{url}/api/", retry_handlers=[])
        yield Slack(url, app[WORKSPACE], client, time)


def section(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}, **more}


def header(text: str) -> dict[str, Any]:
    return {"type": "header", "text": {"type": "plain_text", "text": text}}


def context(*texts: str) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text} for text in texts]}
