"""Schedules: when editions are due, what came of the last ones, and the operator's hand on them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response
from starlette.status import HTTP_404_NOT_FOUND
from temporalio.client import ScheduleListDescription

from dashboard.access import CurrentViewer, operate, view
from dashboard.asking import asked
from dashboard.forms import NotDone, answered, filled_in
from dashboard.site import CurrentSite, Site
from dashboard.templating import page
from dashboard.viewer import Viewer
from devsync.contracts import names
from devsync.contracts.due import DueOutcome
from devsync.domain.changelog.due import weeks_between
from devsync.domain.changelog.window import ImpossibleWeek, iso_week_of, last_week_ended_by, monday_of
from devsync.runtime import schedule_deeds as deeds
from devsync.runtime.editions import start_edition
from devsync.runtime.schedule_states import LOOK_BACK, schedule_state, weeks_on_record, when_due
from devsync.settings.team import TeamConfig
from devsync.storage.audit import Audit
from devsync.storage.connection import StorageError

FIRINGS: Final = 10

router = APIRouter()


class ScheduleLine(NamedTuple):
    """One schedule of ours in the list, as the server's own list has it."""

    id: str
    team: str
    timezone: str
    when: str
    is_paused: bool
    note: str
    upcoming: tuple[datetime, ...]
    last_at: datetime | None
    """When it was to fire last."""
    is_there: bool = True
    """False: the team's file asks for it, and the server does not have it."""


@router.get("/schedules")
@view
async def schedules(request: Request, site: CurrentSite, viewer: CurrentViewer) -> Response:
    away: list[str] = []
    there = await asked(_listed(site), away)
    teams = (await site.configuration.now()).teams
    return page(
        request, "schedules.html", away=away, weekly=_weekly(teams, there, viewer),
        others=_others(teams, there or {}, viewer), is_told=there is not None,
    )  # fmt: skip


@router.get("/teams/{team}/schedule")
@view
async def schedule(request: Request, site: CurrentSite, viewer: CurrentViewer, team: str) -> Response:
    away: list[str] = []
    now = datetime.now(UTC)
    settings = (await site.configuration.now()).teams.get(team)
    on_record = await asked(weeks_on_record(site.database, now), away)
    state = await asked(schedule_state(site.temporal, team, settings, on_record, firings=FIRINGS), away)
    if settings is None and (state is None or state.state == "missing"):
        raise HTTPException(HTTP_404_NOT_FOUND, f"{team} has no schedule")
    return page(
        request, "schedule.html", team=team, state=state, settings=settings, away=away, when=when_due(settings),
        past=_past_weeks(settings, now) if settings else [], known=(on_record or {}).get(team, set()),
        may_operate=viewer.may_operate(team),
    )  # fmt: skip


@router.post("/teams/{team}/schedule/pause")
@operate
async def pause(request: Request, site: CurrentSite, viewer: CurrentViewer, team: str) -> Response:
    note = (await filled_in(request)).get("note", "")
    return await answered(request, address(team), _pause(site, team, viewer.name, note))


@router.post("/teams/{team}/schedule/resume")
@operate
async def resume(request: Request, site: CurrentSite, viewer: CurrentViewer, team: str) -> Response:
    note = (await filled_in(request)).get("note", "")
    return await answered(request, address(team), _resume(site, team, viewer.name, note))


@router.post("/teams/{team}/schedule/trigger")
@operate
async def trigger(request: Request, site: CurrentSite, viewer: CurrentViewer, team: str) -> Response:
    return await answered(request, address(team), _trigger(site, team, viewer.name))


@router.post("/teams/{team}/schedule/backfill")
@operate
async def backfill(request: Request, site: CurrentSite, viewer: CurrentViewer, team: str) -> Response:
    fields = await filled_in(request)
    deed = _backfill(site, team, fields.get("week", ""), viewer.name, deliver="deliver" in fields)
    return await answered(request, address(team), deed)


def address(team: str) -> str:
    return f"/teams/{quote(team, safe='')}/schedule"


# What is done, and the sentence about it.


async def _pause(site: Site, team: str, by: str, note: str) -> str:
    there = await deeds.schedule_of(site.temporal, team)
    if there.schedule.state.paused:
        raise NotDone(f"the schedule of {team} is paused already ({there.schedule.state.note})")
    await deeds.pause(site.temporal, team, by, note)
    return f"The schedule of {team} is paused.{await _in_audit(site, team, by, 'pause', 'paused', note)}"


async def _resume(site: Site, team: str, by: str, note: str) -> str:
    there = await deeds.schedule_of(site.temporal, team)
    if not there.schedule.state.paused:
        raise NotDone(f"the schedule of {team} is not paused ({there.schedule.state.note or 'active'})")
    await deeds.resume(site.temporal, team, by, note)
    return f"The schedule of {team} fires again.{await _in_audit(site, team, by, 'resume', 'active', note)}"


async def _trigger(site: Site, team: str, by: str) -> str:
    firing = await deeds.trigger(site.temporal, team)
    left = await _in_audit(site, team, by, "trigger", firing.due_id)
    if firing.due is None:
        return f"{firing.due_id} waits: {firing.problem or 'no worker has taken it yet'}.{left}"
    is_new = firing.due.outcome is DueOutcome.STARTED
    return f"{firing.due.edition_id} {'is started' if is_new else 'runs already, and will be delivered'}.{left}"


async def _backfill(site: Site, team: str, week: str, by: str, *, deliver: bool) -> str:
    """One week: those after it learn from it (who is new, where the last edition ended), so that it is to end first."""
    settings = (await site.configuration.now()).teams.get(team)
    if settings is None:
        raise NotDone(f"{team} has no file in config/teams, so that nobody knows what to gather")
    _check_past(week, settings, datetime.now(UTC))
    handle = await start_edition(
        site.temporal, team, week, requested_by=by, scheduled_at=settings.weekly_time.due_at(week), deliver=deliver
    )
    then = "it will be brought to its channels" if deliver else "it is brought to no channel"
    return f"{handle.id} has been started; {then}."


async def _in_audit(site: Site, team: str, by: str, action: str, outcome: str, note: str = "") -> str:
    """A sentence where the audit could not be told of what is done already."""
    try:
        await Audit(site.database).write([deeds.in_audit(team, by, action, outcome, note)])
    except StorageError as error:
        return f" It is not in the audit: {error}."
    return ""


def _check_past(week: str, team: TeamConfig, now: datetime) -> None:
    try:
        is_over = monday_of(week) <= monday_of(last_week_ended_by(now, team.timezone))
    except ImpossibleWeek as error:
        raise NotDone(str(error)) from None
    if not is_over:
        raise NotDone(f"{week} has not ended yet in {team.timezone}")


# What is shown.


async def _listed(site: Site) -> dict[str, ScheduleListDescription]:
    """All of ours by id, in one question however many teams there are. A new one appears a moment late."""
    ours = (names.SCHEDULE_PREFIX, names.refresh_id(""), names.RECORDS_ID)
    found = [one async for one in await site.temporal.list_schedules()]
    return {one.id: one for one in found if one.id.startswith(ours)}


def _weekly(
    teams: Mapping[str, TeamConfig], there: Mapping[str, ScheduleListDescription] | None, viewer: Viewer
) -> list[ScheduleLine]:
    ours = names.SCHEDULE_PREFIX
    on_server = {id_.removeprefix(ours) for id_ in there or () if id_.startswith(ours)}
    in_files = {name for name, team in teams.items() if team.schedule}
    return [
        _line(names.schedule_id(name), name, teams.get(name), (there or {}).get(names.schedule_id(name)))
        for name in sorted(viewer.seen_of(on_server | in_files))
    ]


def _others(
    teams: Mapping[str, TeamConfig], there: Mapping[str, ScheduleListDescription], viewer: Viewer
) -> list[ScheduleLine]:
    """What keeps sources warm, and the records in order."""
    lines = []
    for id_, found in sorted(there.items()):
        team = id_.removeprefix(names.refresh_id("")) if id_.startswith(names.refresh_id("")) else ""
        is_other = bool(team) or id_ == names.RECORDS_ID
        if is_other and viewer.may_see(team):
            lines.append(_line(id_, team, teams.get(team), found))
    return lines


def _line(id_: str, team: str, settings: TeamConfig | None, found: ScheduleListDescription | None) -> ScheduleLine:
    values: dict[str, Any] = {"id": id_, "team": team, "timezone": settings.timezone if settings else "UTC"}
    if found is None or found.schedule is None or found.info is None:
        return ScheduleLine(
            **values, when=when_due(settings), is_paused=False, note="", upcoming=(), last_at=None, is_there=False
        )
    recent = found.info.recent_actions
    return ScheduleLine(
        **values,
        when=when_due(settings),
        is_paused=found.schedule.state.paused,
        note=found.schedule.state.note or "",
        upcoming=() if found.schedule.state.paused else tuple(found.info.next_action_times[:2]),
        last_at=recent[-1].scheduled_at if recent else None,
    )


def _past_weeks(team: TeamConfig, now: datetime) -> list[str]:
    """Those that can be made, the newest first."""
    last = last_week_ended_by(now, team.timezone)
    return list(reversed(list(weeks_between(iso_week_of((now - LOOK_BACK).date()), last))))
