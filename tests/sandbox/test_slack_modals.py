"""Modals of the stand-in: opened by the trigger of a press, sent as Slack does, and what an app may answer to them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from sandbox.slack.interactivity import whoever_looks
from tests.sandbox.slack_samples import Slack, running

BUTTON: dict[str, Any] = {
    "type": "button",
    "action_id": "reject",
    "text": {"type": "plain_text", "text": "Reject"},
    "value": "reject",
}
INPUT: dict[str, Any] = {
    "type": "input",
    "block_id": "reason",
    "label": {"type": "plain_text", "text": "Why?"},
    "element": {"type": "plain_text_input", "action_id": "text", "multiline": True, "max_length": 1000},
}
VIEW: dict[str, Any] = {
    "type": "modal",
    "callback_id": "reject",
    "title": {"type": "plain_text", "text": "Reject <it>"},
    "submit": {"type": "plain_text", "text": "Send"},
    "private_metadata": "kept",
    "blocks": [INPUT],
}


@dataclass
class App:
    status: int = 200
    body: str = ""
    payloads: list[dict[str, Any]] | None = None

    async def hear(self, request: web.Request) -> web.Response:
        (text,) = parse_qs(await request.text())["payload"]
        self.payloads = [*(self.payloads or []), json.loads(text)]
        return web.Response(status=self.status, text=self.body)

    @property
    def newest(self) -> dict[str, Any]:
        assert self.payloads
        return self.payloads[-1]


@pytest_asyncio.fixture
async def slack() -> AsyncIterator[Slack]:
    async for one in running():
        yield one


@pytest_asyncio.fixture
async def app(slack: Slack) -> AsyncIterator[App]:
    app, application = App(), web.Application()
    application.add_routes([web.post("/slack/interactions", app.hear)])
    async with TestServer(application, host="127.0.0.1") as server:
        slack.workspace.interactivity_url = f"http://127.0.0.1:{server.port}/slack/interactions"
        yield app


async def pressed(slack: Slack, app: App) -> str:
    """A trigger."""
    blocks = [{"type": "actions", "block_id": "b1", "elements": [BUTTON]}]
    posted = await slack.client.chat_postMessage(channel="team-core", text="Decide", blocks=blocks)
    place = {"channel": posted["channel"], "ts": posted["ts"], "block_id": "b1", "action_id": "reject"}
    assert await send(slack, "press", **place) == 200
    return str(app.newest["trigger_id"])


async def opened(slack: Slack, app: App) -> str:
    """The id of the view."""
    answer = await slack.client.views_open(trigger_id=await pressed(slack, app), view=VIEW)
    return str(answer["view"]["id"])


async def send(slack: Slack, deed: str, **form: str) -> int:
    user = {"user": whoever_looks(slack.workspace, None)}
    async with aiohttp.ClientSession() as http, http.post(f"{slack.url}/sandbox/{deed}", data=user | form) as answer:
        return answer.status


async def shown(slack: Slack) -> str:
    async with aiohttp.ClientSession() as http, http.get(f"{slack.url}/?channel=team-core") as answer:
        return await answer.text()


async def test_a_press_opens_a_modal_for_who_pressed(slack: Slack, app: App) -> None:
    await opened(slack, app)
    html = await shown(slack)
    assert '<h3 id="modal-title">Reject &lt;it&gt;</h3>' in html
    assert '<label for="reason">Why?</label>' in html
    (modal,) = slack.workspace.modals.values()
    assert modal.user == app.newest["user"]["id"]


async def test_what_was_written_comes_as_slack_documents(slack: Slack, app: App) -> None:
    """docs.slack.dev/reference/interaction-payloads/view-interactions-payload."""
    view = await opened(slack, app)
    assert await send(slack, "submit", view_id=view, **{"text:reason": "wrong week"}) == 200
    sent = app.newest
    assert (sent["type"], sent["view"]["id"], sent["view"]["callback_id"]) == ("view_submission", view, "reject")
    assert sent["view"]["private_metadata"] == "kept"
    written = {"reason": {"text": {"type": "plain_text_input", "value": "wrong week"}}}
    assert sent["view"]["state"]["values"] == written
    assert {"user", "team", "trigger_id", "response_urls"} <= set(sent)
    assert "modal-title" not in await shown(slack)
    assert await send(slack, "submit", view_id=view) == 400


async def test_errors_stand_below_their_input_and_what_was_written_stays(slack: Slack, app: App) -> None:
    view = await opened(slack, app)
    app.body = json.dumps({"response_action": "errors", "errors": {"reason": "Say <why>."}})
    await send(slack, "submit", view_id=view, **{"text:reason": "no"})
    html = await shown(slack)
    assert 'id="reason-error" role="alert">Say &lt;why&gt;.</p>' in html
    assert ">no</textarea>" in html
    app.body = ""
    await send(slack, "submit", view_id=view, **{"text:reason": "better"})
    assert slack.workspace.modals == {}


@pytest.mark.parametrize(
    ("status", "body"),
    [(500, ""), (200, "ok"), (200, '{"response_action": "errors", "errors": {"elsewhere": "x"}}')],
)
async def test_what_slack_does_not_understand_leaves_the_modal_open(
    slack: Slack, app: App, status: int, body: str
) -> None:
    view = await opened(slack, app)
    app.status, app.body = status, body
    await send(slack, "submit", view_id=view, **{"text:reason": "no"})
    assert "We had some trouble connecting" in await shown(slack)


async def test_who_cancels_sends_nothing(slack: Slack, app: App) -> None:
    await opened(slack, app)
    assert await send(slack, "close") == 200
    assert app.newest["type"] == "block_actions"
    assert slack.workspace.modals == {}


async def test_a_trigger_is_good_once_and_for_three_seconds(slack: Slack, app: App) -> None:
    first, second = await pressed(slack, app), await pressed(slack, app)
    await slack.client.views_open(trigger_id=first, view=VIEW)
    assert await slack.code("views.open", trigger_id=first, view=VIEW) == "exchanged_trigger_id"
    slack.time.seconds += 3.1
    assert await slack.code("views.open", trigger_id=second, view=VIEW) == "expired_trigger_id"
    assert await slack.code("views.open", trigger_id="1.2.3", view=VIEW) == "invalid_trigger_id"


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": {"type": "plain_text", "text": "x" * 25}},
        {"private_metadata": "x" * 3001},
        {"type": "home"},
        {"blocks": []},
        {"blocks": [INPUT, INPUT]},
        {"blocks": [INPUT | {"element": {"type": "plain_text_input", "max_length": 3001, "action_id": "x"}}]},
        {"on": "submit"},
        {"submit": None},
    ],
    ids=str,
)
async def test_a_view_that_slack_does_not_take_is_refused(slack: Slack, app: App, wrong: dict[str, Any]) -> None:
    view = {name: value for name, value in (VIEW | wrong).items() if value is not None}
    assert await slack.code("views.open", trigger_id=await pressed(slack, app), view=view) == "invalid_arguments"
    assert slack.workspace.modals == {}


async def test_an_input_stands_in_no_message(slack: Slack) -> None:
    assert await slack.code("chat.postMessage", channel="team-core", text="x", blocks=[INPUT]) == "invalid_blocks"
