"""The Slack stand-in: the Web API under `/api/`, the page of messages at `/`, its state as JSON at `/sandbox/`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, Final

from aiohttp import web

from sandbox.service import Clock, Credentials
from sandbox.slack import interactivity
from sandbox.slack.arguments import read_arguments
from sandbox.slack.errors import SlackError
from sandbox.slack.methods import METHODS, call
from sandbox.slack.page import render
from sandbox.slack.rate import PostingRate
from sandbox.slack.workspace import Workspace
from sandbox.world import World

WORKSPACE: Final = web.AppKey("slack_workspace", Workspace)


def build_app(
    world: World, credentials: Credentials, clock: Clock, *, monotonic: Callable[[], float] = time.monotonic
) -> web.Application:
    """The application; `app[WORKSPACE]` is its state.

    `clock` gives the `ts` of messages. The posting rate runs on `monotonic` seconds, so that a clock set in the past
    does not starve it.
    """
    app = web.Application(client_max_size=4 * 1024 * 1024)
    workspace = Workspace(world, clock, credentials.slack_bot_token, PostingRate(monotonic))
    workspace.signing_secret = credentials.slack_signing_secret
    app[WORKSPACE] = workspace
    app[interactivity.INTERACTIVITY] = interactivity.Interactivity(workspace)
    app.add_routes(
        [
            *interactivity.routes(),
            web.route("*", "/api/{method}", api_call),
            web.get("/", page),
            web.get("/archives/{channel}/p{ts}", permalink),
            web.get("/sandbox/messages", messages),
            web.post("/sandbox/workspace", configure_workspace),
            web.post("/sandbox/channels/{name}", configure_channel),
        ]
    )
    return app


def _base_url(request: web.Request) -> str:
    return f"{request.scheme}://{request.host}"


async def api_call(request: web.Request) -> web.Response:
    workspace, name = request.app[WORKSPACE], request.match_info["method"]
    method = METHODS.get(name)
    headers = {
        "x-oauth-scopes": ",".join(sorted(workspace.scopes)),
        "x-accepted-oauth-scopes": method.scope.replace("*", "channels") if method else "",
        "cache-control": "private, no-cache, no-store, must-revalidate",
    }
    try:
        arguments = await read_arguments(request)
        header = request.headers.get("Authorization", "")
        token = header.removeprefix("Bearer ").strip() or arguments.text("token")
        body = call(name, workspace, arguments, token, _base_url(request))
    except SlackError as error:
        return web.json_response(error.body, status=error.status, headers=headers | error.headers)
    return web.json_response(body, headers=headers)


async def page(request: web.Request) -> web.Response:
    html = render(request.app[WORKSPACE], request.query.get("channel"), request.query.get("as"))
    return web.Response(text=html, content_type="text/html", headers={"Cache-Control": "no-store"})


async def permalink(request: web.Request) -> web.Response:
    """Where `chat.getPermalink` leads: the message on the page."""
    channel = request.app[WORKSPACE].channels.get(request.match_info["channel"])
    if channel is None:
        raise web.HTTPNotFound
    raise web.HTTPFound(f"/?channel={channel.name}#p{request.match_info['ts']}")


async def messages(request: web.Request) -> web.Response:
    return web.json_response(request.app[WORKSPACE].as_json(request.query.get("channel")))


async def configure_workspace(request: web.Request) -> web.Response:
    """Takes any of `scopes` (list), `token_error` (code or null), `messages_per_second`, `burst`,
    `interactivity_url` (where presses of buttons go)."""
    workspace, wanted = request.app[WORKSPACE], await _settings(request)
    if "scopes" in wanted:
        workspace.scopes = frozenset(wanted["scopes"])
    if "token_error" in wanted:
        workspace.token_error = wanted["token_error"]
    workspace.interactivity_url = str(wanted.get("interactivity_url", workspace.interactivity_url))
    workspace.rate.per_second = float(wanted.get("messages_per_second", workspace.rate.per_second))
    workspace.rate.burst = int(wanted.get("burst", workspace.rate.burst))
    return web.json_response({"ok": True})


async def configure_channel(request: web.Request) -> web.Response:
    """Takes any of `is_archived`, `is_member`; makes the channel when there is none of that name."""
    workspace, wanted = request.app[WORKSPACE], await _settings(request)
    try:
        channel = workspace.channel_named(request.match_info["name"])
    except KeyError:
        channel = workspace.add_channel(request.match_info["name"])
    channel.is_archived = bool(wanted.get("is_archived", channel.is_archived))
    channel.is_member = bool(wanted.get("is_member", channel.is_member))
    return web.json_response({"ok": True, "id": channel.id})


async def _settings(request: web.Request) -> dict[str, Any]:
    try:
        wanted = json.loads(await request.text() or "{}")
    except ValueError:
        wanted = None
    if not isinstance(wanted, dict):
        raise web.HTTPBadRequest(text="The body must be a JSON object.")
    return wanted
