"""The Atom feed of a team's editions: a channel that needs no account, only its address."""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Final

from fastapi import APIRouter, HTTPException, Query, Request
from starlette.responses import Response
from starlette.status import HTTP_304_NOT_MODIFIED, HTTP_404_NOT_FOUND

from dashboard.access import signed, viewer_at
from dashboard.atom import MEDIA_TYPE, Feed, atom
from dashboard.site import CurrentSite, Site
from devsync.storage.editions import EditionRecord, Editions

WEEKS: Final = 20
"""A reader that looks once a quarter misses nothing."""

router = APIRouter()


@router.api_route("/feeds/{team}.atom", methods=["GET", "HEAD"])
@signed
async def feed(
    request: Request, site: CurrentSite, team: str, key: Annotated[str, Query(max_length=100)] = ""
) -> Response:
    """With the key in its address, or for who is signed in: readers cannot sign in, and send no cookies."""
    has_key = site.feeds.opens(team, key)
    if not has_key and not _sees(request, team):
        raise HTTPException(HTTP_404_NOT_FOUND, "there is no such feed; its address is on the team's pages")
    records = await Editions(site.database).sent_out(team, WEEKS)
    told = Feed(team, site.base, site.feeds.path(team) if has_key else request.url.path)
    headers = {"ETag": _etag(told, records), "Cache-Control": "private, no-cache"}
    if _knows(request, headers["ETag"]):
        return Response(status_code=HTTP_304_NOT_MODIFIED, headers=headers)
    return Response(atom(told, await _with_mails(site, records)), media_type=MEDIA_TYPE, headers=headers)


def _sees(request: Request, team: str) -> bool:
    viewer = viewer_at(request)
    return viewer is not None and viewer.may_see(team)


async def _with_mails(site: Site, records: list[EditionRecord]) -> list[tuple[EditionRecord, bytes | None]]:
    mails = [record.renderings.get("html") for record in records]
    found = await site.artifacts.get_many([mail for mail in mails if mail is not None])
    return [(record, found.get(mail) if mail else None) for record, mail in zip(records, mails, strict=True)]


def _etag(told: Feed, records: list[EditionRecord]) -> str:
    """Weak: compressed or not, it is the same feed."""
    said = [str(told), *(f"{one.iso_week} {one.revision} {one.status} {one.composed_at}" for one in records)]
    digest = sha256("\n".join(said).encode()).hexdigest()
    return f'W/"{digest[:32]}"'


def _knows(request: Request, etag: str) -> bool:
    """Whether one of the tags that the reader has is this one; weak comparison (RFC 9110, 13.1.2)."""
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")]
    return "*" in known or etag.removeprefix("W/") in known
