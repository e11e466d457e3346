"""The application: routes behind their rules, headers on every answer, and pages for what goes wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import RedirectResponse, Response
from starlette.status import (
    HTTP_303_SEE_OTHER,
    HTTP_401_UNAUTHORIZED,
    HTTP_422_UNPROCESSABLE_CONTENT,
    HTTP_500_INTERNAL_SERVER_ERROR,
    HTTP_503_SERVICE_UNAVAILABLE,
)
from temporalio.service import RPCError

from dashboard import alive, codec, sign_in
from dashboard.access import SAFE_METHODS, SignInFirst, enforce
from dashboard.files import Files
from dashboard.headers import SecurityHeaders, add_headers
from dashboard.pages import (
    alerts,
    approvals,
    audit,
    breakers,
    deliveries,
    editions,
    errors,
    escalations,
    feeds,
    insight,
    overview,
    recoveries,
    runs,
    schedules,
)
from dashboard.site import Site
from dashboard.slack import interactions
from dashboard.templating import STATIC, page
from devsync.domain.spelling import sentence
from devsync.runtime.payload_codec import KeyMissing, unreadable
from devsync.settings.model_errors import in_words
from devsync.storage.connection import DatabaseUnavailable, NotMigrated

PAGES = (
    overview, editions, runs, recoveries, errors, audit,
    escalations, approvals, breakers, deliveries, alerts, schedules, insight,
)  # fmt: skip
OTHERS = (sign_in, interactions, feeds, codec, alive)
"""What stands in no navigation."""
MOST_BYTES = 1_000_000
"""Of a request, where its route does not say otherwise: a form is a few lines."""


def create_app(site: Site, *, hosts: list[str], secure: bool) -> FastAPI:
    """`hosts`: names by which browsers reach it, or any by `*`; `secure`: by TLS, so that cookies need it."""
    app = FastAPI(
        dependencies=[Depends(enforce)], docs_url=None, redoc_url=None, openapi_url=None, max_body_size=MOST_BYTES
    )
    app.state.site = site
    for routes in (*OTHERS, *PAGES):
        app.include_router(routes.router)
    app.mount("/static", Files(directory=STATIC), name="static")
    app.add_exception_handler(SignInFirst, _sign_in_first)
    app.exception_handler(HTTPException)(_refused)
    app.exception_handler(RequestValidationError)(_not_understood)
    for unavailable in (DatabaseUnavailable, NotMigrated):
        app.add_exception_handler(unavailable, _database_away)
    app.add_middleware(codec.CodecOrigin, web_ui=site.web_ui)
    app.add_exception_handler(RPCError, _temporal_away)
    app.exception_handler(KeyMissing)(_sealed)

    @app.exception_handler(Exception)
    async def broken(request: Request, _: Exception) -> Response:
        """Of our own. The server logs it; its answer is sent past every middleware."""
        answer = _broken(request)
        add_headers(answer.headers, secure=secure)
        return answer

    app.add_middleware(GZipMiddleware, minimum_size=1_000)
    app.add_middleware(SecurityHeaders, secure=secure)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=hosts)
    return app


async def _sign_in_first(request: Request, _: Exception) -> Response:
    then = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
    to = f"{sign_in.PATH}?then={quote(then)}" if request.method in SAFE_METHODS else sign_in.PATH
    if "hx-request" in request.headers:  # htmx would put the page into a part of the old one
        return Response(status_code=HTTP_401_UNAUTHORIZED, headers={"HX-Redirect": to})
    return RedirectResponse(to, HTTP_303_SEE_OTHER)


async def _refused(request: Request, error: HTTPException) -> Response:
    return page(
        request, "problem.html", code=error.status_code, title=_TITLES.get(error.status_code, "That did not work"),
        detail=error.detail,
    )  # fmt: skip


async def _not_understood(request: Request, error: RequestValidationError) -> Response:
    detail = "; ".join(f"{'.'.join(map(str, one['loc'][1:]))}: {in_words(one)}" for one in error.errors())
    return page(
        request, "problem.html", code=HTTP_422_UNPROCESSABLE_CONTENT, title="The address or the form is wrong",
        detail=detail,
    )  # fmt: skip


async def _temporal_away(request: Request, error: Exception) -> Response:
    return _away(request, "Temporal does not answer just now", str(error))


async def _sealed(request: Request, error: KeyMissing) -> Response:
    return _away(request, "A key is missing here", unreadable(error))


async def _database_away(request: Request, error: Exception) -> Response:
    return _away(request, "The records cannot be read just now", str(error))


def _broken(request: Request) -> Response:
    """Without the reason, which may tell strangers too much; with the time, by which it is found in the log."""
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC"
    then = "" if request.method in SAFE_METHODS else " Perhaps it was done, perhaps not: look, then try again."
    return page(
        request, "problem.html", code=HTTP_500_INTERNAL_SERVER_ERROR, title="Something broke here",
        detail=f"It was not your doing. The dashboard's log says why, at {when}.{then}",
    )  # fmt: skip


def _away(request: Request, title: str, why: str) -> Response:
    """A page that was only to be shown asks again. What was to be done is not done twice unasked."""
    is_shown = request.method in SAFE_METHODS
    then = "This page tries again by itself." if is_shown else "Perhaps it was done, perhaps not: look, then try again."
    return page(
        request, "problem.html", code=HTTP_503_SERVICE_UNAVAILABLE, title=title, detail=f"{sentence(why)}. {then}",
        again=is_shown,
    )  # fmt: skip


_TITLES = {403: "You may not do that", 404: "There is no such page", 405: "There is no such page"}
