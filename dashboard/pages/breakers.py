"""Breakers: which services are called and which are not, why, and the operator's hand on them.

A breaker guards a service for all teams: everybody may look, and who operates every team decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, NamedTuple
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Query, Request
from starlette.responses import Response
from starlette.status import HTTP_404_NOT_FOUND

from dashboard.access import CurrentViewer, operate, view
from dashboard.asking import asked
from dashboard.forms import NotDone, answered, filled_in, understood
from dashboard.pages.paging import InstantCursor, this_page
from dashboard.site import CurrentSite, Site
from dashboard.templating import page
from devsync.contracts.breaker import Decision, ModeDecision
from devsync.domain.breaker import Standing, Transition
from devsync.runtime.breaker.operations import BreakerOperations
from devsync.settings.breaker import BreakerSettings
from devsync.settings.durations import parse_duration
from devsync.storage.breakers import BreakerTransitions

LINES: Final = 25
RESET: Final = "reset"


class Control(NamedTuple):
    update: str
    title: str
    words: str
    """What follows from it."""

    @property
    def has_end(self) -> bool:
        return self.update != RESET


CONTROLS: Final = (
    Control("force_open", "Force open", "Refuse all calls, on every worker. When it ends, probes decide."),
    Control("force_close", "Force closed", "Let all calls through, whatever fails. It also ends a pause."),
    Control("disable", "Disable", "Let all calls through and count nothing. It also ends a pause."),
    Control("metrics_only", "Count only", "Count, and record when it would have opened, but open nothing."),
    Control(RESET, "Back to the rules", "Closed, no mode, no pause, nothing counted: from here on the rules decide."),
)
LENGTHS: Final = {"15m": "15 min", "1h": "1 h", "4h": "4 h", "1d": "1 day", "7d": "7 days"}
"""How long a mode lasts; without one, until somebody ends it."""


class BreakerLine(NamedTuple):
    """A service's breaker in the list: what it says of itself, or what happened to it last."""

    service: str
    standing: Standing | None
    last: Transition | None


router = APIRouter()


@router.get("/breakers")
@view
async def breakers(request: Request, site: CurrentSite) -> Response:
    away: list[str] = []
    standings, last = await asyncio.gather(
        asked(BreakerOperations(site.temporal).standings(), away),
        asked(BreakerTransitions(site.database).last_of_each(), away),
    )
    known = {*await _guarded(site), *(standings or {}), *(last or {})}
    lines = [BreakerLine(name, (standings or {}).get(name), (last or {}).get(name)) for name in sorted(known)]
    return page(request, "breakers.html", lines=lines, is_told=standings is not None, away=away)


@router.get("/breakers/{service}")
@view
async def breaker(
    request: Request,
    site: CurrentSite,
    viewer: CurrentViewer,
    service: str,
    after: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    away: list[str] = []
    operations, place = BreakerOperations(site.temporal), InstantCursor.read(after)
    standings, snapshot, history = await asyncio.gather(
        asked(operations.standings(), away),
        asked(operations.snapshot(service), away),
        asked(
            BreakerTransitions(site.database).latest(service, limit=LINES + 1, until=place[0] if place else None), away
        ),
    )
    standing = snapshot.standing if snapshot else (standings or {}).get(service)
    if standing is None and not history and service not in await _guarded(site):
        raise HTTPException(HTTP_404_NOT_FOUND, f"there is no breaker of {service!r}")
    lines = list(reversed(history or ()))
    return page(
        request, "breaker.html", service=service, standing=standing, snapshot=snapshot, away=away,
        rules=_rules(snapshot.config.model_dump()) if snapshot else {},
        history=lines[:LINES] if history is not None else None, now_at=datetime.now(UTC),
        more=_earlier(request, lines), controls=CONTROLS, lengths=LENGTHS, may_decide=viewer.operates_every_team,
        run_url=site.run_url(f"breaker:{service}", ""),
    )  # fmt: skip


@router.post("/breakers/{service}/{update}")
@operate
async def decide(request: Request, site: CurrentSite, viewer: CurrentViewer, service: str, update: str) -> Response:
    control = next((one for one in CONTROLS if one.update == update), None)
    known = {*await _guarded(site), *await BreakerOperations(site.temporal).standings()}
    if control is None or service not in known:
        raise HTTPException(HTTP_404_NOT_FOUND, f"nobody can {update!r} a breaker of {service!r}")
    fields: dict[str, Any] = await filled_in(request) | {"by": viewer.name}
    return await answered(request, address(service), _decide(site, service, control, fields))


def address(service: str) -> str:
    return f"/breakers/{quote(service, safe='')}"


async def _decide(site: Site, service: str, control: Control, fields: dict[str, Any]) -> str:
    length = fields.pop("length", "")
    if "reason" not in fields:
        raise NotDone("the reason is empty; say in a few words why")
    if control.has_end:
        decision: Decision = understood(ModeDecision, fields | {"until": _end(length)})
    else:
        decision = understood(Decision, fields)
    standing = await BreakerOperations(site.temporal).decide(service, control.update, decision)
    return f"The breaker of {service} is {standing.label.replace('_', ' ')} now."


def _end(length: str) -> datetime | None:
    if not length:
        return None
    try:
        return datetime.now(UTC) + parse_duration(length)
    except (ValueError, OverflowError) as wrong:
        raise NotDone(str(wrong)) from None


async def _guarded(site: Site) -> Sequence[str]:
    return (await site.configuration.now()).services.guarded


def _rules(values: dict[str, Any]) -> dict[str, Any]:
    """As services.yaml has them."""
    rules = BreakerSettings.model_validate(values).model_dump(mode="json")
    return {name: value for name, value in rules.items() if value is not None}


def _earlier(request: Request, lines: Sequence[Transition]) -> str:
    """Begins with the last line of these: two things may have happened at one instant."""
    if len(lines) <= LINES:
        return ""
    last = lines[LINES - 1]
    return this_page(request, after=InstantCursor.write(last.at, last.event.value))
