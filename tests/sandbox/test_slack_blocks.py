"""Block Kit's limits, at their edges: the last that Slack takes, and the first that it refuses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from slack_sdk.models.blocks import ContextBlock, DividerBlock, HeaderBlock, MarkdownTextObject, SectionBlock

from sandbox.slack.blocks import MAX_TOTAL_CHARACTERS, is_too_long, problems
from tests.sandbox.slack_samples import Slack, context, header, running, section

Block = dict[str, Any]
DIVIDER: Block = {"type": "divider"}


def fields(*texts: str) -> Block:
    return {"type": "section", "fields": [{"type": "mrkdwn", "text": text} for text in texts]}


def actions(*buttons: Block) -> Block:
    return {"type": "actions", "elements": list(buttons)}


def button(label: str = "Go", **more: Any) -> Block:
    return {"type": "button", "text": {"type": "plain_text", "text": label}, **more}


@pytest.mark.parametrize(
    "blocks",
    [
        [DIVIDER] * 50,
        [section("x" * 3000)],
        [fields(*["x" * 2000] * 10)],
        [header("x" * 150)],
        [context(*["x"] * 10)],
        [section("x", block_id="b" * 255)],
        [section("x", accessory=button("x" * 75, value="v" * 2000, style="danger", action_id="a" * 255))],
        [actions(*[button(action_id=str(n)) for n in range(25)])],
        [{"type": "image", "image_url": "http://localhost/x.png", "alt_text": "x"}],
        [{"type": "markdown", "text": "x" * 12_000}],
        [{"type": "section", "text": {"type": "plain_text", "text": "x", "emoji": True}}],
        [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": []}]}],
    ],
)
def test_what_is_within_the_limits_is_taken(blocks: list[Block]) -> None:
    assert problems(blocks) == []


@pytest.mark.parametrize(
    ("blocks", "problem"),
    [
        ([DIVIDER] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
        ([section("x" * 3001)], "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
        ([section("")], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
        ([fields("x" * 2001)], "must be less than 2001 characters [json-pointer:/blocks/0/fields/0/text]"),
        ([fields(*["x"] * 11)], "no more than 10 items allowed [json-pointer:/blocks/0/fields]"),
        ([header("x" * 151)], "must be less than 151 characters [json-pointer:/blocks/0/text/text]"),
        (
            [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
            "unsupported type: mrkdwn [json-pointer:/blocks/0/text/type]",
        ),
        ([context(*["x"] * 11)], "no more than 10 items allowed [json-pointer:/blocks/0/elements]"),
        ([context()], "no fewer than 1 items allowed [json-pointer:/blocks/0/elements]"),
        (
            [{"type": "context", "elements": [button()]}],
            "unsupported type: button [json-pointer:/blocks/0/elements/0/type]",
        ),
        ([section("x", block_id="b" * 256)], "must be less than 256 characters [json-pointer:/blocks/0/block_id]"),
        (
            [section("x", block_id="b"), {**DIVIDER, "block_id": "b"}],
            "`block_id` `b` is used more than once [json-pointer:/blocks/1/block_id]",
        ),
        ([{"type": "section"}], "must define either `text` or `fields` [json-pointer:/blocks/0]"),
        ([{"type": "header"}], "missing required field: text [json-pointer:/blocks/0]"),
        ([{"type": "nonsense"}], "unsupported type: nonsense [json-pointer:/blocks/0/type]"),
        ([{"text": "x"}], "missing required field: type [json-pointer:/blocks/0]"),
        (["x"], "must be an object [json-pointer:/blocks/0]"),
        ([{**DIVIDER, "colour": "red"}], "invalid additional property: colour [json-pointer:/blocks/0]"),
        ([{"type": "section", "text": "x"}], "must be an object [json-pointer:/blocks/0/text]"),
        (
            [{"type": "section", "text": {"type": "mrkdwn", "text": "x", "emoji": True}}],
            "invalid additional property: emoji [json-pointer:/blocks/0/text]",
        ),
        (
            [{"type": "section", "text": {"type": "mrkdwn", "text": 5}}],
            "must be a string [json-pointer:/blocks/0/text/text]",
        ),
        (
            [actions(button("x" * 76))],
            "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
        ),
        (
            [actions(button(action_id="a"), button(action_id="a"))],
            "`action_id` `a` is used more than once [json-pointer:/blocks/0/elements/1/action_id]",
        ),
        (
            [section("x", accessory={"type": ["button"]})],
            "unsupported type: ['button'] [json-pointer:/blocks/0/accessory/type]",
        ),
        (
            [{"type": "markdown", "text": "x" * 12_001}],
            "must be less than 12001 characters [json-pointer:/blocks/0/text]",
        ),
    ],
)
def test_what_is_beyond_them_is_refused_with_its_place(blocks: list[Any], problem: str) -> None:
    assert problems(blocks) == [problem]


def test_the_blocks_of_slack_sdks_own_models_are_taken() -> None:
    models = [
        HeaderBlock(text="Week 47"),
        SectionBlock(text="*x*", fields=["a", "b"], block_id="one"),
        DividerBlock(),
        ContextBlock(elements=[MarkdownTextObject(text="y", verbatim=True)]),
    ]
    assert problems([model.to_dict() for model in models]) == []


def test_the_total_is_limited_too() -> None:
    room = MAX_TOTAL_CHARACTERS - 5 * len('{"type":"section","text":{"type":"mrkdwn","text":""}},') - 1
    texts = [3000, 3000, 3000, 3000, room - 12_000]
    assert not is_too_long([section("é" * length) for length in texts])
    assert is_too_long([section("é" * length) for length in [*texts[:4], texts[4] + 1]])


@pytest_asyncio.fixture
async def slack() -> AsyncIterator[Slack]:
    async for one in running():
        yield one


async def test_refused_blocks_are_answered_with_slacks_codes_and_nothing_is_posted(slack: Slack) -> None:
    body = await slack.failure("chat.postMessage", channel="team-core", text="x", blocks=[DIVIDER] * 51)
    assert body["error"] == "invalid_blocks"
    assert body["response_metadata"]["messages"] == ["[ERROR] no more than 50 items allowed [json-pointer:/blocks]"]
    long = [section("x" * 2900) for _ in range(5)]
    assert await slack.code("chat.postMessage", channel="team-core", text="x", blocks=long) == "msg_blocks_too_long"
    assert await slack.code("chat.postMessage", channel="team-core", text="x" * 40_001) == "msg_too_long"
    await slack.client.chat_postMessage(channel="team-core", text="x" * 40_000)
    assert slack.workspace.counts.posts == 1


async def test_kept_blocks_have_an_id_and_the_defaults_of_their_texts(slack: Slack) -> None:
    answer = await slack.client.chat_postMessage(channel="team-core", text="x", blocks=[header("h"), section("s")])
    kept = answer["message"]["blocks"]
    assert kept[0]["text"]["emoji"] is True
    assert kept[1]["text"]["verbatim"] is False
    assert len({block["block_id"] for block in kept}) == 2
