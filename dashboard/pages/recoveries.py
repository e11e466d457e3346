"""Recoveries: what was healed by which step, how often a plan succeeds and how soon, and each one with its steps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, HTTPException, Query, Request
from starlette.responses import Response
from starlette.status import HTTP_404_NOT_FOUND

from dashboard.access import CurrentViewer, party, view
from dashboard.pages.paging import InstantCursor, this_page
from dashboard.site import CurrentSite
from dashboard.templating import page
from devsync.domain.changelog.window import IsoWeek
from devsync.domain.model import Model
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.storage.recoveries import PlanStatistics, RecordedRecovery, Recoveries
from devsync.storage.recovery_list import RecoveryList

LINES: Final = 50
DAYS: Final = 30
"""That the statistics look back."""

router = APIRouter()


class PlanLine(Model):
    """How a plan has done."""

    plan: str
    count: int
    outcomes: dict[RecoveryOutcome, int]
    median_to_heal: float | None
    """Seconds until everything was live again; None where that never was."""

    @property
    def healed(self) -> int:
        return self.outcomes.get(RecoveryOutcome.HEALED, 0)

    @property
    def stood_in(self) -> int:
        return self.outcomes.get(RecoveryOutcome.STAND_IN, 0)

    @property
    def share(self) -> float:
        """Of those after which nothing was missing."""
        return (self.healed + self.stood_in) / self.count


@router.get("/recoveries")
@view
async def recoveries(
    request: Request,
    site: CurrentSite,
    viewer: CurrentViewer,
    team: Annotated[str, Query(max_length=100)] = "",
    week: IsoWeek | None = None,
    service: Annotated[str, Query(max_length=100)] = "",
    outcome: RecoveryOutcome | None = None,
    step: Annotated[str, Query(max_length=100)] = "",
    after: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    teams = viewer.asked_for(team)
    found = await RecoveryList(site.database).latest(
        teams=teams,
        iso_week=week or "",
        service=service,
        outcome=outcome,
        step=step,
        after=InstantCursor.read(after),
        limit=LINES + 1,
    )
    since = datetime.now(UTC) - timedelta(days=DAYS)
    records = Recoveries(site.database)
    return page(
        request, "recoveries.html", lines=found[:LINES], team=team, week=week or "", service=service, outcome=outcome,
        step=step, outcomes=list(RecoveryOutcome), days=DAYS,
        is_filtered=bool(team or week or service or outcome or step),
        plans=plan_lines(await records.by_outcome(since, teams=teams)), steps=await records.by_step(since, teams=teams),
        more=_more(request, found),
    )  # fmt: skip


@router.get("/recoveries/{workflow_id:path}/{run_id}")
@party
async def recovery(
    request: Request, site: CurrentSite, viewer: CurrentViewer, workflow_id: str, run_id: str
) -> Response:
    found = await RecoveryList(site.database).one(workflow_id, run_id)
    if found is None or not viewer.may_see(found.team):
        raise HTTPException(HTTP_404_NOT_FOUND, f"there is no recovery {workflow_id!r} on record")
    return page(request, "recovery.html", one=found, run_url=site.run_url(workflow_id, run_id))


def _more(request: Request, found: Sequence[RecordedRecovery]) -> str:
    if len(found) <= LINES:
        return ""
    last = found[LINES - 1]
    return this_page(request, after=InstantCursor.write(last.ended_at, last.run_id))


def plan_lines(found: Iterable[PlanStatistics]) -> list[PlanLine]:
    """One for each plan, in the order in which they come."""
    plans: dict[str, list[PlanStatistics]] = {}
    for one in found:
        plans.setdefault(one.plan, []).append(one)
    return [
        PlanLine(
            plan=plan,
            count=sum(one.count for one in ends),
            outcomes={one.outcome: one.count for one in ends},
            median_to_heal=next((one.median_seconds for one in ends if one.outcome is RecoveryOutcome.HEALED), None),
        )
        for plan, ends in plans.items()
    ]
