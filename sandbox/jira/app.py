"""The JIRA Cloud stand-in: routes, authentication and paging of REST v3 and the agile API, from a world."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from aiohttp import web

from sandbox.jira import catalogue, jql, search
from sandbox.jira.errors import (
    BAD_PAYLOAD,
    ISSUE_NOT_FOUND,
    SEARCH_REMOVED,
    UNAUTHENTICATED,
    JiraError,
    container_response,
)
from sandbox.jira.fields import FIELDS
from sandbox.jira.shapes import Shapes, selected
from sandbox.service import Clock, Credentials
from sandbox.world import Board, Issue, Person, Project, Sprint, World

VERSION: Final = (1001, 0, 0)
"""What every Cloud site answers: it tells the deployment type, no release."""
OPEN_TO_ALL: Final = frozenset({"/rest/api/2/serverInfo", "/rest/api/3/serverInfo"})


@dataclass(slots=True)
class JiraSite:
    """One running site. `timezone` is that of the API user: set it, and JQL dates and every time follow."""

    world: World
    credentials: Credentials
    clock: Clock
    timezone: str = "UTC"

    @property
    def account_id(self) -> str:
        return catalogue.account_id(self.credentials.jira_email)

    def shapes(self, request: web.Request) -> Shapes:
        return Shapes(self.world, f"{request.scheme}://{request.host}", ZoneInfo(self.timezone))

    def search(self, text: str, *, allow_unbounded: bool = False) -> list[Issue]:
        asked = jql.Site(self.world, ZoneInfo(self.timezone), self.clock(), self.account_id)
        return jql.search(text, asked, allow_unbounded=allow_unbounded)


SITE: Final = web.AppKey("jira_site", JiraSite)


def build_app(world: World, credentials: Credentials, clock: Clock, *, timezone: str = "UTC") -> web.Application:
    """The application; `app[SITE]` is its state. `timezone` is an IANA name."""
    app = web.Application(middlewares=[_errors, _authentication])
    app[SITE] = JiraSite(world, credentials, clock, timezone)
    app.add_routes(
        [
            web.get("/rest/api/2/serverInfo", server_info),
            web.get("/rest/api/3/serverInfo", server_info),
            web.get("/rest/api/3/myself", myself),
            web.get("/rest/api/3/field", fields),
            web.get("/rest/api/3/search/jql", search_by_query),
            web.post("/rest/api/3/search/jql", search_by_body),
            web.post("/rest/api/3/search/approximate-count", approximate_count),
            web.route("*", "/rest/api/{version:[23]}/search", removed_search),
            web.get("/rest/api/3/issue/{key}", issue),
            web.get("/rest/api/3/issue/{key}/changelog", changelog),
            web.get("/rest/api/3/project", projects),
            web.get("/rest/api/3/project/search", project_search),
            web.get("/rest/api/3/project/{key}", project),
            web.get("/rest/agile/1.0/board", boards),
            web.get("/rest/agile/1.0/board/{id}", board),
            web.get("/rest/agile/1.0/board/{id}/sprint", board_sprints),
            web.get("/rest/agile/1.0/sprint/{id}", sprint),
            web.get("/rest/agile/1.0/sprint/{id}/issue", sprint_issues),
        ]
    )
    return app


@web.middleware
async def _errors(request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
    try:
        response: web.StreamResponse = await handler(request)
    except JiraError as error:
        return error.response()
    except web.HTTPNotFound:
        return container_response(404, f"null for uri: {request.url}")
    except web.HTTPMethodNotAllowed as error:
        return container_response(405, "HTTP 405 Method Not Allowed", {"Allow": error.headers["Allow"]})
    return response


@web.middleware
async def _authentication(request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
    site = request.app[SITE]
    header = request.headers.get("Authorization")
    expected = f"{site.credentials.jira_email}:{site.credentials.jira_api_token}"
    is_known = header is not None and hmac.compare_digest(_basic(header).encode(), expected.encode())
    if not is_known and not (header is None and request.path in OPEN_TO_ALL):
        headers = {"WWW-Authenticate": f'OAuth realm="{request.scheme}://{request.host}"'}
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
    names = [name for value in request.query.getall("fields", []) for name in value.split(",")]
    with_changelog = "changelog" in request.query.get("expand", "").split(",")
    shapes = request.app[SITE].shapes(request)
    return web.json_response(shapes.issue(found, selected(names), with_changelog=with_changelog))


async def changelog(request: web.Request) -> web.Response:
    histories = request.app[SITE].shapes(request).histories(_issue(request))
    return web.json_response(_page(request, histories, default=100))


async def projects(request: web.Request) -> web.Response:
    shapes = request.app[SITE].shapes(request)
    return web.json_response([shapes.project(p) for p in _projects_by_key(request)])


async def project_search(request: web.Request) -> web.Response:
    shapes = request.app[SITE].shapes(request)
    keys, words = request.query.getall("keys", []), request.query.get("query", "").casefold()
    found = [
        shapes.project(p)
        for p in _projects_by_key(request)
        if (not keys or p.key in keys) and (words in p.key.casefold() or words in p.name.casefold())
    ]
    return web.json_response(_page(request, found, default=50, most=100))


async def project(request: web.Request) -> web.Response:
    key = request.match_info["key"]
    for one in _projects_by_key(request):
        if key.upper() == one.key or key == str(one.id):
            return web.json_response(request.app[SITE].shapes(request).project_details(one))
    what = f"id '{key}'" if key.isdecimal() else f"key '{key}'"
    raise JiraError(404, f"No project could be found with {what}.")


def _projects_by_key(request: web.Request) -> list[Project]:
    world = request.app[SITE].world
    return [world.projects[key] for key in sorted(world.projects)]


async def boards(request: web.Request) -> web.Response:
    site = request.app[SITE]
    wanted, name = request.query.get("projectKeyOrId"), request.query.get("name", "").casefold()
    known = {alias for p in site.world.projects.values() for alias in (p.key, str(p.id))}
    if wanted is not None and wanted not in known:
        raise JiraError(400, f"No project could be found with key or id '{wanted}'.")
    shapes = site.shapes(request)
    found = [
        shapes.board(b)
        for b in site.world.boards
        if wanted in (None, b.project_key, str(site.world.projects[b.project_key].id))
        and name in b.name.casefold()
        and request.query.get("type", "scrum") == "scrum"
    ]
    return web.json_response(_page(request, found, default=50))


def _board(request: web.Request) -> Board:
    for one in request.app[SITE].world.boards:
        if str(one.id) == request.match_info["id"]:
            return one
    raise JiraError(
        404,
        "The requested board cannot be viewed because it either does not exist "
        "or you do not have permission to view it.",
    )


async def board(request: web.Request) -> web.Response:
    return web.json_response(request.app[SITE].shapes(request).board(_board(request)))


async def board_sprints(request: web.Request) -> web.Response:
    found, shapes = _board(request), request.app[SITE].shapes(request)
    states = {s.strip() for s in request.query.get("state", "future,active,closed").split(",")}
    rows = [shapes.sprint(s, found) for s in found.sprints if s.state in states]
    return web.json_response(_page(request, rows, default=50))


def _sprint(request: web.Request) -> tuple[Board, Sprint]:
    for one in request.app[SITE].world.boards:
        for candidate in one.sprints:
            if str(candidate.id) == request.match_info["id"]:
                return one, candidate
    raise JiraError(404, "Sprint does not exist or you do not have permission to view it.")


async def sprint(request: web.Request) -> web.Response:
    owner, found = _sprint(request)
    return web.json_response(request.app[SITE].shapes(request).sprint(found, owner))


async def sprint_issues(request: web.Request) -> web.Response:
    """Still pages by `startAt`, and still has a total, unlike the platform's search."""
    site, (_, found) = request.app[SITE], _sprint(request)
    matching = site.search(request.query.get("jql", ""), allow_unbounded=True)
    inside = [one for one in matching if one.key in found.issue_keys]
    names = [name for value in request.query.getall("fields", []) for name in value.split(",")]
    shapes, shown = site.shapes(request), selected(names)
    page = _page(request, inside, default=50, most=100)
    rows = [shapes.issue(one, shown) for one in page.pop("values")]
    del page["isLast"]
    return web.json_response(page | {"issues": rows})


def _page(request: web.Request, rows: Sequence[Any], *, default: int, most: int | None = None) -> dict[str, Any]:
    """A `startAt` page of Atlassian's `PageBean` shape."""
    try:
        start = int(request.query.get("startAt", 0))
        size = int(request.query.get("maxResults", default))
    except ValueError:
        raise JiraError(400, BAD_PAYLOAD) from None
    size = max(0, min(size, most or size))
    return {
        "startAt": start,
        "maxResults": size,
        "total": len(rows),
        "isLast": start + size >= len(rows),
        "values": list(rows[start : start + size]),
    }
