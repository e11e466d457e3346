"""The inbox over HTTP: a page at `/`, its state as JSON at `/sandbox/`; SMTP runs while it does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Final

import orjson
from aiohttp import web
from jinja2 import Environment, FileSystemLoader

from sandbox.service import VARIABLES, Clock, Credentials
from sandbox.smtp.inbox import INBOX, Inbox, Reply
from sandbox.smtp.server import PASSWORD, USER, bound_socket, serving_smtp
from sandbox.world import World

_PAGES: Final = Environment(loader=FileSystemLoader(Path(__file__).parent / "web"), autoescape=True)
_FIELDS: Final = {one.name for one in fields(Reply)} - {"used"}


def build_app(_world: World, _credentials: Credentials, clock: Clock) -> web.Application:
    """The application; `app[INBOX]` is its state. The SMTP port is chosen here, so that its address is known."""
    app = web.Application()
    inbox = app[INBOX] = Inbox()
    bound = bound_socket()
    app[VARIABLES] = {"SMTP_URL": f"smtp://{USER}:{PASSWORD}@localhost:{bound.getsockname()[1]}"}

    async def smtp(_app: web.Application) -> AsyncIterator[None]:
        async with serving_smtp(inbox, clock, bound):
            yield

    app.cleanup_ctx.append(smtp)
    app.add_routes(
        [
            web.get("/", page),
            web.get("/sandbox/mails", mails),
            web.get("/sandbox/replies", replies),
            web.post("/sandbox/replies", add_reply),
            web.delete("/sandbox/replies", clear_replies),
        ]
    )
    return app


async def page(request: web.Request) -> web.Response:
    shown = [mail.as_json() for mail in reversed(request.app[INBOX].mails)]
    html = _PAGES.get_template("inbox.html.jinja").render(mails=shown)
    return web.Response(text=html, content_type="text/html", headers={"Cache-Control": "no-store"})


async def mails(request: web.Request) -> web.Response:
    inbox = request.app[INBOX]
    return _json({"mails": [mail.as_json() for mail in inbox.mails], "transactions": inbox.transactions})


async def replies(request: web.Request) -> web.Response:
    return _json({"replies": [asdict(reply) for reply in request.app[INBOX].replies]})


async def add_reply(request: web.Request) -> web.Response:
    """Takes any of the fields of `Reply`."""
    try:
        wanted = orjson.loads(await request.read() or b"{}")
        reply = Reply(**{name: value for name, value in wanted.items() if name in _FIELDS})
    except (ValueError, AttributeError) as error:
        raise web.HTTPBadRequest(text="The body must be a JSON object.") from error
    request.app[INBOX].replies.append(reply)
    return _json(asdict(reply))


async def clear_replies(request: web.Request) -> web.Response:
    request.app[INBOX].replies.clear()
    return _json({"replies": []})


def _json(content: object) -> web.Response:
    return web.Response(body=orjson.dumps(content), content_type="application/json")
