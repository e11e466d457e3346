"""The Slack client with the least scopes that docs/how-to/connect-real-services.md asks for."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from activities.clients.slack import SlackClient
from devsync.domain.errors import ErrorCategory
from devsync.runtime.classification import classify
from sandbox.running import Sandbox, run_sandbox
from sandbox.slack import WORKSPACE, Workspace
from sandbox.worlds.demo import demo_world

PUBLIC = frozenset({"chat:write", "channels:read", "channels:history"})
PRIVATE = frozenset({"groups:read", "groups:history"})
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with run_sandbox(demo_world("2026-W47"), services=("slack",)) as running:
        yield running


@pytest.fixture
def workspace(sandbox: Sandbox) -> Workspace:
    workspace: Workspace = sandbox.apps["slack"][WORKSPACE]
    workspace.add_channel("secret", is_private=True)
    return workspace


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[SlackClient]:
    client = SlackClient(
        base_url=f"{sandbox.slack_url}/api/",
        token=sandbox.credentials.slack_bot_token,
        concurrency=1,
        read_timeout=timedelta(seconds=5),
    )
    yield client
    await client.close()


async def test_three_scopes_are_enough_for_a_public_channel(workspace: Workspace, client: SlackClient) -> None:
    workspace.scopes = PUBLIC
    posted = await client.post("#payments", "text", [], key="k")
    assert await client.find("#payments", "k", LONG_AGO) == posted


async def test_a_private_channel_needs_two_more_and_the_failure_names_them(
    workspace: Workspace, client: SlackClient
) -> None:
    workspace.scopes = PUBLIC
    with pytest.raises(Exception, match="missing_scope") as raised:
        await client.find("#secret", "k", LONG_AGO)
    failure = classify(raised.value, "slack", datetime.now(UTC))
    assert failure.category is ErrorCategory.AUTHENTICATION
    assert "groups:read" in failure.message
    workspace.scopes = PUBLIC | PRIVATE
    assert (await client.find("#secret", "k", LONG_AGO))[1] == ""
