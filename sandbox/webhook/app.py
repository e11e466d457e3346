"""The sink: `/hooks/{name}` takes events, `/` shows them, `/sandbox/events` tells them as JSON.

Faults are the fault book's (410, slow answers and all others); `/moved/{name}` redirects to the hook.
"""

from __future__ import annotations

import base64
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import orjson
from aiohttp import web
from jinja2 import Environment, FileSystemLoader

from sandbox.service import Clock, Credentials
from sandbox.webhook.signature import is_signed
from sandbox.world import World

SECRET: Final = f"whsec_{base64.b64encode(b'public-secret-of-the-sandbox').decode()}"
"""Public: it opens nothing but the sandbox."""

_CLOCK: Final[web.AppKey[Clock]] = web.AppKey("clock")
_PAGES: Final = Environment(loader=FileSystemLoader(Path(__file__).parent / "web"), autoescape=True)


@dataclass(frozen=True, slots=True)
class Event:
    """One that was taken."""

    hook: str
    id: str
    timestamp: int
    received_at: datetime
    body: dict[str, Any]


EVENTS: Final = web.AppKey("events", list[Event])


def build_app(_world: World, _credentials: Credentials, clock: Clock) -> web.Application:
    """The application; `app[EVENTS]` is what it took."""
    app = web.Application()
    app[EVENTS] = []
    app[_CLOCK] = clock
    app.add_routes(
        [
            web.get("/", page),
            web.post("/hooks/{name}", take),
            web.post("/moved/{name}", moved),
            web.get("/sandbox/events", events),
        ]
    )
    return app


async def take(request: web.Request) -> web.Response:
    """204 for what is signed, 401 for what is not: a repetition is taken again, and seen by its id."""
    body, now = await request.read(), request.app[_CLOCK]()
    if not is_signed(request.headers, body, [SECRET], now):
        raise web.HTTPUnauthorized(text="not signed by a secret of this hook")
    request.app[EVENTS].append(
        Event(
            hook=request.match_info["name"],
            id=request.headers["webhook-id"],
            timestamp=int(request.headers["webhook-timestamp"]),
            received_at=now,
            body=orjson.loads(body),
        )
    )
    return web.Response(status=204)


async def moved(request: web.Request) -> web.Response:
    raise web.HTTPTemporaryRedirect(f"/hooks/{request.match_info['name']}")


async def events(request: web.Request) -> web.Response:
    told = [asdict(event) for event in request.app[EVENTS]]
    return web.Response(body=orjson.dumps({"events": told}), content_type="application/json")


async def page(request: web.Request) -> web.Response:
    shown = [
        asdict(event) | {"json": orjson.dumps(event.body, option=orjson.OPT_INDENT_2).decode()}
        for event in request.app[EVENTS][::-1]
    ]
    html = _PAGES.get_template("events.html.jinja").render(events=shown)
    return web.Response(text=html, content_type="text/html", headers={"Cache-Control": "no-store"})
