"""Boards and sprints: the agile API 1.0, the same on Cloud and Data Center."""

from __future__ import annotations

from aiohttp import web

from sandbox.jira.errors import JiraError
from sandbox.jira.shapes import selected
from sandbox.jira.site import SITE, field_names, page
from sandbox.world import Board, Issue, Sprint


def routes() -> list[web.RouteDef]:
    return [
        web.get("/rest/agile/1.0/board", boards),
        web.get("/rest/agile/1.0/board/{id}", board),
        web.get("/rest/agile/1.0/board/{id}/sprint", board_sprints),
        web.get("/rest/agile/1.0/board/{id}/issue", board_issues),
        web.get("/rest/agile/1.0/sprint/{id}", sprint),
        web.get("/rest/agile/1.0/sprint/{id}/issue", sprint_issues),
    ]


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
        and request.query.get("type", b.type) == b.type
    ]
    return web.json_response(page(request, found, default=50))


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
    if found.type == "kanban":
        raise JiraError(400, "The board does not support sprints")
    states = {s.strip() for s in request.query.get("state", "future,active,closed").split(",")}
    rows = [shapes.sprint(s, found) for s in found.sprints if s.state in states]
    return web.json_response(page(request, rows, default=50))


async def board_issues(request: web.Request) -> web.Response:
    """All issues of the board's project: the boards of this sandbox have no filter of their own."""
    site, found = request.app[SITE], _board(request)
    matching = site.search(request.query.get("jql", ""), allow_unbounded=True)
    return _issues(request, [one for one in matching if one.project_key == found.project_key])


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
    return _issues(request, [one for one in matching if one.key in found.issue_keys])


def _issues(request: web.Request, inside: list[Issue]) -> web.Response:
    site = request.app[SITE]
    shapes, shown = site.shapes(request), selected(field_names(request))
    body = page(request, inside, default=50, most=100)
    rows = [shapes.issue(one, shown) for one in body.pop("values")]
    del body["isLast"]
    return web.json_response(body | {"issues": rows})
