"""A dashboard that hears Slack's buttons, beside an escalation that waits on the real server."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

import httpx
from aiohttp import web
from aiohttp.test_utils import TestServer
from fastapi import FastAPI
from slack_sdk.signature import SignatureVerifier

from dashboard.app import create_app
from dashboard.slack.door import SlackDoor
from dashboard.slack.forms import Forms
from dashboard.slack.replies import Replies
from devsync.domain.answers import Answer, Deed
from tests.dashboard.conftest import HOST, PEOPLE, House
from tests.workflows.escalation_stage import Stage

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
MEMBERS = {"anna": "U0ANNA00001", "ben": "U0BEN000001", "cleo": "U0CLEO00001", "root": "U0ROOT00001"}
PATH = "/slack/interactions"


@dataclass
class Whispers:
    """What comes to the `response_url`: the answers that one person alone sees."""

    url: str = ""
    told: list[str] = field(default_factory=list)

    async def hear(self, request: web.Request) -> web.Response:
        said = await request.json()
        assert (said["response_type"], said["replace_original"]) == ("ephemeral", False)
        self.told.append(said["text"])
        return web.Response(text="ok")


@asynccontextmanager
async def whispering() -> AsyncIterator[Whispers]:
    whispers, app = Whispers(), web.Application()
    app.add_routes([web.post("/actions/T1/secret", whispers.hear)])
    async with TestServer(app, host="127.0.0.1") as server:
        whispers.url = f"http://127.0.0.1:{server.port}"
        yield whispers


@dataclass
class Presses:
    """Presses buttons, as Slack tells of it."""

    house: House
    whispers: Whispers
    app: FastAPI

    @property
    def told(self) -> list[str]:
        return self.whispers.told

    async def press(self, name: str, value: str, at: str = "1.0") -> int:
        """`at` tells two presses of the same button apart."""
        return (await self.send(self.payload(MEMBERS.get(name, name), value, at))).status_code

    def payload(self, user: str, value: str, at: str = "1.0", **more: Any) -> dict[str, Any]:
        action = {"type": "button", "action_id": "x", "block_id": "b", "value": value, "action_ts": at}
        return {
            "type": "block_actions",
            "user": {"id": user, "username": user.casefold()},
            "trigger_id": f"{user}.{at}",
            "response_url": f"{self.whispers.url}/actions/T1/secret",
            "actions": [action],
        } | more

    async def send(self, payload: Any, **signing: Any) -> httpx.Response:
        return await self.send_body(urlencode({"payload": json.dumps(payload)}).encode(), **signing)

    async def send_body(
        self, body: bytes, *, secret: str = SECRET, at: float | None = None, app: FastAPI | None = None, **headers: Any
    ) -> httpx.Response:
        timestamp = str(int(time.time() if at is None else at))
        signature = SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=body.decode("latin-1"))
        signed: dict[str, Any] = {"x-slack-request-timestamp": timestamp, "x-slack-signature": signature or ""}
        transport = httpx.ASGITransport(app or self.app, client=("10.0.0.1", 4711))
        async with httpx.AsyncClient(transport=transport, base_url=HOST) as http:
            content_type = {"content-type": "application/x-www-form-urlencoded"}
            return await http.post(PATH, content=body, headers=content_type | signed | headers)

    def another_process(self) -> FastAPI:
        """It has heard nothing yet."""
        return listening(self.house, self.whispers)


@dataclass
class Buttons(Presses):
    """Of the escalation's message."""

    escalation: Stage

    async def value(self, deed: Deed, argument: str = "") -> str:
        page = (await self.escalation.view()).page
        about = self.escalation.escalation_id
        return Answer(deed=deed, argument=argument, workflow_id=about, run_id=page).to_text()


def listening(house: House, whispers: Whispers, forms: Forms | None = None) -> FastAPI:
    door = SlackDoor(SignatureVerifier(SECRET), Replies(f"{whispers.url}/api"), forms)
    house.stack.push_async_callback(door.replies.close)
    return create_app(replace(house.site, slack=door), hosts=["localhost"], secure=False)


@asynccontextmanager
async def buttons_of(house: House, escalation: Stage) -> AsyncIterator[Buttons]:
    house.allow([person | {"slack": MEMBERS[person["name"]]} for person in PEOPLE])
    async with whispering() as whispers:
        yield Buttons(house, whispers, listening(house, whispers), escalation)
