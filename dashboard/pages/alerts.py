"""Alerts: what is wrong now or was, who has taken it, and what shall be silent for a while.

An alert of a team is its own; what belongs to no team (a service's, the machine's) only who sees every team sees. Mutes
go by patterns over all of them, so who operates every team sets and ends them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, HTTPException, Query, Request
from starlette.responses import Response
from starlette.status import HTTP_403_FORBIDDEN, HTTP_404_NOT_FOUND

from dashboard.access import CurrentViewer, operate, party, view
from dashboard.asking import asked
from dashboard.forms import NotDone, answered, filled_in, understood
from dashboard.pages.paging import InstantCursor, this_page
from dashboard.site import CurrentSite, Site
from dashboard.templating import page
from dashboard.viewer import Viewer
from devsync.contracts.monitor import AcknowledgeAlert, MonitorView, MuteAlerts, UnmuteAlerts
from devsync.domain.health.book import Alert, AlertState, Mute
from devsync.domain.model import Model
from devsync.runtime.monitor import MonitorOperations
from devsync.storage.alerts import Alerts

PATH: Final = "/alerts"
LINES: Final = 50
PATIENCE_SECONDS: Final = 1.0
"""With the monitor, before the page is shown by the records alone; it asks again by itself."""
LENGTHS: Final = {"30": "30 min", "120": "2 h", "480": "8 h", "1440": "1 day", "10080": "7 days"}
"""Minutes for which something is muted."""

router = APIRouter()


@router.get(PATH)
@view
async def alerts(
    request: Request,
    site: CurrentSite,
    viewer: CurrentViewer,
    state: AlertState | None = None,
    after: Annotated[str, Query(max_length=500)] = "",
) -> Response:
    """The open ones by the monitor's word, without it by the records'; below, all that are on record."""
    away: list[str] = []
    records, place = Alerts(site.database), InstantCursor.read(after)
    now, kept = await asyncio.gather(
        asked(MonitorOperations(site.temporal).view(), away, seconds=PATIENCE_SECONDS, who="the monitor"),
        records.newest(teams=viewer.asked_for(""), state=state, after=place, limit=LINES + 1),
    )
    last = kept[LINES - 1] if len(kept) > LINES else None
    open_ones = await _open(site, viewer, now)
    return page(
        request, "alerts.html", monitor=now, open_ones=open_ones, anchors=_anchors(open_ones, kept[:LINES]), away=away,
        mutes=_mutes(now) if viewer.sees_every_team else [], kept=kept[:LINES], state=state, states=list(AlertState),
        more=this_page(request, after=InstantCursor.write(last.opened_at, last.id)) if last else "",
        lengths=LENGTHS, now_at=datetime.now(UTC), may_mute=viewer.operates_every_team,
    )  # fmt: skip


@router.post("/alerts/acknowledge")
@party
async def acknowledge(request: Request, site: CurrentSite, viewer: CurrentViewer) -> Response:
    fields = await filled_in(request) | {"by": viewer.name}
    found = await _alert(site, viewer, fields.get("alert", ""))
    if found is not None and not viewer.may_operate(found.team):
        raise HTTPException(HTTP_403_FORBIDDEN, f"{viewer.name} may look, and do nothing here")
    return await answered(request, PATH, _say(site, "acknowledge", AcknowledgeAlert, fields))


@router.post("/alerts/mute")
@operate
async def mute(request: Request, site: CurrentSite, viewer: CurrentViewer) -> Response:
    fields: dict[str, Any] = await filled_in(request) | {"by": viewer.name}
    return await answered(request, PATH, _mute(site, fields))


@router.post("/alerts/unmute")
@operate
async def unmute(request: Request, site: CurrentSite, viewer: CurrentViewer) -> Response:
    fields = await filled_in(request) | {"by": viewer.name}
    return await answered(request, PATH, _say(site, "unmute", UnmuteAlerts, fields))


async def _mute(site: Site, fields: dict[str, Any]) -> str:
    if "reason" not in fields:
        raise NotDone("the reason is empty; say in a few words why")
    if "since" in fields:
        fields["since"] = _instant(fields["since"])
    return await _say(site, "mute", MuteAlerts, fields)


async def _say(site: Site, update: str, kind: type[Model], fields: dict[str, Any]) -> str:
    message = understood(kind, fields)
    return (await MonitorOperations(site.temporal).say(update, message)).text


def _instant(text: str) -> datetime:
    """As a browser's field has it, which is labelled as UTC: `2026-11-30T18:00`."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise NotDone(f'"{text}" is no time; write 2026-11-30T18:00') from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


async def _open(site: Site, viewer: Viewer, now: MonitorView | None) -> list[Alert]:
    if now is None:
        kept = [
            await Alerts(site.database).newest(teams=viewer.asked_for(""), state=state, limit=LINES)
            for state in (AlertState.FIRING, AlertState.ACKNOWLEDGED)
        ]
        return [alert for alerts in kept for alert in alerts]
    return [alert for alert in now.open_ones if viewer.may_see(alert.team)]


def _anchors(open_ones: Sequence[Alert], kept: Sequence[Alert]) -> set[str]:
    """Ids of those on record that the key of an address leads to: the last time of each that is not open."""
    is_shown, found = {one.key for one in open_ones}, set()
    for one in kept:
        if one.key not in is_shown:
            is_shown.add(one.key)
            found.add(one.id)
    return found


async def _alert(site: Site, viewer: Viewer, named: str) -> Alert | None:
    """What the monitor knows of that key, or of the key of that id; None where it does not answer, and tells so itself.

    Raises HTTPException 404.
    """
    now = await asked(MonitorOperations(site.temporal).view(), [])
    if now is None:
        if not viewer.operates_every_team:
            raise HTTPException(HTTP_404_NOT_FOUND, "nobody can tell whose alert it is: the monitor does not answer")
        return None
    found = next((one for one in now.alerts if named == one.key or named.startswith(f"{one.key}@")), None)
    if found is None or not viewer.may_see(found.team):
        raise HTTPException(HTTP_404_NOT_FOUND, f"there is no alert {named!r}")
    return found


def _mutes(now: MonitorView | None) -> list[Mute]:
    return list(now.mutes) if now else []
