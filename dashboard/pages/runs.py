"""Run: how an edition was made, or is being made: phases, retries, recoveries, people, channels; it moves by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, HTTPException, Query, Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.status import HTTP_200_OK, HTTP_404_NOT_FOUND

from dashboard.access import CurrentViewer, view
from dashboard.run_picture import RunPicture
from dashboard.site import CurrentSite, Site
from dashboard.templating import fragment, page
from devsync.domain.changelog.edition import gaps_by_reason
from devsync.domain.changelog.window import IsoWeek
from devsync.storage.connection import StorageError

RunId = Annotated[str, Query(max_length=100)]

OVER: Final = "event: over\ndata: \n\n"
"""The page then asks no more."""

router = APIRouter()


@router.get("/teams/{team}/runs/{week}")
@view
async def run(request: Request, site: CurrentSite, team: str, week: IsoWeek, run: RunId = "") -> Response:
    picture = await site.runs.now(team, week, run)
    is_there = picture.tab is not None or bool(picture.away)
    if not is_there and not picture.tabs:
        raise HTTPException(HTTP_404_NOT_FOUND, f"{team} has no such run of {week}")
    # Of one that nobody keeps any more the week's others are shown.
    code = HTTP_200_OK if is_there else HTTP_404_NOT_FOUND
    return page(request, "run.html", code=code, asked=run, **_values(site, picture))


@router.get("/teams/{team}/runs/{week}/live")
@view
async def live_run(site: CurrentSite, team: str, week: IsoWeek, run: RunId = "") -> Response:
    """Server-sent events: the page's inner part, whenever it has changed, until the run is over."""
    return StreamingResponse(
        changes(site, team, week, run), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


@router.get("/live/editions")
@view
async def open_editions(site: CurrentSite, viewer: CurrentViewer) -> Response:
    """A part of the editions' page: those that are being made."""
    return HTMLResponse(
        fragment(
            "editions_open.html",
            open_editions=await site.runs.open_editions(viewer.may_see),
            zone_of=site.configuration.zone_of,
        )
    )


async def changes(site: Site, team: str, week: str, run: str) -> AsyncIterator[str]:
    last = ""
    try:
        async for picture in site.runs.pictures(team, week, run):
            shown = fragment("run_now.html", **_values(site, picture))
            if shown != last:
                last = shown
                yield "".join(f"data: {line}\n" for line in shown.splitlines()) + "\n"
            else:
                yield ": nothing new\n\n"
    except StorageError:
        return  # the browser asks again by itself
    yield OVER


def _values(site: Site, picture: RunPicture) -> dict[str, Any]:
    tab, progress = picture.tab, picture.progress
    return {
        "picture": picture,
        "gaps": gaps_by_reason(progress.gaps if progress else ()),
        "run_url": site.run_url(tab.workflow_id, tab.run_id) if tab else "",
    }
