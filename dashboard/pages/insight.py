"""Insight: what the measured numbers say of what is to come, and which setting they ask to change.

The answers of the commands `recommendations`, `forecast` and `performance stats`, by the same functions. Whoever sees
some teams is told of one of them at a time: what is told of all is told to those who see all.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from starlette.responses import Response
from starlette.status import HTTP_404_NOT_FOUND

from dashboard.access import CurrentViewer, view
from dashboard.outlook import LOOKED_BACK, MEASURED_OVER, Asked
from dashboard.pages.insight_charts import METRIC_WORDS, capacity_charts, forecast_chart
from dashboard.site import CurrentSite
from dashboard.templating import page
from dashboard.viewer import Viewer
from devsync.domain.insight.enough import NotEnoughData
from devsync.domain.insight.forecasts import CONFIDENCE
from devsync.domain.insight.trends import Direction
from devsync.runtime.health import ADVISED_OVER
from devsync.settings.dashboard import EVERY_TEAM

DAYS = (7, 14, 28, 91)
SHOWN_OPERATIONS = 10

router = APIRouter()


@router.get("/insight")
@view
async def insight(
    request: Request,
    site: CurrentSite,
    viewer: CurrentViewer,
    team: Annotated[str, Query(max_length=100)] = "",
    days: Annotated[int, Query(ge=DAYS[0], le=DAYS[-1])] = 14,
) -> Response:
    # Of somebody whose teams have no file any more, the records are still theirs.
    teams = viewer.seen_of(sorted(site.configuration.read_last.teams)) or sorted(viewer.sees - {EVERY_TEAM})
    asked = Asked(_team(viewer, team, teams), days)
    found = await site.watch.outlook(asked)
    stages = found.measured.stages
    missing = (*found.ahead.not_enough, *(found.advice.not_enough if found.advice else ()))
    return page(
        request,
        "insight.html",
        asked=asked,
        teams=teams,
        sees_all=viewer.sees_every_team,
        day_choices=DAYS,
        found=found,
        trends=[one for one in found.ahead.trends if one.direction is not Direction.STEADY],
        chart=forecast_chart(found, site.configuration.read_last.monitoring.limits),
        capacity_charts=capacity_charts(found),
        metric_words=METRIC_WORDS,
        stages=() if isinstance(stages, NotEnoughData) else stages,
        missing=[_in_words(one) for one in (*missing, stages) if isinstance(one, NotEnoughData)],
        confidence=CONFIDENCE,
        windows={"advised": ADVISED_OVER, "back": LOOKED_BACK, "measured": MEASURED_OVER},
        shown_operations=SHOWN_OPERATIONS,
    )


def _in_words(one: NotEnoughData) -> NotEnoughData:
    kind, of, metric = one.about.partition(" of ")
    return one.model_copy(update={"about": f"{kind}{of}{METRIC_WORDS.get(metric, metric)}"})


def _team(viewer: Viewer, team: str, teams: list[str]) -> str | None:
    """None: all together. Raises HTTPException 404 for a team that is not theirs."""
    if not team and viewer.sees_every_team:
        return None
    chosen = team or teams[0]
    if not viewer.may_see(chosen):
        raise HTTPException(HTTP_404_NOT_FOUND, f"there is no team {chosen!r}")
    return chosen
