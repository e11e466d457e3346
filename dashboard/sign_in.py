"""Signing in by a token or by the OpenID provider, and out."""

from __future__ import annotations

import logging
import time
from typing import Annotated, Final

from fastapi import APIRouter, Form, HTTPException, Request
from starlette.responses import RedirectResponse, Response
from starlette.status import (
    HTTP_200_OK,
    HTTP_303_SEE_OTHER,
    HTTP_401_UNAUTHORIZED,
    HTTP_403_FORBIDDEN,
    HTTP_404_NOT_FOUND,
    HTTP_429_TOO_MANY_REQUESTS,
    HTTP_502_BAD_GATEWAY,
)

from dashboard.access import public
from dashboard.openid import Identity, OpenId, OpenIdAway, OpenIdRefused
from dashboard.sessions import Session, new_session
from dashboard.site import CurrentSite, Site
from dashboard.templating import page
from dashboard.viewer import person_with_token, viewer_of
from devsync.settings.dashboard import OPENID_CALLBACK, DashboardSettings

PATH: Final = "/sign-in"
SIGNED_OUT: Final = f"{PATH}?out=1"
_LONGEST_PATH: Final = 1_000

_log = logging.getLogger("devsync.dashboard")

router = APIRouter()


def inner_path(path: str) -> str:
    """Where to go on: only a path of ours, whatever stands in the address; and short, since a cookie holds 4 KB."""
    is_ours = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if is_ours and path.isprintable() and len(path) <= _LONGEST_PATH else "/"


@router.get(PATH)
@public
async def sign_in_page(request: Request, then: str = "/", out: bool = False) -> Response:
    return _shown(request, then, is_out=out)


@router.post(PATH)
@public
async def sign_in(
    request: Request,
    site: CurrentSite,
    token: Annotated[str, Form(max_length=200)],
    then: Annotated[str, Form(max_length=2_000)] = "/",
) -> Response:
    address = request.client.host if request.client else ""
    now = time.monotonic()
    if wait := site.attempts.wait_seconds(address, now):
        problem = f"Too many attempts. Try again in {round(wait / 60) or 1} min."
        answer = _shown(request, then, problem, HTTP_429_TOO_MANY_REQUESTS)
        answer.headers["Retry-After"] = str(int(wait) + 1)
        return answer
    person = person_with_token(site.settings, token.strip())
    if person is None:
        site.attempts.failed(address, now)
        return _shown(request, then, "Nobody has this token.", HTTP_401_UNAUTHORIZED)
    site.attempts.succeeded(address)
    return _signed_in(site, new_session().model_copy(update={"name": person.name}), then)


@router.get(f"{PATH}/openid")
@public
async def leave_for_the_provider(request: Request, site: CurrentSite, then: str = "/") -> Response:
    """A link, not a form: the content policy lets forms lead to us alone."""
    provider = _provider(site)
    try:
        address, journey = await provider.begin(inner_path(then))
    except OpenIdAway as error:
        return _away(request, then, error)
    onward = RedirectResponse(address, HTTP_303_SEE_OTHER)
    provider.remember(journey, onward)
    return onward


@router.get(OPENID_CALLBACK)
@public
async def back_from_the_provider(request: Request, site: CurrentSite) -> Response:
    provider = _provider(site)
    answer = await _signed_in_by(request, site, provider)
    provider.forget(answer)
    return answer


async def _signed_in_by(request: Request, site: Site, provider: OpenId) -> Response:
    journey = provider.remembered(request)
    if journey is None:
        return _shown(
            request, "/", "Nobody began this sign-in here, or too long ago. Begin again.", HTTP_401_UNAUTHORIZED
        )
    settings = site.settings
    try:
        identity = await provider.identity(journey, request.query_params, settings.groups_claim)
    except OpenIdRefused as error:
        return _shown(request, journey.then, str(error), HTTP_401_UNAUTHORIZED)
    except OpenIdAway as error:
        return _away(request, journey.then, error)
    session = session_for(settings, identity)
    if session is None:
        problem = f"{identity.email} may not look at this. Whoever runs it can add you to dashboard.yaml."
        return _shown(request, journey.then, problem, HTTP_403_FORBIDDEN)
    return _signed_in(site, session, journey.then)


def session_for(settings: DashboardSettings, identity: Identity) -> Session | None:
    """None: the settings know neither the address nor one of the groups."""
    person = settings.person_with_email(identity.email)
    name = person.name if person else identity.email.casefold()
    # Only those that say something: some providers name hundreds, and a cookie holds 4 KB.
    groups = tuple(sorted({one.group for one in settings.groups} & identity.groups))
    if viewer_of(settings, name, groups) is None:
        return None
    return new_session().model_copy(update={"name": name, "groups": groups})


@router.post("/sign-out")
@public
async def sign_out(site: CurrentSite) -> Response:
    answer = RedirectResponse(SIGNED_OUT, HTTP_303_SEE_OTHER)
    answer.delete_cookie(site.sessions.cookie, path="/", secure=site.sessions.is_secure, httponly=True)
    return answer


@router.get("/sign-out/openid")
@public
async def sign_out_at_the_provider(request: Request, site: CurrentSite) -> Response:
    """Else the next one at this browser is signed in by a click."""
    try:
        address = await _provider(site).sign_out_url(PATH)
    except OpenIdAway as error:
        return _away(request, "/", error)
    return RedirectResponse(address or PATH, HTTP_303_SEE_OTHER)


def _provider(site: Site) -> OpenId:
    if site.openid is None:
        raise HTTPException(HTTP_404_NOT_FOUND, "no OpenID provider is set (OIDC_ISSUER)")
    return site.openid


def _signed_in(site: Site, session: Session, then: str) -> Response:
    """A session of its own: one that somebody had put into the browser before is worth nothing."""
    onward = RedirectResponse(inner_path(then), HTTP_303_SEE_OTHER)
    site.sessions.write(session, onward)
    return onward


def _away(request: Request, then: str, error: OpenIdAway) -> Response:
    _log.error("signing in: %s", error)
    return _shown(request, then, f"Signing in does not work just now: {error}.", HTTP_502_BAD_GATEWAY)


def _shown(
    request: Request, then: str, problem: str = "", code: int = HTTP_200_OK, *, is_out: bool = False
) -> Response:
    site: Site = request.app.state.site
    return page(
        request,
        "sign_in.html",
        code=code,
        then=inner_path(then),
        problem=problem,
        is_out=is_out,
        has_provider=site.openid is not None,
        takes_tokens=any(person.token_sha256 for person in site.settings.people),
    )
