"""Audit: who did what when, a team's chain from its end, and whether the chain is as it was written."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Query, Request
from pydantic import Field
from starlette.responses import Response
from starlette.status import HTTP_404_NOT_FOUND

from dashboard.access import CurrentViewer, operate, view
from dashboard.site import CurrentSite, Site
from dashboard.templating import page
from dashboard.verification import AlreadyVerified, Verified, last_verified, verify
from dashboard.viewer import Viewer
from devsync.domain.model import Model
from devsync.storage.audit_list import AuditList, Chain, EntryKind

LINES: Final = 50
NO_TEAM: Final = "-"
"""In an address: the chain of what belongs to no team, or to many."""

router = APIRouter()


class Asked(Model):
    """What the address asks for; dates are days of UTC, the last one included."""

    team: str = Field("", max_length=100)
    """Empty: the first chain that this person may see."""
    kind: EntryKind | None = None
    who: str = Field("", max_length=200)
    about: str = Field("", max_length=200)
    since: date | None = None
    until: date | None = None
    before: int | None = Field(None, ge=1)
    """Of a number below this one."""

    @property
    def is_filtered(self) -> bool:
        return bool(self.kind or self.who or self.about or self.since or self.until)

    def address(self, before: int) -> str:
        """What follows."""
        given = self.model_dump(mode="json", exclude_defaults=True) | {"before": before}
        return f"/audit?{urlencode(given)}"


@router.get("/audit")
@view
async def audit(
    request: Request, site: CurrentSite, viewer: CurrentViewer, asked: Annotated[Asked, Query()]
) -> Response:
    return await _shown(request, site, viewer, asked)


@router.post("/teams/{team}/audit/verify")
@operate
async def verify_team(request: Request, site: CurrentSite, viewer: CurrentViewer, team: str) -> Response:
    return await _verified(request, site, viewer, team)


@router.post("/audit/verify")
@operate
async def verify_shared(request: Request, site: CurrentSite, viewer: CurrentViewer) -> Response:
    """The chain of what belongs to no team."""
    return await _verified(request, site, viewer, "")


async def _verified(request: Request, site: Site, viewer: Viewer, team: str) -> Response:
    asked = Asked(team=team or NO_TEAM)
    try:
        found = await verify(site, team, viewer.name)
    except AlreadyVerified as error:
        return await _shown(request, site, viewer, asked, problem=str(error))
    if found is None:
        raise HTTPException(HTTP_404_NOT_FOUND, "there is nothing to verify: nothing was ever written there")
    return await _shown(request, site, viewer, asked, verified=found)


async def _shown(
    request: Request, site: Site, viewer: Viewer, asked: Asked, *, verified: Verified | None = None, problem: str = ""
) -> Response:
    records = AuditList(site.database)
    chains = await records.chains(viewer.asked_for(""))
    chain = _chosen(chains, asked.team)
    if chain is None and asked.team:
        raise HTTPException(HTTP_404_NOT_FOUND, "there is no such chain")
    found = [] if chain is None else await records.entries(
        chain.team, kind=asked.kind, who=asked.who, about=asked.about, since=_midnight(asked.since),
        until=_midnight(asked.until, days=1), before=asked.before, limit=LINES + 1,
    )  # fmt: skip
    return page(
        request, "audit.html", chains=chains, chain=chain, asked=asked, kinds=list(EntryKind), lines=found[:LINES],
        last=await last_verified(site, chain.team) if chain else None, verified=verified, problem=problem,
        may_verify=chain is not None and _may_verify(viewer, chain.team), no_team=NO_TEAM,
        more=asked.address(found[LINES - 1].number) if len(found) > LINES else "",
    )  # fmt: skip


def _chosen(chains: list[Chain], team: str) -> Chain | None:
    """Without a team the first one that has one."""
    if not team:
        return next((chain for chain in chains if chain.team), chains[0] if chains else None)
    wanted = "" if team == NO_TEAM else team
    return next((chain for chain in chains if chain.team == wanted), None)


def _may_verify(viewer: Viewer, team: str) -> bool:
    return viewer.may_operate(team) if team else viewer.operates_every_team


def _midnight(day: date | None, *, days: int = 0) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), UTC) + timedelta(days=days)
