"""Errors: alike ones together, how often on which day, and what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Final, NamedTuple
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Path, Query, Request
from starlette.responses import Response
from starlette.status import HTTP_404_NOT_FOUND

from dashboard.access import CurrentViewer, view
from dashboard.pages.paging import this_page
from dashboard.pages.windows import From, Until, Window, asked
from dashboard.site import CurrentSite, Site
from dashboard.spark import spark
from dashboard.templating import page
from devsync.domain.errors import ErrorCategory, ErrorSeverity
from devsync.domain.insight.span import Span
from devsync.storage.delivery_ends import DeliveryEnd, delivery_ends
from devsync.storage.error_list import Among, ErrorList, ErrorOrder
from devsync.storage.performance import Answers, Performance
from devsync.storage.recovery_list import RecoveryList
from devsync.storage.statistics import Attempts, Statistics

LINES: Final = 50
SAMPLES: Final = 200
"""Of one kind, that are looked at; the newest of them are shown."""
SHOWN_SAMPLES: Final = 20
SHOWN_RECOVERIES: Final = 10
SHOWN_TEAMS: Final = 20
FEWEST_DAYS: Final = 14
"""Of a chart."""


LONGEST_ANSWERS: Final = timedelta(days=7)
"""How soon a service answered is read from rows: as far back as the monitor looks at most."""


class Totals(NamedTuple):
    """What alerts count, of the time and the service that the page is about."""

    errors: int
    attempts: Attempts | None
    """None: the filters ask for kinds of errors, and an attempt is of no kind."""
    answers: Answers | None


Team = Annotated[str, Query(max_length=100)]

router = APIRouter()


@router.get("/errors")
@view
async def errors(
    request: Request,
    site: CurrentSite,
    viewer: CurrentViewer,
    window: Window = Window.WEEK,
    since: From = None,
    until: Until = None,
    team: Team = "",
    service: Annotated[str, Query(max_length=100)] = "",
    category: ErrorCategory | None = None,
    severity: ErrorSeverity | None = None,
    order: ErrorOrder = ErrorOrder.FREQUENT,
    number: Annotated[int, Query(alias="page", ge=1, le=1000)] = 1,
) -> Response:
    of = asked(window, since, until, datetime.now(UTC))
    span, teams = of.span, viewer.asked_for(team)
    among = Among(
        teams=None if teams is None else tuple(teams), service=service, category=category, severity=severity
    )  # fmt: skip
    records = ErrorList(site.database)
    found = await records.groups(span, among, order=order, offset=(number - 1) * LINES, limit=LINES + 1)
    lines, drawn = found[:LINES], _drawn(span)
    days = await records.daily(drawn, [one.fingerprint for one in lines], teams) if lines else {}
    return page(
        request, "errors.html", lines=lines, totals=await _totals(site, span, among), of=of,
        onward=urlencode(of.parameters | ({"team": team} if team else {})),
        sparks={one: spark(counts, drawn) for one, counts in days.items()},
        days=len(spark((), drawn).bars), window=window, windows=list(Window), team=team, service=service,
        category=category, categories=list(ErrorCategory), severity=severity, severities=list(ErrorSeverity),
        order=order, orders=list(ErrorOrder), is_filtered=bool(team or service or category or severity),
        before=this_page(request, page=number - 1) if number > 1 else "",
        more=this_page(request, page=number + 1) if len(found) > LINES else "",
    )  # fmt: skip


@router.get("/errors/{fingerprint}")
@view
async def kind(
    request: Request,
    site: CurrentSite,
    viewer: CurrentViewer,
    fingerprint: Annotated[str, Path(max_length=100)],
    window: Window = Window.QUARTER,
    since: From = None,
    until: Until = None,
    team: Team = "",
) -> Response:
    of = asked(window, since, until, datetime.now(UTC))
    span, teams = of.span, viewer.asked_for(team)
    among = Among(teams=None if teams is None else tuple(teams), fingerprint=fingerprint)
    records = ErrorList(site.database)
    groups = await records.groups(span, among, limit=LINES)
    if not groups:
        raise HTTPException(HTTP_404_NOT_FOUND, f"no such error is on record {of.words}")
    drawn = _drawn(span)
    its_time = Span(
        start=min(one.first_seen for one in groups), end=max(one.last_seen for one in groups) + timedelta(seconds=1)
    )
    samples = await records.samples(its_time, fingerprint, teams, limit=SAMPLES)
    ends = await delivery_ends(site.database, samples)
    return page(
        request, "error.html", one=max(groups, key=lambda one: one.last_seen), count=sum(one.count for one in groups),
        codes=sorted({one.code for one in groups if one.code}), its_time=its_time,
        severity=max((one.severity for one in groups), key=lambda one: one.rank),
        spark=spark((await records.daily(drawn, [fingerprint], teams)).get(fingerprint, ()), drawn),
        by_team=await records.by_team(span, fingerprint, teams, limit=SHOWN_TEAMS),
        samples=list(zip(samples, ends, strict=True))[:SHOWN_SAMPLES], looked_at=len(samples),
        deliveries=_by_end(ends),
        retried=sum(one.was_healed_by_retry for one in samples),
        recoveries=await RecoveryList(site.database).of_errors(its_time, fingerprint, teams, limit=SHOWN_RECOVERIES),
        of=of, window=window, windows=list(Window), team=team,
    )  # fmt: skip


async def _totals(site: Site, span: Span, among: Among) -> Totals:
    errors = await ErrorList(site.database).total(span, among)
    if among.category or among.severity:
        return Totals(errors, None, None)
    attempts = await Statistics(site.database).attempts(span, teams=among.teams, service=among.service)
    # Calls are told of all teams, as alerts count them.
    is_told = among.service and among.teams is None and span.length <= LONGEST_ANSWERS
    answers = await Performance(site.database).answers(span, service=among.service) if is_told else {}
    return Totals(errors, attempts, answers.get(among.service))


def _by_end(ends: Iterable[DeliveryEnd | None]) -> list[tuple[str, int]]:
    """How many deliveries came to what, the most frequent first; each once, by its latest error."""
    latest: dict[object, str] = {}
    for end in ends:
        if end is not None:
            latest.setdefault(end.key, end.words)
    return Counter(latest.values()).most_common()


def _drawn(span: Span) -> Span:
    """Whole days, and enough of them for a chart."""
    first = min(span.start, span.end - timedelta(days=FEWEST_DAYS - 1))
    return Span(start=datetime.combine(first.date(), time(), UTC), end=span.end)
