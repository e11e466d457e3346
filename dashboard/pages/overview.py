"""Overview: whether this week's changelogs are fine, at a glance; it moves by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import lru_cache, partial
from hashlib import sha256
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, Response, StreamingResponse

from dashboard.access import CurrentViewer, view
from dashboard.headline import NOT_KNOWN, headline
from dashboard.history import History
from dashboard.pages.overview_charts import overview_charts
from dashboard.pages.overview_tiles import overview_tiles
from dashboard.pages.overview_week import week_rows
from dashboard.picture import Picture, Watch
from dashboard.site import CurrentSite
from dashboard.templating import fragment, page
from dashboard.viewer import Viewer
from devsync.settings.live import zone_of

LINES: Final = 25
"""Of the week's editions, those that need somebody first; the page of editions has all."""
PARTS: Final = {"now": "overview_now.html", "week": "overview_week.html"}
"""What moves by itself, by the name of its event."""

router = APIRouter()


@router.get("/")
@view
async def overview(request: Request, site: CurrentSite, viewer: CurrentViewer) -> Response:
    """Nobody waits for what looks back over weeks: where it is not at hand, the page asks for it once it is there."""
    picture, seen = await site.watch.now(), site.watch.history_at_hand
    parts = rendered(picture, seen, viewer.sees)
    return page(
        request, "overview.html", parts=parts, shown=".".join(map(digest, parts.values())),
        charts=overview_charts(seen or History(until=picture.taken_at), picture.thresholds), is_awaited=seen is None,
    )  # fmt: skip


@router.get("/live/charts")
@view
async def live_charts(site: CurrentSite) -> Response:
    """A part of the overview: the charts of a page that was shown before they could be."""
    seen, limits = await site.watch.history(), site.configuration.read_last.monitoring.limits
    charts = None if seen is None else overview_charts(seen, limits)
    return HTMLResponse(fragment("overview_charts.html", charts=charts, is_awaited=False))


@router.get("/live/overview")
@view
async def live_overview(
    site: CurrentSite, viewer: CurrentViewer, shown: Annotated[str, Query(max_length=100)] = ""
) -> Response:
    """Server-sent events: the overview's parts, each whenever it has changed from what the page has `shown`."""
    return StreamingResponse(
        changes(site.watch, viewer, dict(zip(PARTS, shown.split("."), strict=False))),
        media_type="text/event-stream",
        headers={"X-Accel-Buffering": "no"},
    )


async def changes(watch: Watch, viewer: Viewer, last: dict[str, str]) -> AsyncIterator[str]:
    async for picture in watch.pictures():
        parts = rendered(picture, await watch.history(), viewer.sees)
        digests = {name: digest(part) for name, part in parts.items()}
        changed = [name for name in PARTS if digests[name] != last.get(name)]
        last = digests
        for name in changed:
            yield f"event: {name}\n" + "".join(f"data: {line}\n" for line in parts[name].splitlines()) + "\n"
        if not changed:
            yield ": nothing new\n\n"  # keeps proxies from closing it, and tells us that somebody is still there


@lru_cache(maxsize=32)
def rendered(picture: Picture, seen: History | None, sees: frozenset[str]) -> dict[str, str]:
    """By name. Made once for all who may see the same."""
    values = _values(picture.seen_by(Viewer("", sees, frozenset())), seen)
    return {name: fragment(template, **values) for name, template in PARTS.items()}


def digest(part: str) -> str:
    return sha256(part.encode()).hexdigest()[:12]


def _values(picture: Picture, seen: History | None) -> dict[str, Any]:
    rows, health_now = week_rows(picture), picture.health_now
    return {
        "picture": picture,
        "headline": headline(picture),
        "not_known": NOT_KNOWN,
        "health": picture.health,
        "health_now": health_now,
        "bands_now": {one.service: one.band for one in health_now.services},
        "healed": {one.service: one for one in picture.healed},
        "tiles": list(overview_tiles(picture, seen)),
        "rows": rows[:LINES],
        "weeks": picture.weeks_told,
        "rest": len(rows[LINES:]),
        "others": picture.made_elsewhen,
        "zone_of": partial(zone_of, picture.teams),
    }
