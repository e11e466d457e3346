"""Which rule each route has, and that no route goes without one.

A route says who may use it by a decorator; `enforce` stands before all of them and refuses what says nothing. The team
in a route's path is looked at here, once for all pages: who may not see it is told that it does not exist.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from enum import Enum
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from fastapi import Depends, HTTPException, Request
from starlette.status import HTTP_401_UNAUTHORIZED, HTTP_403_FORBIDDEN, HTTP_404_NOT_FOUND

from dashboard.sessions import Session, session_of
from dashboard.viewer import ANYBODY, Viewer, person_with_token, viewer_of
from devsync.settings.dashboard import DashboardSettings

F = TypeVar("F", bound=Callable[..., Any])

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf"
TEAM = "team"
"""The name of a team in every path."""


class Rule(Enum):
    PUBLIC = "anybody"
    SIGNED = "whoever signs the request, which the route itself checks"
    PARTY = "whoever is signed in; the route itself looks whether they have a part in what it is about"
    VIEW = "whoever may see the team, or any"
    OPERATE = "whoever may operate the team; without a team in its path, every team"
    CODEC_DECODE = "whoever may see every team, from the Web UI's pages or with a token of their own"
    CODEC_ENCODE = "whoever may operate every team, likewise"


class SignInFirst(Exception):
    """Nobody is signed in, and the page is not for anybody."""


def public(endpoint: F) -> F:
    return _with_rule(endpoint, Rule.PUBLIC)


def signed(endpoint: F) -> F:
    return _with_rule(endpoint, Rule.SIGNED)


def party(endpoint: F) -> F:
    return _with_rule(endpoint, Rule.PARTY)


def view(endpoint: F) -> F:
    return _with_rule(endpoint, Rule.VIEW)


def operate(endpoint: F) -> F:
    return _with_rule(endpoint, Rule.OPERATE)


def codec_decode(endpoint: F) -> F:
    return _with_rule(endpoint, Rule.CODEC_DECODE)


def codec_encode(endpoint: F) -> F:
    return _with_rule(endpoint, Rule.CODEC_ENCODE)


def _with_rule(endpoint: F, rule: Rule) -> F:
    endpoint.__rule__ = rule  # type: ignore[attr-defined]
    return endpoint


def rule_of(endpoint: object) -> Rule | None:
    rule = getattr(endpoint, "__rule__", None)
    return rule if isinstance(rule, Rule) else None


async def enforce(request: Request) -> None:
    """Before every route; what people see is then by the configuration of now. Raises SignInFirst, or HTTPException 403
    and 404."""
    rule = rule_of(request.scope["endpoint"])
    if rule is None:
        raise HTTPException(HTTP_403_FORBIDDEN, "nobody has said who may use this")
    if rule is Rule.SIGNED:
        return
    if rule in {Rule.CODEC_DECODE, Rule.CODEC_ENCODE}:
        _may_use_the_codec(request, rule)
        return
    session = session_of(request)
    if request.method not in SAFE_METHODS:
        await _came_from_our_page(request, session)
    if rule is Rule.PUBLIC:
        return
    viewer = viewer_at(request)
    if viewer is None:
        raise SignInFirst
    team: str | None = request.path_params.get(TEAM)
    if team is not None and not viewer.may_see(team):
        raise HTTPException(HTTP_404_NOT_FOUND, f"there is no team {team!r}")
    if rule is Rule.OPERATE:
        may = viewer.may_operate(team) if team is not None else viewer.operates_every_team
        if not may:
            raise HTTPException(HTTP_403_FORBIDDEN, f"{viewer.name} may look, and do nothing here")
    request.state.viewer = viewer
    await request.app.state.site.configuration.now()


def viewer_at(request: Request) -> Viewer | None:
    """Who looks; None: nobody who may look at anything."""
    settings: DashboardSettings = request.app.state.site.settings
    session = session_of(request)
    if settings.is_open:
        return ANYBODY
    return viewer_of(settings, session.name, session.groups) if session.name else None


def _may_use_the_codec(request: Request, rule: Rule) -> None:
    """A payload does not say whose it is. Our page's token is not asked for, since nothing changes here and other
    sites' pages are refused, whose requests a browser would send without asking first."""
    origin = request.headers.get("origin")
    if origin is not None and origin != origin_of(request.app.state.site.web_ui):
        raise HTTPException(HTTP_403_FORBIDDEN, "the request came from another site than Temporal's Web UI")
    viewer = viewer_at(request) or _bearer(request)
    if viewer is None:
        raise HTTPException(HTTP_401_UNAUTHORIZED, "sign in at the dashboard in this browser first")
    may = viewer.sees_every_team if rule is Rule.CODEC_DECODE else viewer.operates_every_team
    if not may:
        raise HTTPException(HTTP_403_FORBIDDEN, f"{viewer.name} may not see every team, and a payload may be any's")


def _bearer(request: Request) -> Viewer | None:
    """Of the CLI (`--codec-auth "Bearer …"`). The Web UI may send its own provider's token, which says nothing here."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    settings: DashboardSettings = request.app.state.site.settings
    person = person_with_token(settings, token.strip()) if scheme.casefold() == "bearer" else None
    return viewer_of(settings, person.name) if person else None


def origin_of(address: str) -> str:
    """As a browser writes it in `Origin`; empty of an empty one."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if address else ""


async def _came_from_our_page(request: Request, session: Session) -> None:
    """Two locks: browsers say which site a request comes from, and only our pages know the session's token."""
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise HTTPException(HTTP_403_FORBIDDEN, "the request came from another site")
    given = request.headers.get(CSRF_HEADER) or (await request.form()).get(CSRF_FIELD)
    if not isinstance(given, str) or not hmac.compare_digest(given, session.csrf):
        raise HTTPException(HTTP_403_FORBIDDEN, "the page is older than your session; load it again")


def _signed_in(request: Request) -> Viewer:
    viewer: Viewer = request.state.viewer
    return viewer


CurrentViewer = Annotated[Viewer, Depends(_signed_in)]
"""For routes with PARTY, VIEW and OPERATE."""
