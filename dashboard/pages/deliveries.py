"""Deliveries: what became of editions in their channels, and once more for what gave up."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, HTTPException, Query, Request
from starlette.responses import Response
from starlette.status import HTTP_404_NOT_FOUND
from temporalio.client import WorkflowExecutionStatus, WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from dashboard.access import CurrentViewer, operate, view
from dashboard.asking import asked
from dashboard.forms import NotDone, answered
from dashboard.pages.paging import InstantCursor, this_page
from dashboard.site import CurrentSite, Site
from dashboard.templating import page
from devsync.contracts import names
from devsync.contracts.delivery import ENDED_BADLY, DeliveryOutcome, DeliveryState
from devsync.contracts.names import DeliveryKey
from devsync.domain.changelog.window import IsoWeek
from devsync.domain.dashboard_pages import delivery_page
from devsync.runtime.delivery_again import replay
from devsync.settings.configuration import load_team
from devsync.settings.problems import ConfigError
from devsync.storage.deliveries import WORST_FIRST, Deliveries, DeliverySummary

LINES: Final = 50

router = APIRouter()


@router.get("/deliveries")
@view
async def deliveries(
    request: Request,
    site: CurrentSite,
    viewer: CurrentViewer,
    team: Annotated[str, Query(max_length=100)] = "",
    week: IsoWeek | None = None,
    channel: Annotated[str, Query(max_length=200)] = "",
    state: DeliveryState | None = None,
    after: Annotated[str, Query(max_length=500)] = "",
) -> Response:
    place = InstantCursor.read(after)
    key = place[1].split(":") if place else []
    lines = await Deliveries(site.database).summaries(
        teams=viewer.asked_for(team),
        iso_week=week,
        channel=channel or None,
        state=state,
        after=(place[0], key[0], key[1], key[2]) if place and len(key) == 3 else None,
        limit=LINES + 1,
    )
    last = lines[LINES - 1] if len(lines) > LINES else None
    return page(
        request, "deliveries.html", lines=lines[:LINES], team=team, week=week or "", channel=channel, state=state,
        states=WORST_FIRST, kinds=names.CHANNEL_KINDS, ended_badly=ENDED_BADLY, may_operate=viewer.may_operate,
        more=_behind(request, last) if last else "",
    )  # fmt: skip


@router.get("/teams/{team}/deliveries/{week}/{channel}")
@view
async def delivery(
    request: Request, site: CurrentSite, viewer: CurrentViewer, team: str, week: str, channel: str
) -> Response:
    """Its own workflow's word of now, and what is on record, which outlives it."""
    away: list[str] = []
    parts, outcome = await asyncio.gather(
        Deliveries(site.database).of_edition(team, week, channel=channel),
        asked(_outcome(site, names.delivery_id(team, week, channel)), away),
    )
    if not parts and outcome is None:
        raise HTTPException(HTTP_404_NOT_FOUND, f"{team} has no such delivery of {week}")
    worst = min((part.state for part in parts), key=WORST_FIRST.index, default=None)
    return page(
        request, "delivery.html", team=team, week=week, channel=channel, parts=parts, outcome=outcome, away=away,
        state=outcome.state if outcome else worst, ended_badly=ENDED_BADLY, may_replay=viewer.may_operate(team),
        run_url=site.run_url(names.delivery_id(team, week, channel), ""),
    )  # fmt: skip


@router.post("/teams/{team}/deliveries/{week}/{channel}/replay")
@operate
async def try_again(
    request: Request, site: CurrentSite, viewer: CurrentViewer, team: str, week: str, channel: str
) -> Response:
    key = DeliveryKey(team, week, channel)
    return await answered(request, delivery_page(*key), _replay(site, key, viewer.name))


def _behind(request: Request, line: DeliverySummary) -> str:
    key = f"{line.team}:{line.iso_week}:{line.channel}"
    return this_page(request, after=InstantCursor.write(line.updated_at, key))


async def _replay(site: Site, key: DeliveryKey, by: str) -> str:
    try:
        configuration = await asyncio.to_thread(load_team, site.configuration.directory, key.team)
    except ConfigError as error:
        raise NotDone(str(error)) from error
    handle = await replay(site.temporal, site.database, configuration, key, by)
    return f"{handle.id} is tried again now. What is in the channel already is not sent again."


async def _outcome(site: Site, delivery_id: str) -> DeliveryOutcome | None:
    """None where no run goes on: what is on record says the rest."""
    handle = site.temporal.get_workflow_handle(delivery_id)
    try:
        if (await handle.describe()).status is not WorkflowExecutionStatus.RUNNING:
            return None
        answer: DeliveryOutcome = await handle.query("outcome", result_type=DeliveryOutcome)
    except WorkflowQueryFailedError:
        return None
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    return answer
