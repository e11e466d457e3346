"""Buttons: what somebody presses on the page is signed and sent to the app, as Slack does, and its answers are shown.

The payload: docs.slack.dev/reference/interaction-payloads/block_actions-payload. One try, three seconds: a press is not
repeated. `response_url`: five answers within 30 minutes (docs.slack.dev/interactivity/handling-user-interaction).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
from aiohttp import web

from sandbox.slack.modals import Filled, answered, new_trigger, submission
from sandbox.slack.workspace import Body, Channel, Message, Modal, Whisper, Workspace, identifier

PATIENCE: Final = aiohttp.ClientTimeout(total=3)
ANSWERS: Final = 5
ANSWERS_WITHIN: Final = timedelta(minutes=30)
NO_URL: Final = "This app is not set up to hear its buttons: it has no request URL."
TROUBLE: Final = "We had some trouble connecting: the app {what}. Nothing may have happened; try again?"
COPIED: Final = ("type", "action_id", "block_id", "text", "value", "style", "confirm", "placeholder")
"""What the payload repeats of an element."""


class NoSuchElement(ValueError):
    """The message has nothing of that name to press."""


@dataclass(slots=True)
class ResponseUrl:
    channel: Channel
    message: Message
    user: str
    until: datetime
    left: int = ANSWERS


@dataclass(slots=True)
class Press:
    """Who presses what; `option` is the value of a menu's chosen option."""

    channel: str
    ts: str
    block_id: str
    action_id: str
    user: str
    option: str = ""


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a request to the app."""

    status: int | None
    trouble: str = ""
    body: str = ""


@dataclass(slots=True)
class Interactivity:
    workspace: Workspace
    response_urls: dict[str, ResponseUrl] = field(default_factory=dict)
    """By the secret at their end."""

    async def press(self, press: Press, base_url: str) -> int | None:
        """The app's status; None where it has no URL, or did not answer. Raises NoSuchElement."""
        workspace = self.workspace
        channel = workspace.channels.get(press.channel)
        message = channel.messages.get(press.ts) if channel else None
        if channel is None or message is None:
            raise NoSuchElement("there is no such message")
        payload = self.payload(press, channel, message, base_url)
        if not workspace.interactivity_url:
            self._trouble(channel, press.user, NO_URL)
            return None
        heard = await self.send(payload)
        if heard.trouble:
            self._trouble(channel, press.user, TROUBLE.format(what=heard.trouble))
        return heard.status

    async def submit(self, filled: Filled) -> Modal:
        """What was written into the modal goes to the app. Raises NoSuchElement."""
        modal = self.workspace.modals.get(filled.user)
        if modal is None or modal.view["id"] != filled.view_id:
            raise NoSuchElement("there is no such modal")
        heard = await self.send(submission(self.workspace, modal, filled))
        answered(self.workspace, modal, filled, is_taken=not heard.trouble, body=heard.body)
        return modal

    def payload(self, press: Press, channel: Channel, message: Message, base_url: str) -> Body:
        workspace, at = self.workspace, self.workspace.clock()
        element = _element(message, press)
        action: Body = {name: element[name] for name in COPIED if name in element}
        action |= {"block_id": press.block_id, "action_ts": f"{at.timestamp():.6f}"}
        if element["type"] == "static_select":
            action["selected_option"] = _option(element, press.option)
        person = workspace.people[press.user]
        return {
            "type": "block_actions",
            "user": {
                "id": press.user,
                "username": person.login,
                "name": person.login,
                "team_id": workspace.team_id,
            },
            "api_app_id": workspace.app_id,
            "token": "legacy-verification-token",
            "container": {
                "type": "message",
                "message_ts": message.ts,
                "channel_id": channel.id,
                "is_ephemeral": False,
            },
            "trigger_id": new_trigger(workspace, press.user, {"channel": channel.name, "ts": message.ts}),
            "team": {"id": workspace.team_id, "domain": workspace.name.lower()},
            "enterprise": None,
            "is_enterprise_install": False,
            "channel": {"id": channel.id, "name": "directmessage" if channel.kind == "im" else channel.name},
            "message": workspace.wire(channel, message, with_metadata=True),
            "state": {"values": {}},
            "response_url": self._response_url(channel, message, press.user, base_url),
            "actions": [action],
        }

    async def send(self, payload: Body) -> Heard:
        """Signs it and sends it once."""
        body = urlencode({"payload": json.dumps(payload)}).encode()
        timestamp = str(int(self.workspace.clock().timestamp()))
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(self.workspace.signing_secret, timestamp, body),
        }
        try:
            async with (
                aiohttp.ClientSession(timeout=PATIENCE) as http,
                http.post(
                    self.workspace.interactivity_url, data=body, headers=headers, allow_redirects=False
                ) as answer,
            ):
                trouble = "" if answer.ok else f"answered {answer.status}"
                return Heard(answer.status, trouble, await answer.text())
        except TimeoutError:
            return Heard(None, "did not answer in time")
        except aiohttp.ClientError:
            return Heard(None, "cannot be reached")

    def hear(self, secret: str, said: Any) -> tuple[int, str]:
        """What an app sends to a `response_url`: the status and the body of the answer."""
        url = self.response_urls.get(secret)
        if url is None or self.workspace.clock() > url.until:
            return 404, "expired_url"
        if url.left == 0:
            return 404, "used_url"
        if not isinstance(said, dict):
            return 400, "invalid_payload"
        url.left -= 1
        text = said.get("text")
        if said.get("delete_original"):
            url.channel.messages.pop(url.message.ts, None)
        elif not isinstance(text, str) or not text:
            return 500, "no_text"
        elif said.get("replace_original"):
            url.message.text, url.message.blocks = text, said.get("blocks") or []
        elif said.get("response_type", "ephemeral") == "in_channel":
            self.workspace.say(url.channel, text, user=self.workspace.bot_user_id)
        else:
            url.channel.whispers.append(Whisper(url.user, text, self.workspace.clock()))
        return 200, "ok"

    def _response_url(self, channel: Channel, message: Message, user: str, base_url: str) -> str:
        secret = secrets.token_urlsafe(18)
        until = self.workspace.clock() + ANSWERS_WITHIN
        self.response_urls[secret] = ResponseUrl(channel, message, user, until)
        return f"{base_url}/actions/{self.workspace.team_id}/{secret}"

    def _trouble(self, channel: Channel, user: str, text: str) -> None:
        channel.whispers.append(Whisper(user, text, self.workspace.clock(), is_trouble=True))


INTERACTIVITY: Final = web.AppKey("slack_interactivity", Interactivity)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Version 0: docs.slack.dev/authentication/verifying-requests-from-slack."""
    signed = b"v0:" + timestamp.encode() + b":" + body
    return f"v0={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def whoever_looks(workspace: Workspace, wanted: str | None) -> str:
    """The member whose eyes the page has: the one asked for, else the first one who is a person."""
    people = {user: person for user, person in workspace.people.items() if not person.is_bot}
    if wanted in people:
        return wanted
    return min(people, key=lambda user: people[user].name, default=identifier("U", "nobody"))


def routes() -> list[web.RouteDef]:
    return [
        web.post("/sandbox/press", press_route),
        web.post("/sandbox/submit", submit_route),
        web.post("/sandbox/close", close_route),
        web.post("/actions/{team}/{secret}", response_route),
    ]


async def press_route(request: web.Request) -> web.Response:
    """A form of the page. Back to where it was pressed."""
    form = {name: str(value) for name, value in (await request.post()).items()}
    interactivity = request.app[INTERACTIVITY]
    try:
        press = Press(**form)
        await interactivity.press(press, f"{request.scheme}://{request.host}")
    except (TypeError, KeyError, NoSuchElement) as error:
        raise web.HTTPBadRequest(text=str(error)) from None
    channel = interactivity.workspace.channels[press.channel].name
    raise _back_to({"channel": channel, "ts": press.ts}, press.user)


async def submit_route(request: web.Request) -> web.Response:
    """The form of a modal. Back to where its button was pressed."""
    form = {name: str(value) for name, value in (await request.post()).items()}
    texts = {name.removeprefix("text:"): value for name, value in form.items() if name.startswith("text:")}
    try:
        modal = await request.app[INTERACTIVITY].submit(Filled(form["user"], form["view_id"], texts))
    except (KeyError, NoSuchElement) as error:
        raise web.HTTPBadRequest(text=str(error)) from None
    raise _back_to(modal.place, modal.user)


async def close_route(request: web.Request) -> web.Response:
    """Cancel: the app hears nothing of it."""
    user = str((await request.post()).get("user", ""))
    modal = request.app[INTERACTIVITY].workspace.modals.pop(user, None)
    if modal is None:
        raise web.HTTPBadRequest(text="there is no such modal")
    raise _back_to(modal.place, user)


def _back_to(place: Body, user: str) -> web.HTTPSeeOther:
    anchor = f"p{place['ts'].replace('.', '')}"
    return web.HTTPSeeOther(f"/?{urlencode({'channel': place['channel'], 'as': user})}#{anchor}")


async def response_route(request: web.Request) -> web.Response:
    try:
        said = json.loads(await request.text())
    except ValueError:
        said = None
    status, text = request.app[INTERACTIVITY].hear(request.match_info["secret"], said)
    return web.Response(text=text, status=status)


def _element(message: Message, press: Press) -> Body:
    for block in message.blocks:
        if block["block_id"] == press.block_id:
            for element in [*block.get("elements", []), block.get("accessory", {})]:
                if element.get("action_id") == press.action_id:
                    found: Body = element
                    return found
    raise NoSuchElement("the message has changed; there is no such button any more")


def _option(element: Body, value: str) -> Body:
    for option in element["options"]:
        if option["value"] == value:
            found: Body = option
            return found
    raise NoSuchElement("the menu has no such option")
