"""The JIRA Data Center stand-in: REST v2 with a personal access token, paged by `startAt`, from a world.

What it does to strangers was measured by others on real servers (9.x and 10.3): a bearer token that it cannot resolve
is no failed login but nobody, so `myself` answers 401 and a search answers for the anonymous user; a wrong password
is a failed login, answered by the HTML page of the login, and a few of them in a row by a CAPTCHA.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from aiohttp import web

from sandbox.jira import agile, catalogue, jql
from sandbox.jira.browse import issue_pages
from sandbox.jira.data_center_search import SearchRequest, from_body, from_query
from sandbox.jira.data_center_shapes import BODY_FIELDS, FIELDS, DataCenterShapes
from sandbox.jira.errors import UNAUTHENTICATED, JiraError, container_response
from sandbox.jira.shapes import selected
from sandbox.jira.site import SITE, JiraSite, base_url, errors, field_names, projects_by_key
from sandbox.service import Clock, Credentials
from sandbox.world import Issue, Person, World

VERSION: Final = (9, 12, 22)
SERVER_TIMEZONE: Final = "America/Los_Angeles"
"""Times in answers are in the server's zone, dates in JQL in the user's: a client that mixes them up is found out."""
LOGINS_BEFORE_CAPTCHA: Final = 3
SERVER_INFO: Final = "/rest/api/2/serverInfo"
OPEN_TO_ANONYMOUS: Final = frozenset({"/rest/api/2/search", "/rest/api/2/project", "/rest/api/2/field"})
"""Answered to a stranger as to the anonymous user, who sees no project here."""

IS_KNOWN: Final = web.RequestKey("is_known", bool)
"""Whether a request came with a good token."""


@dataclass(slots=True)
class DataCenterSite(JiraSite):
    max_results: int = 1000
    """`jira.search.views.default.max`: what is asked beyond it is cut without a word."""
    failed_logins: int = 0

    def shapes(self, request: web.Request) -> DataCenterShapes:
        return DataCenterShapes(self.world, base_url(request), ZoneInfo(SERVER_TIMEZONE), self.timezone)

    @property
    def user(self) -> Person:
        return Person("DevSync Sandbox", "devsync", self.credentials.jira_email)


def build_app(world: World, credentials: Credentials, clock: Clock, *, timezone: str = "UTC") -> web.Application:
    """The application; `app[SITE]` is its state. `timezone` is the API user's, an IANA name."""
    app = web.Application(middlewares=[issue_pages(_site), errors, _authentication])
    app[SITE] = DataCenterSite(world, credentials, clock, timezone)
    app.add_routes(
        [
            web.get(SERVER_INFO, server_info),
            web.get("/rest/api/2/myself", myself),
            web.get("/rest/api/2/field", fields),
            web.get("/rest/api/2/search", search_by_query),
            web.post("/rest/api/2/search", search_by_body),
            web.get("/rest/api/2/issue/{key}", issue),
            web.get("/rest/api/2/project", projects),
            web.get("/rest/api/2/project/{key}", project),
            *agile.routes(),
        ]
    )
    return app


@web.middleware
async def _authentication(request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
    site = _site(request)
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        return _refused_login(request, site)
    is_known = scheme.lower() == "bearer" and hmac.compare_digest(token.encode(), site.credentials.jira_pat.encode())
    request[IS_KNOWN] = is_known
    is_open = request.path in OPEN_TO_ANONYMOUS or request.path.startswith("/rest/api/2/project/")
    response: web.StreamResponse
    if is_known or is_open or (request.path == SERVER_INFO and not scheme):
        response = await handler(request)
    else:
        realm = quote(base_url(request), safe="")
        response = container_response(401, UNAUTHENTICATED, {"WWW-Authenticate": f'OAuth realm="{realm}"'})
    response.headers["X-AUSERNAME"] = quote(site.user.login) if is_known else "anonymous"
    return response


def _refused_login(request: web.Request, site: DataCenterSite) -> web.Response:
    """The sandbox's account has no password: whoever comes with one has the wrong one."""
    site.failed_logins += 1
    status, reason, headers = 401, "AUTHENTICATED_FAILED", {"WWW-Authenticate": 'Basic realm="protected-area"'}
    if site.failed_logins > LOGINS_BEFORE_CAPTCHA:
        login = f"{base_url(request)}/login.jsp"
        status, reason = 403, "AUTHENTICATION_DENIED"
        headers = {"X-Authentication-Denied-Reason": f"CAPTCHA_CHALLENGE; login-url={login}"}
    title = "Unauthorized (401)" if status == 401 else "Forbidden (403)"
    page = (
        f"<html><head><title>{title}</title></head><body><h1>Encountered a <code>{title}</code> error.</h1>"
        f"<p>Basic Authentication Failure - Reason : {reason}</p></body></html>"
    )
    headers |= {"X-Seraph-LoginReason": reason, "X-AUSERNAME": "anonymous"}
    return web.Response(status=status, text=page, content_type="text/html", headers=headers)


def _site(request: web.Request) -> DataCenterSite:
    site = request.app[SITE]
    assert isinstance(site, DataCenterSite)
    return site


def _visible(request: web.Request) -> World:
    return _site(request).world if request[IS_KNOWN] else World()


async def server_info(request: web.Request) -> web.Response:
    site = _site(request)
    shapes = site.shapes(request)
    build = VERSION[0] * 1_000_000 + VERSION[1] * 10_000 + VERSION[2]
    return web.json_response(
        {
            "baseUrl": shapes.base_url,
            "version": ".".join(str(number) for number in VERSION),
            "versionNumbers": VERSION,
            # The word of Data Center, too: it tells no licence.
            "deploymentType": "Server",
            "buildNumber": build,
            "buildDate": "2026-03-02T00:00:00.000-0800",
            "databaseBuildNumber": build,
            "serverTime": shapes.time(site.clock()),
            "scmInfo": "0" * 40,
            "serverTitle": "Jira",
        }
    )


async def myself(request: web.Request) -> web.Response:
    site = _site(request)
    body = site.shapes(request).user(site.user) | {
        "deleted": False,
        "locale": "en_US",
        "groups": {"size": 1, "items": []},
        "applicationRoles": {"size": 1, "items": []},
        "expand": "groups,applicationRoles",
    }
    return web.json_response(body)


async def fields(_: web.Request) -> web.Response:
    return web.json_response([field.wire() for field in FIELDS])


async def search_by_query(request: web.Request) -> web.Response:
    return _search(request, from_query(request))


async def search_by_body(request: web.Request) -> web.Response:
    return _search(request, await from_body(request))


def _search(request: web.Request, asked: SearchRequest) -> web.Response:
    site = _site(request)
    place = jql.Site(_visible(request), ZoneInfo(site.timezone), site.clock(), site.account_id)
    found, warnings = jql.answer(asked.jql, place, is_strict=asked.validate)
    size = site.max_results if asked.max_results < 0 else min(asked.max_results, site.max_results)
    shapes, shown = site.shapes(request), selected(asked.fields, BODY_FIELDS)
    with_changelog = "changelog" in asked.expand
    rows = found[asked.start_at : asked.start_at + size]
    body: dict[str, Any] = {
        "expand": "schema,names",
        "startAt": asked.start_at,
        "maxResults": size,
        "total": len(found),
        "issues": [shapes.issue(one, shown, with_changelog=with_changelog) for one in rows],
    }
    if warnings:
        body["warningMessages"] = warnings
    if "names" in asked.expand:
        body["names"] = {field.id: field.name for field in FIELDS if field.id in shown}
    return web.json_response(body)


async def issue(request: web.Request) -> web.Response:
    found: Issue | None = catalogue.find_issue(_visible(request), request.match_info["key"])
    if found is None:
        raise JiraError(404, "Issue Does Not Exist")
    with_changelog = "changelog" in request.query.get("expand", "").split(",")
    shown = selected(field_names(request), BODY_FIELDS)
    return web.json_response(_site(request).shapes(request).issue(found, shown, with_changelog=with_changelog))


async def projects(request: web.Request) -> web.Response:
    """A bare list, without pages."""
    shapes = _site(request).shapes(request)
    return web.json_response([shapes.project(one) for one in projects_by_key(_visible(request))])


async def project(request: web.Request) -> web.Response:
    key = request.match_info["key"]
    for one in projects_by_key(_visible(request)):
        if key.upper() == one.key or key == str(one.id):
            return web.json_response(_site(request).shapes(request).project_details(one))
    what = f"id '{key}'" if key.isdecimal() else f"key '{key}'"
    raise JiraError(404, f"No project could be found with {what}.")
