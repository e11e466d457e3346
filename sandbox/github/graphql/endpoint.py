"""`POST /graphql`: a query in, `data` and `errors` out, with a 200 for nearly everything that can go wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
from aiohttp import web

from sandbox.github.access import CALLER, Caller
from sandbox.github.answers import base_url, error
from sandbox.github.graphql.documents import Query, Refused, prepare, schema
from sandbox.github.graphql.execution import execute
from sandbox.github.graphql.nodes import RepositoryNodes
from sandbox.github.graphql.people import People
from sandbox.github.graphql.resolvers import RESOLVERS, Context
from sandbox.github.limits import HourlyLimit, Limits
from sandbox.github.shapes import timestamp
from sandbox.github.views import RepositoryView, Views
from sandbox.world import Person, Repository, World


class GraphQL:
    """The endpoint's handler. Points are counted apart from the REST limit."""

    def __init__(self, world: World, views: Views, limits: Limits) -> None:
        self._world = world
        self._views = views
        self._limits = limits
        self._people: dict[str, People] = {}
        self._nodes: dict[tuple[str, int], tuple[RepositoryView, RepositoryNodes]] = {}

    async def answer(self, request: web.Request) -> web.Response:
        try:
            asked = orjson.loads(await request.read())
        except orjson.JSONDecodeError:
            return error(400, "Problems parsing JSON")
        if not isinstance(asked, dict) or not isinstance(asked.get("query"), str):
            return _json({"errors": [{"message": "A query attribute must be specified and must be a string."}]})
        caller = request[CALLER]
        limit = self._limits.of(caller.name, "graphql")
        if not limit.remaining:
            return _json({"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded for user ID 1."}]})
        try:
            query = prepare(asked["query"], asked.get("operationName"), asked.get("variables") or {})
        except Refused as refused:
            limit.count()
            return _json({"errors": refused.errors})
        limit.count(query.cost)
        return _json(self._executed(query, base_url(request), caller, limit))

    def _executed(self, query: Query, base: str, caller: Caller, limit: HourlyLimit) -> dict[str, Any]:
        viewer = self._people_for(base).user(Person(caller.login, caller.login, ""))
        assert viewer is not None, "the viewer's account is not deleted"
        context = Context(self._world, caller.may_see, self._nodes_for(base), viewer, _rate_limit(query, limit))
        execution = execute(schema(), RESOLVERS, query.document, query.operation, query.variables, context)
        body: dict[str, Any] = {"data": execution.data}
        return body | {"errors": execution.errors} if execution.errors else body

    def _people_for(self, base: str) -> People:
        people = self._people.get(base)
        if people is None:
            people = self._people[base] = People(self._views.shapes(base))
        return people

    def _nodes_for(self, base: str) -> Callable[[Repository], RepositoryNodes]:
        def nodes_of(repository: Repository) -> RepositoryNodes:
            view = self._views.of(base, repository)
            known = self._nodes.get((base, repository.id))
            if known is None or known[0] is not view:
                nodes = RepositoryNodes(self._views.shapes(base), self._people_for(base), view.index)
                known = self._nodes[base, repository.id] = (view, nodes)
            return known[1]

        return nodes_of


def _rate_limit(query: Query, limit: HourlyLimit) -> dict[str, Any]:
    return {
        "__typename": "RateLimit",
        "cost": query.cost,
        "limit": limit.limit,
        "nodeCount": query.node_count,
        "remaining": limit.remaining,
        "resetAt": timestamp(datetime.fromtimestamp(limit.reset, UTC)),
        "used": limit.used,
    }


def _json(body: dict[str, Any]) -> web.Response:
    return web.Response(body=orjson.dumps(body), content_type="application/json", charset="utf-8")
