"""A Slack channel that stands in for another one says so, in its channel message alone."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from temporalio.testing import ActivityEnvironment

from activities.clients.slack import SlackClient
from activities.slack import SlackActivities
from devsync.contracts.delivery import SendPart
from devsync.rendering.slack import render_slack
from sandbox.running import Sandbox, run_sandbox
from sandbox.slack import WORKSPACE
from sandbox.worlds.demo import demo_world
from tests.activities.carried import carried, no_store
from tests.rendering import samples
from tests.rendering.inputs import TEMPLATES


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with run_sandbox(demo_world("2026-W47"), services=("slack",)) as running:
        yield running


async def test_the_largest_message_that_stands_in_is_taken_and_says_so(sandbox: Sandbox) -> None:
    client = SlackClient(
        base_url=f"{sandbox.slack_url}/api/",
        token=sandbox.credentials.slack_bot_token,
        concurrency=1,
        read_timeout=timedelta(seconds=5),
    )
    rendering = render_slack(samples.hostile(), TEMPLATES)
    message = SendPart(
        team="payments", key="k/0", target="#payments", rendering=carried(rendering.model_dump_json()), index=0,
        stands_in_for="#checkout",
    )  # fmt: skip
    await ActivityEnvironment().run(SlackActivities(client, no_store()).send_part, message)
    await client.close()
    (posted,) = sandbox.apps["slack"][WORKSPACE].channel_named("payments").messages.values()
    assert posted.blocks[1]["elements"][0]["text"].startswith("This stands in for #checkout")
    assert posted.blocks[0]["text"] == rendering.messages[0].blocks[0]["text"]
