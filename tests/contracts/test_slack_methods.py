"""Every method of the sandbox's Slack, called by slack-sdk's own client: its answers and refusals are Slack's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.models.blocks import (
    ContextBlock,
    DividerBlock,
    HeaderBlock,
    InputBlock,
    MarkdownTextObject,
    PlainTextInputElement,
    PlainTextObject,
    SectionBlock,
)
from slack_sdk.models.metadata import Metadata
from slack_sdk.models.views import View
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack import WORKSPACE
from sandbox.slack.methods import METHODS
from sandbox.slack.modals import new_trigger
from sandbox.worlds.demo import demo_world
from tests.contracts.conftest import slack_oracle
from tests.contracts.exchanges import RecordingSandbox, recording_sandbox
from tests.contracts.slack import SlackOracle, objections_to_blocks

Call = Callable[[AsyncWebClient], Awaitable[Any]]

BLOCKS = [
    HeaderBlock(text="Week 47"),
    SectionBlock(text=MarkdownTextObject(text="*x*", verbatim=True)),
    DividerBlock(),
    ContextBlock(elements=[MarkdownTextObject(text="y")]),
]


@pytest.fixture(scope="module")
def oracle() -> SlackOracle:
    return slack_oracle()


@pytest.fixture
async def sandbox() -> AsyncIterator[RecordingSandbox]:
    async with recording_sandbox(demo_world("2026-W47")) as running:
        yield running


VIEW = View(
    type="modal",
    title=PlainTextObject(text="Why?"),
    submit=PlainTextObject(text="Send"),
    blocks=[InputBlock(label="Why?", element=PlainTextInputElement(action_id="text", multiline=True))],
)


def client_of(sandbox: RecordingSandbox, token: str = "") -> AsyncWebClient:
    return AsyncWebClient(
        token or sandbox.credentials.slack_bot_token, base_url=f"{sandbox.slack_url}/api/", retry_handlers=[]
    )


def objections(oracle: SlackOracle, sandbox: RecordingSandbox) -> list[str]:
    return [one for exchange in sandbox.exchanges for one in oracle.check(exchange)]


async def test_every_method_answers_as_slack_does(oracle: SlackOracle, sandbox: RecordingSandbox) -> None:
    client = client_of(sandbox)
    await client.api_test()
    await client.auth_test()
    metadata = Metadata("devsync_changelog", {"key": "k"})
    posted = await client.chat_postMessage(channel="#payments", text="x", blocks=BLOCKS, metadata=metadata)
    channel, ts = posted["channel"], posted["ts"]
    reply = await client.chat_postMessage(channel=channel, text="y", thread_ts=ts, metadata=metadata)
    await client.chat_postMessage(channel=channel, text="z", thread_ts=ts, reply_broadcast=True)
    await client.chat_update(channel=channel, ts=ts, text="x2", blocks=BLOCKS, metadata=metadata)
    await client.chat_getPermalink(channel=channel, message_ts=reply["ts"])
    await client.conversations_list(types="public_channel,private_channel", limit=2)
    await client.conversations_info(channel=channel)
    await client.conversations_history(channel=channel, include_all_metadata=True, limit=1)
    await client.conversations_replies(channel=channel, ts=ts, include_all_metadata=True)
    await client.conversations_join(channel=channel)
    person = next(person for person in sandbox.world.projects["PAY"].issues if person.assignee).assignee
    assert person is not None
    found = await client.users_lookupByEmail(email=person.email)
    await client.users_info(user=found["user"]["id"])
    await client.users_list(limit=200)
    trigger = new_trigger(sandbox.apps["slack"][WORKSPACE], found["user"]["id"], {"channel": "payments", "ts": ts})
    await client.views_open(trigger_id=trigger, view=VIEW)
    await client.chat_delete(channel=channel, ts=reply["ts"])
    await client.chat_delete(channel=channel, ts=ts)
    await client.conversations_history(channel=channel)
    found_wrong = objections(oracle, sandbox)
    assert found_wrong == [], "\n".join(found_wrong)
    asked = {exchange.path.removeprefix("/api/") for exchange in sandbox.exchanges}
    assert asked == set(METHODS), "a method that nobody holds against Slack"


REFUSED: list[tuple[str, Call]] = [
    ("channel_not_found", lambda client: client.chat_postMessage(channel="#nowhere", text="x")),
    ("no_text", lambda client: client.chat_postMessage(channel="#payments")),
    ("thread_not_found", lambda client: client.chat_postMessage(channel="#payments", text="x", thread_ts="1.000001")),
    ("invalid_blocks", lambda client: client.chat_postMessage(channel="#payments", text="x", blocks=BLOCKS * 13)),
    ("channel_not_found", lambda client: client.chat_update(channel="#payments", ts="1.000001", text="x")),
    ("users_not_found", lambda client: client.users_lookupByEmail(email="nobody@nowhere.example")),
    ("channel_not_found", lambda client: client.conversations_history(channel="C00000000")),
    ("invalid_trigger_id", lambda client: client.views_open(trigger_id="1.2.3", view=VIEW)),
]


@pytest.mark.filterwarnings("ignore:The top-level `text` argument")
@pytest.mark.parametrize(("code", "call"), REFUSED, ids=[f"{number}-{one[0]}" for number, one in enumerate(REFUSED)])
async def test_a_refusal_has_the_shape_of_slacks(
    oracle: SlackOracle, sandbox: RecordingSandbox, code: str, call: Call
) -> None:
    with pytest.raises(SlackApiError) as refused:
        await call(client_of(sandbox))
    assert refused.value.response["error"] == code
    (exchange,) = sandbox.exchanges
    assert list(oracle.objections_to_answer(exchange)) == []


@pytest.mark.parametrize("case", ["wrong token", "missing scope", "rate limit"])
async def test_what_slack_says_before_it_reads_the_request_has_its_shape(
    oracle: SlackOracle, sandbox: RecordingSandbox, case: str
) -> None:
    workspace = sandbox.apps["slack"][WORKSPACE]
    client = client_of(sandbox, "xoxb-wrong" if case == "wrong token" else "")
    if case == "missing scope":
        workspace.scopes = frozenset()
    if case == "rate limit":
        workspace.rate.burst = 1
    with pytest.raises(SlackApiError) as refused:
        await asyncio.gather(*(client.chat_postMessage(channel="#payments", text="x") for _ in range(5)))
    expected = {"wrong token": "invalid_auth", "missing scope": "missing_scope", "rate limit": "ratelimited"}
    assert refused.value.response["error"] == expected[case]
    assert objections(oracle, sandbox) == []


def test_the_blocks_of_slack_sdks_own_models_have_no_objections() -> None:
    assert list(objections_to_blocks([block.to_dict() for block in BLOCKS])) == []
