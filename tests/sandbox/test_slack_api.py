"""The Slack stand-in, driven over the wire by slack-sdk."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.models.metadata import Metadata
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.slack.workspace import ALERTS
from tests.sandbox.slack_samples import START, Slack, header, running, section

KEY = {"event_type": "changelog", "event_payload": {"key": "core/2026-W47/slack/0"}}


@pytest_asyncio.fixture
async def slack() -> AsyncIterator[Slack]:
    async for one in running():
        yield one


async def test_the_token_is_checked_and_the_scopes_are_told(slack: Slack) -> None:
    answer = await slack.client.auth_test()
    assert answer["user_id"] == slack.workspace.bot_user_id
    assert "chat:write" in str(answer.headers["x-oauth-scopes"]).split(",")
    for token, code in (("xoxb-wrong", "invalid_auth"), ("", "not_authed")):
        client = AsyncWebClient(token, base_url=f"{slack.url}/api/", retry_handlers=[])
        with pytest.raises(SlackApiError, match=code):
            await client.auth_test()
    slack.workspace.token_error = "token_revoked"
    assert await slack.code("auth.test") == "token_revoked"
    assert (await slack.client.api_test())["ok"]


async def test_the_blocking_client_posts_as_well(slack: Slack) -> None:
    client = WebClient(slack.client.token, base_url=f"{slack.url}/api/", retry_handlers=[])
    answer = await asyncio.to_thread(lambda: client.chat_postMessage(channel="#team-core", text="hi"))
    assert answer["message"]["text"] == "hi"


async def test_a_post_names_its_channel_by_name_hash_or_id(slack: Slack) -> None:
    for name in ("team-core", "#team-core", slack.channel()):
        answer = await slack.client.chat_postMessage(channel=name, text="x")
        assert answer["channel"] == slack.channel()
    assert slack.workspace.counts.posts == 3


async def test_other_methods_take_an_id_only(slack: Slack) -> None:
    ts = (await slack.client.chat_postMessage(channel="team-core", text="x"))["ts"]
    for method in ("chat.update", "chat.delete", "conversations.history", "conversations.info"):
        assert await slack.code(method, channel="team-core", ts=ts, text="y") == "channel_not_found"


async def test_a_person_can_be_written_to_directly(slack: Slack) -> None:
    user = (await slack.client.users_lookupByEmail(email="Anna@example.com"))["user"]
    assert (user["real_name"], user["profile"]["email"]) == ("Anna Berg", "anna@example.com")
    answer = await slack.client.chat_postMessage(channel=user["id"], text="Please look")
    assert answer["channel"].startswith("D")
    assert (await slack.client.users_info(user=user["id"]))["user"]["name"] == "anna"
    assert await slack.code("users.lookupByEmail", email="nobody@example.com") == "users_not_found"
    assert await slack.code("users.info", user="U404") == "user_not_found"


async def test_timestamps_of_a_channel_are_unique_and_rise_while_the_clock_stands(slack: Slack) -> None:
    stamps = [(await slack.client.chat_postMessage(channel="team-core", text=str(n)))["ts"] for n in range(5)]
    assert sorted(set(stamps), key=float) == stamps
    slack.workspace.clock = lambda: START - timedelta(minutes=1)
    assert (await slack.client.chat_postMessage(channel="team-core", text="x"))["ts"] > stamps[-1]


async def test_metadata_is_kept_and_given_only_to_who_asks(slack: Slack) -> None:
    metadata = Metadata(KEY["event_type"], KEY["event_payload"])  # type: ignore[arg-type]
    await slack.client.chat_postMessage(channel="team-core", text="x", metadata=metadata)
    asked = await slack.client.conversations_history(channel=slack.channel(), include_all_metadata=True)
    assert [m["metadata"] for m in asked["messages"]] == [KEY]
    plain = await slack.client.conversations_history(channel=slack.channel())
    assert ["metadata" in m for m in plain["messages"]] == [False]


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ("{", "invalid_metadata_format"),
        ([], "invalid_metadata_format"),
        ({"event_type": "x"}, "invalid_metadata_schema"),
        ({"event_type": "x", "event_payload": {"k": "v" * 9000}}, "metadata_too_large"),
    ],
)
async def test_wrong_metadata_is_refused(slack: Slack, metadata: Any, code: str) -> None:
    assert await slack.code("chat.postMessage", channel="team-core", text="x", metadata=metadata) == code
    assert slack.workspace.counts.posts == 0


async def test_an_update_changes_what_it_names_and_keeps_the_rest(slack: Slack) -> None:
    posted = await slack.client.chat_postMessage(channel="team-core", text="old", blocks=[header("Old")], metadata=KEY)
    channel, ts = posted["channel"], posted["ts"]
    await slack.client.chat_update(channel=channel, ts=ts, text="new")
    message = slack.workspace.channels[channel].messages[ts]
    assert (message.text, message.blocks[0]["text"]["text"], message.metadata) == ("new", "Old", KEY)
    await slack.client.api_call("chat.update", json={"channel": channel, "ts": ts, "blocks": [header("New")]})
    assert (message.text, message.blocks[0]["text"]["text"]) == ("new", "New")
    await slack.client.chat_update(channel=channel, ts=ts, text="bare", blocks=[], metadata={})
    assert (message.blocks, message.metadata) == ([], None)
    told = await slack.client.conversations_history(channel=channel)
    assert "edited" in told["messages"][0]
    assert (slack.workspace.counts.posts, slack.workspace.counts.updates) == (1, 3)


async def test_only_the_bots_own_messages_can_be_changed_or_deleted(slack: Slack) -> None:
    channel = slack.workspace.channel_named("team-core")
    said = slack.workspace.say(channel, "hello", user="U1")
    arguments = {"channel": channel.id, "ts": said.ts}
    assert await slack.code("chat.update", text="x", **arguments) == "cant_update_message"
    assert await slack.code("chat.delete", **arguments) == "cant_delete_message"
    assert await slack.code("chat.update", text="x", channel=channel.id, ts="1.000001") == "message_not_found"


async def test_replies_hang_on_their_parent_and_stay_out_of_the_history(slack: Slack) -> None:
    parent = await slack.client.chat_postMessage(channel="team-core", text="parent")
    thread = {"channel": parent["channel"], "thread_ts": parent["ts"]}
    first = await slack.client.chat_postMessage(text="one", **thread)
    await slack.client.chat_postMessage(text="two", reply_broadcast=True, metadata=KEY, **thread)
    history = await slack.client.conversations_history(channel=parent["channel"])
    assert [m["text"] for m in history["messages"]] == ["two", "parent"]
    assert history["messages"][1]["reply_count"] == 2
    told = await slack.client.conversations_replies(
        channel=parent["channel"], ts=parent["ts"], include_all_metadata=True
    )
    assert [m["text"] for m in told["messages"]] == ["parent", "one", "two"]
    assert told["messages"][2]["metadata"] == KEY
    assert await slack.code("chat.postMessage", **thread | {"thread_ts": "9.000001"}, text="x") == "thread_not_found"
    assert await slack.code("chat.postMessage", **thread | {"thread_ts": first["ts"]}, text="x") == "thread_not_found"
    assert await slack.code("conversations.replies", channel=parent["channel"], ts="9.000001") == "thread_not_found"


async def test_a_deleted_parent_leaves_a_tombstone_and_a_lone_message_nothing(slack: Slack) -> None:
    parent = await slack.client.chat_postMessage(channel="team-core", text="parent")
    reply = await slack.client.chat_postMessage(channel="team-core", text="r", thread_ts=parent["ts"])
    await slack.client.chat_delete(channel=parent["channel"], ts=parent["ts"])
    told = await slack.client.conversations_replies(channel=parent["channel"], ts=parent["ts"])
    assert told["messages"][0]["subtype"] == "tombstone"
    await slack.client.chat_delete(channel=parent["channel"], ts=reply["ts"])
    assert len(slack.workspace.channels[parent["channel"]].messages) == 1


async def test_history_pages_back_from_the_newest_or_forward_from_oldest(slack: Slack) -> None:
    channel = slack.workspace.channel_named("team-core")
    for number in range(7):
        slack.time.seconds = number
        slack.workspace.say(channel, str(number), user="U1")
    stamps = list(channel.messages)

    async def texts(**arguments: Any) -> list[str]:
        pages = await slack.client.conversations_history(channel=channel.id, **arguments)
        return ["".join(m["text"] for m in page["messages"]) async for page in pages]

    assert await texts(limit=3) == ["654", "321", "0"]
    assert await texts(limit=3, oldest=stamps[1]) == ["432", "65"]
    assert await texts(oldest=stamps[1], latest=stamps[4]) == ["32"]
    assert await texts(oldest=stamps[1], latest=stamps[4], inclusive=True) == ["4321"]
    assert await slack.code("conversations.history", channel=channel.id, oldest="yesterday") == "invalid_ts_oldest"
    assert await slack.code("conversations.history", channel=channel.id, cursor="%%") == "invalid_cursor"


async def test_replies_page_forward_with_the_parent_on_each_page(slack: Slack) -> None:
    channel = slack.workspace.channel_named("team-core")
    parent = slack.workspace.say(channel, "p", user="U1")
    for number in range(3):
        slack.workspace.say(channel, str(number), user="U1", thread_ts=parent.ts)
    pages = await slack.client.conversations_replies(channel=channel.id, ts=parent.ts, limit=2)
    assert ["".join(m["text"] for m in page["messages"]) async for page in pages] == ["p01", "p2"]


async def test_channels_are_listed_by_page_with_the_archived_left_out_on_request(slack: Slack) -> None:
    slack.workspace.channel_named("releases").is_archived = True
    slack.workspace.add_channel("secret", is_private=True)
    pages = await slack.client.conversations_list(limit=2)
    listed = sorted([c["name"] async for page in pages for c in page["channels"]])
    assert listed == [*ALERTS, "general", "oncall", "releases", "team-core"]
    some = await slack.client.conversations_list(exclude_archived=True, types="public_channel,private_channel")
    assert sorted(c["name"] for c in some["channels"]) == [*ALERTS, "general", "oncall", "secret", "team-core"]
    assert (await slack.client.conversations_info(channel=slack.channel()))["channel"]["is_member"] is True


async def test_a_channel_must_be_joined_and_alive(slack: Slack) -> None:
    channel = slack.workspace.channel_named("team-core")
    channel.is_member = False
    assert await slack.code("chat.postMessage", channel="team-core", text="x") == "not_in_channel"
    assert await slack.code("conversations.history", channel=channel.id) == "not_in_channel"
    await slack.client.conversations_join(channel=channel.id)
    assert (await slack.client.conversations_join(channel=channel.id))["warning"] == "already_in_channel"
    await slack.client.chat_postMessage(channel="team-core", text="x")
    channel.is_archived = True
    assert await slack.code("chat.postMessage", channel="team-core", text="x") == "is_archived"
    assert await slack.code("chat.postMessage", channel="#nope", text="x") == "channel_not_found"


async def test_a_missing_scope_is_named(slack: Slack) -> None:
    slack.workspace.scopes = frozenset({"chat:write", "users:read"})
    body = await slack.failure("conversations.history", channel=slack.channel())
    assert body == {
        "ok": False,
        "error": "missing_scope",
        "needed": "channels:history",
        "provided": "chat:write,users:read",
    }
    secret = slack.workspace.add_channel("secret", is_private=True)
    assert (await slack.failure("conversations.history", channel=secret.id))["needed"] == "groups:history"


async def test_a_channel_takes_a_burst_then_one_message_a_second(slack: Slack) -> None:
    for _ in range(20):
        await slack.client.chat_postMessage(channel="team-core", text="x")
    with pytest.raises(SlackApiError) as caught:
        await slack.client.chat_postMessage(channel="team-core", text="x")
    response = caught.value.response
    assert (response.status_code, response["error"], response.headers["Retry-After"]) == (429, "ratelimited", "1")
    await slack.client.chat_postMessage(channel="general", text="x")
    slack.time.seconds += 1
    await slack.client.chat_postMessage(channel="team-core", text="x")
    slack.workspace.rate.per_second = 0.1
    assert await slack.code("chat.postMessage", channel="team-core", text="x") == "ratelimited"
    assert slack.workspace.counts.posts == 22


async def test_a_permalink_leads_to_the_message_on_the_page(slack: Slack) -> None:
    posted = await slack.client.chat_postMessage(channel="team-core", text="x")
    link = (await slack.client.chat_getPermalink(channel=posted["channel"], message_ts=posted["ts"]))["permalink"]
    number = posted["ts"].replace(".", "")
    assert link == f"{slack.url}/archives/{posted['channel']}/p{number}"
    async with aiohttp.ClientSession() as session:
        async with session.get(link, allow_redirects=False) as answer:
            assert answer.headers["Location"] == f"/?channel=team-core#p{number}"
        async with session.get(link) as answer:
            assert f'id="p{number}"' in await answer.text()


async def test_a_form_with_blocks_as_text_is_taken_like_json(slack: Slack) -> None:
    blocks = json.dumps([section("hello")])
    token = slack.workspace.token
    async with aiohttp.ClientSession() as session:
        form = {"token": token, "channel": "team-core", "text": "x", "blocks": blocks}
        async with session.post(f"{slack.url}/api/chat.postMessage", data=form) as answer:
            assert (await answer.json())["message"]["blocks"][0]["text"]["text"] == "hello"
        for headers, data, code in (
            ({"Content-Type": "application/json"}, "{", "invalid_json"),
            ({"Content-Type": "application/json"}, "[]", "json_not_object"),
            ({"Content-Type": "text/plain"}, "x", "invalid_post_type"),
        ):
            async with session.post(f"{slack.url}/api/auth.test", headers=headers, data=data) as answer:
                assert (await answer.json())["error"] == code
    assert await slack.code("chat.postMessage", channel="team-core", blocks="[") == "invalid_blocks_format"
    assert await slack.code("chat.postMessage", channel="team-core") == "no_text"
    assert await slack.code("chat.shout", channel="team-core") == "unknown_method"


async def test_state_can_be_read_and_set_from_another_process(slack: Slack) -> None:
    await slack.client.chat_postMessage(channel="team-core", text="x", metadata=KEY)
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{slack.url}/sandbox/messages?channel=team-core") as answer:
            told = await answer.json()
        assert (told["posts"], list(told["channels"])) == (1, ["team-core"])
        assert told["channels"]["team-core"]["messages"][0]["metadata"] == KEY
        await session.post(f"{slack.url}/sandbox/channels/team-core", json={"is_archived": True})
        await session.post(f"{slack.url}/sandbox/workspace", json={"scopes": ["chat:write"], "burst": 0})
    assert slack.workspace.channel_named("team-core").is_archived
    assert await slack.code("chat.postMessage", channel="general", text="x") == "ratelimited"
    assert (await slack.failure("users.info", user="U1"))["provided"] == "chat:write"
