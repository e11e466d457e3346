"""Approvals: editions that are posted when a reviewer agrees, and what they say."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response
from starlette.status import HTTP_404_NOT_FOUND

from dashboard.access import CurrentViewer, operate, view
from dashboard.asking import asked
from dashboard.forms import NotDone, answered, filled_in, understood
from dashboard.site import CurrentSite, Site
from dashboard.templating import page
from dashboard.viewer import Viewer
from devsync.contracts import names
from devsync.contracts.approval import ApprovalState, Approve, Reject
from devsync.domain.dashboard_pages import approval_page
from devsync.runtime.approvals import ApprovalOperations, WaitingEdition

DEEDS: Final[dict[str, type[Approve] | type[Reject]]] = {"approve": Approve, "reject": Reject}

router = APIRouter()


async def waiting_editions(site: Site, viewer: Viewer) -> list[WaitingEdition]:
    """Those of this person's teams. Only teams that ask for approval are asked about."""
    configuration = await site.configuration.now()
    asking = [name for name, team in configuration.teams.items() if team.approval.required]
    return await ApprovalOperations(site.temporal).waiting(viewer.seen_of(asking))


@router.get("/teams/{team}/editions/{week}/approval")
@view
async def approval(request: Request, site: CurrentSite, viewer: CurrentViewer, team: str, week: str) -> Response:
    away: list[str] = []
    found = await asked(ApprovalOperations(site.temporal).progress(names.edition_id(team, week)), away)
    if found is None and not away:
        raise HTTPException(HTTP_404_NOT_FOUND, f"nobody is asked about {team} {week}")
    return page(
        request, "approval.html", team=team, week=week, approval=found, away=away,
        is_waiting=found is not None and found.state is ApprovalState.WAITING, may_answer=viewer.may_operate(team),
    )  # fmt: skip


@router.post("/teams/{team}/editions/{week}/approval/{deed}")
@operate
async def answer(
    request: Request, site: CurrentSite, viewer: CurrentViewer, team: str, week: str, deed: str
) -> Response:
    if deed not in DEEDS:
        raise HTTPException(HTTP_404_NOT_FOUND, f"nobody can {deed!r} an edition")
    fields = await filled_in(request) | {"by": viewer.name}
    return await answered(request, approval_page(team, week), _say(site, team, week, deed, fields))


async def _say(site: Site, team: str, week: str, deed: str, fields: dict[str, Any]) -> str:
    said = understood(DEEDS[deed], fields)
    if isinstance(said, Reject) and not said.reason:
        raise NotDone("reason: is empty; say in a few words why nothing is to be posted")
    found = await ApprovalOperations(site.temporal).say(names.edition_id(team, week), said)
    return f"{team} {week} is {found.state.value}."
