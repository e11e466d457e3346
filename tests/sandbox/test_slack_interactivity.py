"""Buttons of the stand-in: signed and sent as Slack does, shown as Slack shows them, and what an app may answer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from slack_sdk.signature import Clock, SignatureVerifier

from sandbox.service import Credentials
from sandbox.slack.interactivity import whoever_looks
from tests.sandbox.slack_samples import Slack, running

RETRY: dict[str, Any] = {
    "type": "button",
    "action_id": "retry",
    "text": {"type": "plain_text", "text": "Retry"},
    "value": "resolve:retry",
}
ABORT: dict[str, Any] = RETRY | {
    "action_id": "abort",
    "style": "danger",
    "confirm": {
        "title": {"type": "plain_text", "text": "Abort?"},
        "text": {"type": "plain_text", "text": "Nothing <is> posted"},
        "confirm": {"type": "plain_text", "text": "Abort"},
        "deny": {"type": "plain_text", "text": "Cancel"},
    },
}
SNOOZE: dict[str, Any] = {
    "type": "static_select",
    "action_id": "snooze",
    "placeholder": {"type": "plain_text", "text": "Snooze"},
    "options": [{"text": {"type": "plain_text", "text": f"{n} min"}, "value": f"snooze:{n}"} for n in (15, 60)],
}


@dataclass
class App:
    """What an app gets, and how it answers."""

    status: int = 200
    delay: float = 0.0
    got: list[tuple[bytes, dict[str, str]]] = field(default_factory=list)

    async def hear(self, request: web.Request) -> web.Response:
        self.got.append((await request.read(), {name.lower(): value for name, value in request.headers.items()}))
        await asyncio.sleep(self.delay)
        return web.Response(status=self.status)

    @property
    def payload(self) -> dict[str, Any]:
        body, _ = self.got[-1]
        (text,) = parse_qs(body.decode())["payload"]
        found: dict[str, Any] = json.loads(text)
        return found


@pytest_asyncio.fixture
async def slack() -> AsyncIterator[Slack]:
    async for one in running():
        yield one


@pytest_asyncio.fixture
async def app(slack: Slack) -> AsyncIterator[App]:
    app = App()
    application = web.Application()
    application.add_routes([web.post("/slack/interactions", app.hear)])
    async with TestServer(application, host="127.0.0.1") as server:
        slack.workspace.interactivity_url = f"http://127.0.0.1:{server.port}/slack/interactions"
        yield app


async def post(slack: Slack, *elements: dict[str, Any]) -> dict[str, str]:
    """A message with those to press: where it stands."""
    blocks = [{"type": "actions", "block_id": "b1", "elements": list(elements)}]
    posted = await slack.client.chat_postMessage(channel="team-core", text="Decide", blocks=blocks)
    return {"channel": posted["channel"], "ts": posted["ts"], "block_id": "b1"}


async def press(slack: Slack, place: dict[str, str], action_id: str, **more: str) -> int:
    """As a browser does: the status of the answer, with the page behind it."""
    user = whoever_looks(slack.workspace, None)
    form = place | {"action_id": action_id, "user": user} | more
    async with aiohttp.ClientSession() as http, http.post(f"{slack.url}/sandbox/press", data=form) as answer:
        return answer.status


async def shown(slack: Slack, query: str = "channel=team-core") -> str:
    async with aiohttp.ClientSession() as http, http.get(f"{slack.url}/?{query}") as answer:
        return await answer.text()


async def respond(payload: dict[str, Any], **body: Any) -> tuple[int, str]:
    async with aiohttp.ClientSession() as http, http.post(payload["response_url"], json=body) as answer:
        return answer.status, await answer.text()


async def test_a_press_is_signed_as_slack_signs(slack: Slack, app: App) -> None:
    assert await press(slack, await post(slack, RETRY), "retry") == 200
    ((body, headers),) = app.got

    class Then(Clock):
        def now(self) -> float:
            return slack.time.now().timestamp()

    verifier = SignatureVerifier(Credentials().slack_signing_secret, Then())
    assert verifier.is_valid_request(body, headers)
    assert not verifier.is_valid_request(body + b"x", headers)
    assert headers["content-type"] == "application/x-www-form-urlencoded"


async def test_the_payload_has_what_slack_documents(slack: Slack, app: App) -> None:
    """Fields of docs.slack.dev/reference/interaction-payloads/block_actions-payload for a button in a message."""
    place = await post(slack, RETRY)
    await press(slack, place, "retry")
    payload, user = app.payload, whoever_looks(slack.workspace, None)
    assert set(payload) == {
        "type", "user", "api_app_id", "token", "container", "trigger_id", "team", "enterprise",
        "is_enterprise_install", "channel", "message", "state", "response_url", "actions",
    }  # fmt: skip
    assert payload["type"] == "block_actions"
    assert payload["user"] == {"id": user, "username": "anna", "name": "anna", "team_id": slack.workspace.team_id}
    assert payload["container"]["message_ts"] == payload["message"]["ts"] == place["ts"]
    assert payload["channel"] == {"id": place["channel"], "name": "team-core"}
    (action,) = payload["actions"]
    assert set(action) == {"type", "action_id", "block_id", "text", "value", "action_ts"}
    assert (action["block_id"], action["action_id"], action["value"]) == ("b1", "retry", "resolve:retry")


async def test_a_menu_tells_which_option_was_chosen(slack: Slack, app: App) -> None:
    place = await post(slack, SNOOZE)
    assert await press(slack, place, "snooze", option="snooze:60") == 200
    (action,) = app.payload["actions"]
    assert action["type"] == "static_select"
    assert action["selected_option"] == SNOOZE["options"][1] | {
        "text": {"type": "plain_text", "text": "60 min", "emoji": True}
    }
    assert await press(slack, place, "snooze", option="snooze:99") == 400


async def test_what_has_to_be_confirmed_is_asked_about_first(slack: Slack) -> None:
    await post(slack, RETRY, ABORT)
    html = await shown(slack)
    assert "Nothing &lt;is&gt; posted" in html
    assert html.count("popovertarget=") == 2  # to open the dialog, and to leave it
    assert html.count('action="/sandbox/press"') == 2  # of Retry, and inside of the dialog


@pytest.mark.parametrize(
    ("status", "delay", "words"),
    [(500, 0.0, "the app answered 500"), (401, 0.0, "the app answered 401"), (200, 4.0, "did not answer in time")],
)
async def test_who_presses_is_told_what_went_wrong_and_the_app_is_asked_once(
    slack: Slack, app: App, status: int, delay: float, words: str
) -> None:
    app.status, app.delay = status, delay
    await press(slack, await post(slack, RETRY), "retry")
    assert len(app.got) == 1
    assert words in await shown(slack)


async def test_an_app_without_a_url_hears_nothing(slack: Slack) -> None:
    await press(slack, await post(slack, RETRY), "retry")
    assert "it has no request URL" in await shown(slack)


async def test_an_ephemeral_answer_is_seen_by_who_pressed_alone(slack: Slack, app: App) -> None:
    await press(slack, await post(slack, RETRY), "retry")
    assert await respond(app.payload, response_type="ephemeral", text="Not *taken*: <late>") == (200, "ok")
    assert "Only visible to you" in await shown(slack)
    assert "<strong>taken</strong>: &lt;late&gt;" in await shown(slack)
    (whisper,) = slack.workspace.channel_named("team-core").whispers
    assert whisper.user == app.payload["user"]["id"]


async def test_an_answer_replaces_the_message_where_it_says_so(slack: Slack, app: App) -> None:
    place = await post(slack, RETRY)
    await press(slack, place, "retry")
    await respond(app.payload, replace_original=True, text="Done")
    message = slack.workspace.channels[place["channel"]].messages[place["ts"]]
    assert (message.text, message.blocks) == ("Done", [])


async def test_five_answers_within_half_an_hour_and_no_more(slack: Slack, app: App) -> None:
    await press(slack, await post(slack, RETRY), "retry")
    for _ in range(5):
        assert (await respond(app.payload, text="x"))[0] == 200
    assert await respond(app.payload, text="x") == (404, "used_url")
    await press(slack, await post(slack, RETRY), "retry")
    slack.time.seconds += 1801
    assert await respond(app.payload, text="x") == (404, "expired_url")


async def test_who_presses_what_is_not_there_any_more_is_refused(slack: Slack, app: App) -> None:
    place = await post(slack, RETRY)
    assert await press(slack, place, "explode") == 400
    assert await press(slack, place | {"ts": "1.0"}, "retry") == 400
    assert await press(slack, place, "retry", user="U0NOBODY") == 400
    assert app.got == []
