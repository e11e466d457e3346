"""`GET /calendars/NAME.ics`, with an entity tag, so that an unchanged one costs a 304."""

from __future__ import annotations

import hashlib

from aiohttp import web

from sandbox.calendar.icalendar import document
from sandbox.service import Clock, Credentials
from sandbox.world import World

WORLD = web.AppKey("calendar_world", World)


def build_app(world: World, _credentials: Credentials, _clock: Clock) -> web.Application:
    app = web.Application()
    app[WORLD] = world
    app.router.add_get("/calendars/{name}.ics", _calendar)
    return app


async def _calendar(request: web.Request) -> web.Response:
    calendar = request.app[WORLD].calendars.get(request.match_info["name"])
    if calendar is None:
        return web.Response(status=404, text="Not Found", content_type="text/html")
    content = document(calendar)
    etag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    headers = {"ETag": etag, "Cache-Control": "private, max-age=0"}
    if etag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    return web.Response(body=content, headers=headers, content_type="text/calendar", charset="utf-8")
