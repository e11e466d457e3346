"""Templates: everything that goes into one is text from outside until it says otherwise."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

from dashboard.access import viewer_at
from dashboard.charts import quantity
from dashboard.links import run_page
from dashboard.run_picture import amending
from dashboard.sessions import session_of
from devsync.domain.breaker import BREAKER
from devsync.domain.dashboard_pages import alert_page, approval_page, delivery_page, edition_page, escalation_page
from devsync.domain.escalation.ending import ending
from devsync.domain.health.leads import leads_of
from devsync.domain.health.wording import counted_words, span_words
from devsync.domain.insight.counted import place
from devsync.domain.instants import apart, in_utc
from devsync.domain.recovery.builtin import told_state
from devsync.domain.spelling import sentence, service_name, spelled
from devsync.rendering.escalation_words import happened, meaning, reach, told_words, who
from devsync.rendering.escape import one_line, safe_url
from devsync.rendering.wording import counted, listed, what_stands_in, zone_word

_HERE: Final = Path(__file__).parent
STATIC: Final = _HERE / "static"


_ONE: Final = {timedelta(hours=1): "hour", timedelta(days=1): "day"}


class Place(NamedTuple):
    """A page in the navigation."""

    path: str
    title: str


PLACES: Final = (
    Place("/", "Overview"),
    Place("/editions", "Editions"),
    Place("/escalations", "Escalations"),
    Place("/recoveries", "Recoveries"),
    Place("/breakers", "Breakers"),
    Place("/deliveries", "Deliveries"),
    Place("/errors", "Errors"),
    Place("/alerts", "Alerts"),
    Place("/insight", "Insight"),
    Place("/schedules", "Schedules"),
    Place("/audit", "Audit"),
)


def page(request: Request, template: str, *, code: int = 200, **values: Any) -> HTMLResponse:
    """The page, for whoever looks."""
    viewer, session = viewer_at(request), session_of(request)
    sessions = request.app.state.site.sessions
    told = sessions.told(request)
    body = _ENVIRONMENT.get_template(template).render(
        viewer=viewer,
        is_open=request.app.state.site.settings.is_open,
        base=request.app.state.site.base,
        csrf=session.csrf,
        places=PLACES if viewer else (),
        path=request.url.path,
        told=told,
        now=datetime.now(UTC),
        zone_of=request.app.state.site.configuration.zone_of,
        **values,
    )
    answer = HTMLResponse(body, status_code=code)
    if request.state.is_new_session:
        sessions.write(session, answer)
    if told:
        sessions.forget_what_was_told(answer)
    return answer


def fragment(template: str, **values: Any) -> str:
    """A part of a page, to be put in the place of what it was."""
    return _ENVIRONMENT.get_template(template).render(**values)


def _finalize(value: Any) -> Any:
    """One clean line, as in the editions: controls and direction marks change nothing; jinja escapes it then."""
    return one_line(value) if type(value) is str else value


def moment(instant: datetime, zone: str = "UTC", form: str = "%Y-%m-%d %H:%M") -> Markup:
    """On the clocks of a team, whoever looks: `2026-11-23 09:00 CET`. What belongs to no team is told in UTC."""
    utc, local = instant.astimezone(UTC), instant.astimezone(ZoneInfo(zone))
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        utc.isoformat(), in_utc(utc), f"{local:{form}} {zone_word(local)}"
    )


def in_zone(instant: datetime, zone: str) -> Markup:
    """With the day of the week, for what comes once a week: `Mon 2026-11-23 09:00 CET`."""
    return moment(instant, zone, "%a %Y-%m-%d %H:%M")


def clocks(words: object, zone: str) -> Markup:
    """Words with instants in them, which were written for nobody's clocks: these are told as all others of the page."""
    parts = apart(one_line(str(words)))
    return Markup("").join(part if isinstance(part, str) else moment(part, zone) for part in parts)


def took(duration: timedelta | float) -> str:
    """`40 ms`, `0.3 s`, `12 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`."""
    seconds = duration.total_seconds() if isinstance(duration, timedelta) else duration
    if 0 < seconds < 0.1:
        return quantity(1000 * seconds, "ms")
    if seconds < 10:
        return f"{seconds:.1f} s"
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    left, words = round(seconds), []
    for name, size in units:
        if left >= size:
            words.append(f"{left // size} {name}")
            left %= size
    return " ".join(words[:2])


def lasting(length: timedelta) -> str:
    """What stands behind `the last`: `hour`, `30 min`, `day`, `7 days`."""
    if length in _ONE:
        return _ONE[length]
    return f"{length.days} days" if length == timedelta(days=length.days) and length.days > 1 else took(length)


def ago(duration: timedelta) -> str:
    """In minutes, so that what moves by itself does so once a minute: `just now`, `12 min ago`, `2 h 5 min ago`."""
    minutes = timedelta(minutes=duration // timedelta(minutes=1))
    return f"{took(minutes)} ago" if minutes > timedelta() else "just now"


def _static_url() -> Callable[[str], str]:
    """With a digest of the file: a browser keeps each for good, and gets a new one when it has changed."""
    digests = {
        path.relative_to(STATIC).as_posix(): sha256(path.read_bytes()).hexdigest()[:12]
        for path in STATIC.rglob("*")
        if path.is_file()
    }
    return lambda name: f"/static/{name}?{digests[name]}"


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        moment=moment,
        in_zone=in_zone,
        clocks=clocks,
        took=took,
        ago=ago,
        sentence=lambda words: sentence(str(words)),
        service_name=service_name,
        spelled=spelled,
        lasting=lasting,
        listed=listed,
        quantity=quantity,
        percent=lambda share: f"{100 * share:.0f} %",
        safe_url=safe_url,
    )
    environment.tests["standing_in"] = lambda gap: bool(what_stands_in(gap))
    environment.globals.update(
        static=_static_url(),
        counted=counted,
        place=place,
        run_page=run_page,
        amending=amending,
        alert_page=alert_page,
        approval_page=approval_page,
        delivery_page=delivery_page,
        edition_page=edition_page,
        counted_words=counted_words,
        leads_of=leads_of,
        span_words=span_words,
        escalation_page=escalation_page,
        told_state=told_state,
        breaker_itself=BREAKER,
        ending=ending,
        who=who,
        happened=happened,
        meaning=meaning,
        reach=reach,
        told_words=told_words,
    )
    return environment


_ENVIRONMENT: Final = _environment()
