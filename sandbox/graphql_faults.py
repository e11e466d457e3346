"""What goes wrong inside a GraphQL answer: how large a page was asked for, and how the true answer is bent.

A *field* is a dotted path from the root of the answer's JSON; `*` stands for every item of a list:
`data.repository.pullRequests.nodes.*.title`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
from aiohttp import web

from sandbox.github.graphql.documents import Query, Refused, prepare

PATH = "/graphql"

Step = str | int


async def page_size(request: web.Request) -> int:
    """The highest `first` or `last` of a GraphQL query, or `per_page` of a REST list; 0 where neither says."""
    if request.path != PATH:
        size = request.query.get("per_page", "")
        return int(size) if size.isdigit() else 0
    query = await _query(request)
    return query.largest_page if query else 0


def partial(answer: Any, field: str) -> Any:
    """Null at the field, and an error that names it, as when GitHub ran out of time for a part of the query."""
    message = "Something went wrong while executing your query. Please include `0000:0000` when reporting this issue."
    errors = []
    for holder, step, path in _places(answer, field):
        holder[step] = None
        errors.append({"path": path[1:], "message": message})
    return answer | {"errors": [*answer.get("errors", []), *errors]} if errors else answer


def with_nulls(answer: Any, field: str) -> Any:
    """Null at the field, and no word of it."""
    for holder, step, _ in _places(answer, field):
        holder[step] = None
    return answer


async def with_repeated_cursor(request: web.Request, answer: Any, field: str) -> Any:
    """The connection at the field says that there is more, behind the very cursor that it was asked for."""
    query = await _query(request)
    after = query.cursors.get(field.removeprefix("data.")) if query else None
    for holder, step, _ in _places(answer, f"{field}.pageInfo"):
        info = holder[step]
        info["hasNextPage"] = True
        info["endCursor"] = after or info["endCursor"]
    return answer


async def _query(request: web.Request) -> Query | None:
    """The query, where there is a valid one. aiohttp keeps the body for the handler."""
    try:
        asked = orjson.loads(await request.read())
        return prepare(asked["query"], asked.get("operationName"), asked.get("variables") or {})
    except (ValueError, KeyError, TypeError, Refused):
        return None


def _places(answer: Any, field: str) -> Iterator[tuple[Any, Any, list[Step]]]:
    """Each place that the field means: its holder, its key or index there, and the whole path."""
    *steps, last = field.split(".")
    for holder, path in _holders(answer, steps, []):
        keys: list[Step] = list(range(len(holder))) if last == "*" and isinstance(holder, list) else [last]
        for key in keys:
            if isinstance(holder, list) or (isinstance(holder, dict) and key in holder):
                step = int(key) if isinstance(holder, list) else key
                yield holder, step, [*path, step]


def _holders(value: Any, steps: list[str], path: list[Step]) -> Iterator[tuple[Any, list[Step]]]:
    if not steps:
        yield value, path
        return
    step, *rest = steps
    if isinstance(value, list):
        positions = range(len(value)) if step == "*" else [int(step)]
        for position in positions:
            if position < len(value):
                yield from _holders(value[position], rest, [*path, position])
    elif isinstance(value, dict) and value.get(step) is not None:
        yield from _holders(value[step], rest, [*path, step])
