"""Editions: all of them, and each as its channels show it, with gaps, revisions and where every item came from."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, HTTPException, Query, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.status import HTTP_303_SEE_OTHER, HTTP_404_NOT_FOUND

from dashboard.access import CurrentViewer, view
from dashboard.headers import MAIL_POLICY
from dashboard.links import run_page
from dashboard.pages.paging import Cursor, next_page
from dashboard.site import CurrentSite, Site
from dashboard.slack_preview import slack_messages
from dashboard.templating import page
from devsync.contracts.edition import EditionStatus
from devsync.contracts.names import edition_id
from devsync.domain.changelog.edition import Edition, gaps_by_reason
from devsync.domain.changelog.item_changes import ItemChanges, item_changes
from devsync.domain.changelog.window import IsoWeek
from devsync.rendering.wording import SECTION_WORDS
from devsync.storage.artifacts import ArtifactMissing
from devsync.storage.edition_list import EditionLine, EditionList
from devsync.storage.editions import EditionRecord, Editions

LINES: Final = 50

router = APIRouter()


@router.get("/editions")
@view
async def editions(
    request: Request,
    site: CurrentSite,
    viewer: CurrentViewer,
    team: Annotated[str, Query(max_length=100)] = "",
    week: IsoWeek | None = None,
    status: EditionStatus | None = None,
    after: Annotated[str, Query(max_length=200)] = "",
) -> Response:
    lines = await EditionList(site.database).newest(
        teams=viewer.asked_for(team),
        iso_weeks=None if week is None else (week,),
        status=status,
        after=Cursor.read(after),
        limit=LINES + 1,
    )
    return page(
        request, "editions.html", lines=lines[:LINES], team=team, week=week or "", status=status,
        statuses=list(EditionStatus), more=next_page(request, lines, LINES),
        feed=site.feeds.path(team) if team and viewer.may_see(team) else "",
    )  # fmt: skip


@router.get("/teams/{team}/editions/{week}")
@view
async def edition(request: Request, site: CurrentSite, team: str, week: str, revision: int | None = None) -> Response:
    records = Editions(site.database)
    revisions = await EditionList(site.database).revisions(team, week)
    record = await (records.latest(team, week) if revision is None else records.revision(team, week, revision))
    if record is None:
        if revision is None and (await site.runs.now(team, week)).open is not None:
            return RedirectResponse(run_page(edition_id(team, week)), HTTP_303_SEE_OTHER)  # a message is out already
        raise HTTPException(HTTP_404_NOT_FOUND, f"{team} has no such edition of {week}")
    content = await _content(site, record)
    return page(
        request, "edition.html", record=record, edition=content, revisions=revisions, section_words=SECTION_WORDS,
        channels=(await EditionList(site.database).channels_of(team, week)),
        changes=await _changes(site, record, revisions, content),
        gaps=gaps_by_reason(record.gaps), feed=site.feeds.path(team),
    )  # fmt: skip


@router.get("/teams/{team}/editions/{week}/{revision}/slack")
@view
async def as_slack(request: Request, site: CurrentSite, team: str, week: str, revision: int) -> Response:
    rendering = await _rendering(site, team, week, revision, "slack")
    return page(request, "as_slack.html", messages=slack_messages(rendering))


@router.get("/teams/{team}/editions/{week}/{revision}/mail")
@view
async def as_mail(site: CurrentSite, team: str, week: str, revision: int) -> Response:
    rendering = await _rendering(site, team, week, revision, "html")
    return HTMLResponse(rendering, headers={"Content-Security-Policy": MAIL_POLICY})


@router.get("/teams/{team}/editions/{week}/{revision}/{form}.txt")
@view
async def as_text(site: CurrentSite, team: str, week: str, revision: int, form: str) -> Response:
    return PlainTextResponse(await _rendering(site, team, week, revision, form))


async def _content(site: Site, record: EditionRecord) -> Edition | None:
    """None where retention has removed it, or it was never stored."""
    if record.edition is None:
        return None
    try:
        return Edition.model_validate_json(await site.artifacts.get(record.edition))
    except ArtifactMissing:
        return None


async def _changes(
    site: Site, record: EditionRecord, revisions: list[EditionLine], content: Edition | None
) -> ItemChanges | None:
    """Since the revision before; None where there is none to hold it against."""
    earlier = [line.revision for line in revisions if line.revision < record.revision]
    if content is None or not earlier:
        return None
    before = await Editions(site.database).revision(record.team, record.iso_week, earlier[0])
    old = await _content(site, before) if before else None
    return item_changes(old, content) if old else None


async def _rendering(site: Site, team: str, week: str, revision: int, form: str) -> bytes:
    record = await Editions(site.database).revision(team, week, revision)
    reference = record.renderings.get(form) if record else None
    if reference is None:
        raise HTTPException(HTTP_404_NOT_FOUND, "there is no such rendering")
    try:
        return await site.artifacts.get(reference)
    except ArtifactMissing as error:
        raise HTTPException(
            HTTP_404_NOT_FOUND, "it was kept as long as config/records.yaml says, and is gone"
        ) from error
