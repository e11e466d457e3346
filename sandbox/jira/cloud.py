"""The JIRA Cloud stand-in: routes, authentication and paging of REST v3 and the agile API, from a world."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable
from typing import Any, Final

from aiohttp import web

from sandbox.jira import agile, catalogue, search
from sandbox.jira.browse import issue_pages
from sandbox.jira.errors import (
    BAD_PAYLOAD,
    ISSUE_NOT_FOUND,
    SEARCH_REMOVED,
    UNAUTHENTICATED,
    JiraError,
    container_response,
)
from sandbox.jira.fields import FIELDS
from sandbox.jira.shapes import selected
from sandbox.jira.site import SITE, JiraSite, base_url, errors, field_names, page, projects_by_key
from sandbox.service import Clock, Credentials
from sandbox.world import Issue, Person, World

VERSION: Final = (1001, 0, 0)
"""What every Cloud site answers: it tells the deployment type, no release."""
OPEN_TO_ALL: Final = frozenset({"/rest/api/2/serverInfo", "/rest/api/3/serverInfo"})
SEARCH: Final = "/rest/api/3/search/jql"


def build_app(world: World, credentials: Credentials, clock: Clock, *, timezone: str = "UTC") -> web.Application:
    """The application; `app[SITE]` is its state. `timezone` is an IANA name."""
    app = web.Application(middlewares=[issue_pages(lambda request: request.app[SITE]), errors, _authentication])
    app[SITE] = JiraSite(world, credentials, clock, timezone)
    app.add_routes(
        [
            web.get("/rest/api/2/serverInfo", server_info),
            web.get("/rest/api/3/serverInfo", server_info),
            web.get("/rest/api/3/myself", myself),
            web.get("/rest/api/3/field", fields),
            web.get(SEARCH, search_by_query),
            web.post(SEARCH, search_by_body),
            web.post("/rest/api/3/search/approximate-count", approximate_count),
            web.route("*", "/rest/api/{version:[23]}/search", removed_search),
            web.get("/rest/api/3/issue/{key}", issue),
            web.get("/rest/api/3/issue/{key}/changelog", changelog),
            web.get("/rest/api/3/project", projects),
            web.get("/rest/api/3/project/search", project_search),
            web.get("/rest/api/3/project/{key}", project),
            *agile.routes(),
        ]
    )
    return app


@web.middleware
async def _authentication(request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
    """Cloud tells a stranger nothing, but does not always refuse: a search by a dead token is a 200 without issues.

    Atlassian: "JQL search REST API returns 200 OK without API token"; users of expired tokens report the same.
    """
    site = request.app[SITE]
    header = request.headers.get("Authorization")
    expected = f"{site.credentials.jira_email}:{site.credentials.jira_api_token}"
    is_known = header is not None and hmac.compare_digest(_basic(header).encode(), expected.encode())
    if not is_known and request.path == SEARCH:
        return web.json_response({"issues": [], "isLast": True})
    if not is_known and not (header is None and request.path in OPEN_TO_ALL):
        headers = {"WWW-Authenticate": f'OAuth realm="{base_url(request)}"'}
        if header is not None:
            headers["X-Seraph-LoginReason"] = "AUTHENTICATED_FAILED"
        return container_response(401, UNAUTHENTICATED, headers)
    response: web.StreamResponse = await handler(request)
    if is_known:
        response.headers["X-AACCOUNTID"] = site.account_id
    return response


def _basic(header: str) -> str:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(encoded).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""


async def server_info(request: web.Request) -> web.Response:
    site = request.app[SITE]
    shapes = site.shapes(request)
    return web.json_response(
        {
            "baseUrl": shapes.base_url,
            "displayUrl": shapes.base_url,
            "version": "1001.0.0-SNAPSHOT",
            "versionNumbers": VERSION,
            "deploymentType": "Cloud",
            "buildNumber": 100_300,
            "buildDate": "2026-11-02T00:00:00.000+0000",
            "serverTime": shapes.time(site.clock()),
            "scmInfo": "0" * 40,
            "serverTitle": "Jira",
            "serverTimeZone": site.timezone,
        }
    )


async def myself(request: web.Request) -> web.Response:
    site = request.app[SITE]
    user = Person("DevSync Sandbox", "sandbox", site.credentials.jira_email)
    body = site.shapes(request).user(user) | {"locale": "en_US", "expand": "groups,applicationRoles"}
    return web.json_response(body)


async def fields(_: web.Request) -> web.Response:
    return web.json_response([field.wire() for field in FIELDS])


async def search_by_query(request: web.Request) -> web.Response:
    return _search(request, search.from_query(request))


async def search_by_body(request: web.Request) -> web.Response:
    return _search(request, await search.from_body(request))


def _search(request: web.Request, asked: search.SearchRequest) -> web.Response:
    site = request.app[SITE]
    found, now = site.search(asked.jql), site.clock()
    start = search.read_token(asked.token, asked.jql, now) if asked.token else 0
    end = start + asked.page_size
    shapes, shown = site.shapes(request), selected(asked.fields)
    rows = []
    for one in found[start:end]:
        if asked.ids_only:
            row: dict[str, Any] = {"id": str(one.id)}
            if asked.keys_wanted:
                row |= {"key": one.key, "self": shapes.api(f"issue/{one.id}")}
        else:
            row = shapes.issue(one, shown, with_changelog="changelog" in asked.expand)
        rows.append(row)
    body: dict[str, Any] = {"issues": rows, "isLast": end >= len(found)}
    if end < len(found):
        body["nextPageToken"] = search.make_token(asked.jql, end, now)
    if "names" in asked.expand:
        body["names"] = {field.id: field.name for field in FIELDS if field.id in shown}
    return web.json_response(body)


async def approximate_count(request: web.Request) -> web.Response:
    body = await search.json_body(request)
    if set(body) - {"jql"} or not isinstance(body.get("jql", ""), str):
        raise JiraError(400, BAD_PAYLOAD)
    return web.json_response({"count": len(request.app[SITE].search(body.get("jql", "")))})


async def removed_search(_: web.Request) -> web.Response:
    raise JiraError(410, SEARCH_REMOVED)


def _issue(request: web.Request) -> Issue:
    found = catalogue.find_issue(request.app[SITE].world, request.match_info["key"])
    if found is None:
        raise JiraError(404, ISSUE_NOT_FOUND)
    return found


async def issue(request: web.Request) -> web.Response:
    found = _issue(request)
    with_changelog = "changelog" in request.query.get("expand", "").split(",")
    shapes = request.app[SITE].shapes(request)
    return web.json_response(shapes.issue(found, selected(field_names(request)), with_changelog=with_changelog))


async def changelog(request: web.Request) -> web.Response:
    histories = request.app[SITE].shapes(request).histories(_issue(request))
    return web.json_response(page(request, histories, default=100))


async def projects(request: web.Request) -> web.Response:
    shapes = request.app[SITE].shapes(request)
    return web.json_response([shapes.project(p) for p in projects_by_key(request.app[SITE].world)])


async def project_search(request: web.Request) -> web.Response:
    shapes = request.app[SITE].shapes(request)
    keys, words = request.query.getall("keys", []), request.query.get("query", "").casefold()
    found = [
        shapes.project(p)
        for p in projects_by_key(request.app[SITE].world)
        if (not keys or p.key in keys) and (words in p.key.casefold() or words in p.name.casefold())
    ]
    return web.json_response(page(request, found, default=50, most=100))


async def project(request: web.Request) -> web.Response:
    key = request.match_info["key"]
    for one in projects_by_key(request.app[SITE].world):
        if key.upper() == one.key or key == str(one.id):
            return web.json_response(request.app[SITE].shapes(request).project_details(one))
    what = f"id '{key}'" if key.isdecimal() else f"key '{key}'"
    raise JiraError(404, f"No project could be found with {what}.")
