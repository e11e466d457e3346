"""Escalations: what people are asked, and the answers, which go back into the waiting workflows.

An escalation may concern many teams. Whoever may operate one of them may answer; the first answer counts, and the
escalation itself says so to the second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Annotated, Any, Final

from fastapi import APIRouter, HTTPException, Query, Request
from starlette.responses import Response
from starlette.status import HTTP_403_FORBIDDEN, HTTP_404_NOT_FOUND

from dashboard.access import CurrentViewer, party, view
from dashboard.asking import asked
from dashboard.forms import NotDone, answered, filled_in, understood
from dashboard.own_part import concerns, may_answer, own_events, own_part
from dashboard.pages.approvals import waiting_editions
from dashboard.pages.paging import InstantCursor, this_page
from dashboard.site import CurrentSite, Site
from dashboard.templating import page
from dashboard.viewer import Viewer
from devsync.contracts import names
from devsync.contracts.escalation import Acknowledge, EscalationView, Reassign, Snooze, SubscriberEntry
from devsync.contracts.people import Escalate, Resolve
from devsync.domain.dashboard_pages import escalation_page
from devsync.domain.model import Model
from devsync.runtime.escalations import EscalationOperations, EscalationOver
from devsync.storage.escalations import EscalationLine, EscalationPage, Escalations

LINES: Final = 25
DEEDS: Final[dict[str, type[Model]]] = {
    "acknowledge": Acknowledge,
    "resolve": Resolve,
    "snooze": Snooze,
    "escalate": Escalate,
    "reassign": Reassign,
}
"""What can be said to one, by the update's name."""

router = APIRouter()


@router.get("/escalations")
@view
async def escalations(
    request: Request, site: CurrentSite, viewer: CurrentViewer, after: Annotated[str, Query(max_length=500)] = ""
) -> Response:
    records, teams = Escalations(site.database), viewer.asked_for("")
    place = InstantCursor.read(after)
    behind = (place[0], *_split(place[1])) if place else None
    away: list[str] = []
    picture, approvals, over = await asyncio.gather(
        site.watch.now(),
        asked(waiting_editions(site, viewer), away),
        records.newest(teams=teams, are_open=False, after=behind, limit=LINES + 1),
    )
    own = picture.seen_by(viewer)
    # What the records know stands in for what Temporal does not tell.
    on_record = await records.newest(teams=teams, are_open=True, limit=LINES) if own.escalations is None else []
    last = over[LINES - 1] if len(over) > LINES else None
    away += picture.away if own.escalations is None else ()
    return page(
        request, "escalations.html", escalations=own.escalations, approvals=approvals or [],
        on_record=_own_lines(on_record, viewer), over=_own_lines(over[:LINES], viewer), away=away,
        more=_behind(request, last) if last else "",
    )  # fmt: skip


@router.get("/escalations/{escalation_id}")
@party
async def escalation(
    request: Request,
    site: CurrentSite,
    viewer: CurrentViewer,
    escalation_id: str,
    page_id: Annotated[str | None, Query(alias="page", max_length=100)] = None,
) -> Response:
    """The one that is open; of an earlier page, or where nobody answers, what is on record."""
    away: list[str] = []
    one = await _live(site, viewer, escalation_id, away) if page_id is None else None
    if one is not None:
        zone = _zone(site, one.subscribers)
        return page(request, "escalation.html", one=one, zone=zone, may_answer=may_answer(one, viewer))
    kept = await Escalations(site.database).page(escalation_id, page_id, teams=viewer.asked_for(""))
    if kept is None:
        raise HTTPException(HTTP_404_NOT_FOUND, away[0] if away else f"there is no escalation {escalation_id!r}")
    own = _own_record(kept, viewer)
    zone = _zone(site, own.subscribers)
    return page(request, "escalation_on_record.html", one=own, zone=zone, away=away)


@router.post("/escalations/{escalation_id}/{deed}")
@party
async def answer(request: Request, site: CurrentSite, viewer: CurrentViewer, escalation_id: str, deed: str) -> Response:
    away: list[str] = []
    found = await _live(site, viewer, escalation_id, away)
    if found is None and away:
        return await answered(request, escalation_page(escalation_id), _cannot_be_said(away[0]))
    if found is None:
        raise HTTPException(HTTP_404_NOT_FOUND, f"there is no open escalation {escalation_id!r}")
    if not may_answer(found, viewer):
        raise HTTPException(HTTP_403_FORBIDDEN, f"{viewer.name} may look, and decide nothing here")
    if deed not in DEEDS:
        raise HTTPException(HTTP_404_NOT_FOUND, f"nobody can {deed!r} an escalation")
    fields = await filled_in(request) | {"by": viewer.name}
    return await answered(request, escalation_page(escalation_id), _say(site, escalation_id, deed, fields))


async def _say(site: Site, escalation_id: str, deed: str, fields: dict[str, Any]) -> str:
    message = understood(DEEDS[deed], fields)
    found = await EscalationOperations(site.temporal).say(escalation_id, deed, message)
    return f"It is {found.state.value} now. {found.next_step}".strip()


def _behind(request: Request, line: EscalationLine) -> str:
    return this_page(request, after=InstantCursor.write(line.opened_at, f"{line.page}:{line.workflow_id}"))


def _split(key: str) -> tuple[str, str]:
    """Its workflow's id, which has colons, and its page."""
    page_id, _, workflow_id = key.partition(":")
    return workflow_id, page_id


async def _cannot_be_said(why: str) -> str:
    raise NotDone(why)


async def _live(site: Site, viewer: Viewer, escalation_id: str, away: list[str]) -> EscalationView | None:
    """This person's part of it; None where there is none, or none of theirs, or nobody answers."""
    if not escalation_id.startswith(names.own_escalation_id("")):
        return None
    try:
        found = await asked(EscalationOperations(site.temporal).view(escalation_id), away)
    except EscalationOver:
        return None
    return own_part(found, viewer) if found is not None and concerns(found, viewer) else None


def _zone(site: Site, subscribers: Iterable[SubscriberEntry]) -> str:
    return site.configuration.zone_of(*(entry.subscriber.team for entry in subscribers))


def _own_lines(lines: Iterable[EscalationLine], viewer: Viewer) -> list[EscalationLine]:
    """Without the other teams that waited."""
    return [one.model_copy(update={"teams": tuple(filter(viewer.may_see, one.teams))}) for one in lines]


def _own_record(kept: EscalationPage, viewer: Viewer) -> EscalationPage:
    """Without the other teams that waited."""
    theirs = tuple(entry for entry in kept.subscribers if viewer.may_see(entry.subscriber.team))
    return kept.model_copy(update={"subscribers": theirs, "events": own_events(kept.events, viewer)})
