"""Relay connections as GitHub pages them: `first`/`last`, opaque cursors, at most 100 records a request."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as NoBase64
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from sandbox.github.graphql.execution import Arguments, Bind, Node, QueryError, Resolve

MOST_RECORDS = 100

Key = tuple[Any, ...]


class Paging:
    """The paging arguments of one connection field, checked. Raises QueryError as GitHub words it."""

    def __init__(self, field: str, arguments: Arguments) -> None:
        self.field = field
        self.first: int | None = arguments.get("first")
        self.last: int | None = arguments.get("last")
        self.after: str | None = arguments.get("after") or None
        self.before: str | None = arguments.get("before") or None
        if self.first is None and self.last is None:
            raise QueryError(
                f"You must provide a `first` or `last` value to properly paginate the `{field}` connection.",
                "MISSING_PAGINATION_BOUNDARIES",
            )
        if self.first is not None and self.last is not None:
            raise QueryError(
                f"Passing both `first` and `last` to paginate the `{field}` connection is not supported.",
                "UNPROCESSABLE",
            )
        for name, count in (("first", self.first), ("last", self.last)):
            if count is not None and count > MOST_RECORDS:
                raise QueryError(
                    f"Requesting {count} records on the `{field}` connection exceeds the `{name}` limit of "
                    f"{MOST_RECORDS} records.",
                    "EXCESSIVE_PAGINATION",
                )
            if count is not None and count < 0:
                raise QueryError(f"`{name}` on the `{field}` connection cannot be less than zero.", "INVALID_CURSOR")

    def cut(self, start: int, end: int) -> tuple[int, int]:
        """The part of the positions from `start` to `end` (those between `after` and `before`) that is asked for."""
        if self.first is not None:
            return start, max(start, min(end, start + self.first))
        assert self.last is not None
        return max(start, end - self.last), end

    def wrong_cursor(self, cursor: str) -> QueryError:
        return QueryError(f"`{cursor}` does not appear to be a valid cursor.", "INVALID_CURSOR_ARGUMENTS")


def connection(
    type_name: str,
    nodes: list[Any],
    *,
    total: int,
    start: int,
    end: int,
    cursor_at: Callable[[int], str],
    reachable: int | None = None,
) -> Node:
    """A connection whose `nodes` stand at the positions from `start` to `end` of `total`; `reachable`: by paging."""
    return {
        "__typename": type_name,
        "nodes": nodes,
        "totalCount": total,
        "start": start,
        "end": end,
        "reachable": total if reachable is None else reachable,
        "cursor_at": cursor_at,
    }


def by_offset(field: str, type_name: str, arguments: Arguments, read: Callable[[Node], list[Node]]) -> Resolve:
    """A short list beside its parent: the cursor is a position."""
    paging = Paging(field, arguments)
    between = positions_between(paging)

    def resolve(node: Node) -> Node:
        items = read(node)
        start, end = between(len(items))
        return connection(
            type_name, items[start:end], total=len(items), start=start, end=end, cursor_at=position_cursor
        )

    return resolve


def positions_between(paging: Paging) -> Callable[[int], tuple[int, int]]:
    """For a list of a given length, the positions that paging by position asks for."""
    after, before = _position(paging, paging.after), _position(paging, paging.before)

    def between(total: int) -> tuple[int, int]:
        until = total if before is None else min(total, before - 1)
        return paging.cut(min(after or 0, until), until)

    return between


def by_key(
    paging: Paging,
    type_name: str,
    items: Sequence[Any],
    key_of: Callable[[Any], Key],
    render: Callable[[Any], Node],
    *,
    is_descending: bool,
) -> Node:
    """A list ordered by a key that cursors carry: what is added or moved before the cursor shifts no later page."""
    ordered = sorted(items, key=key_of, reverse=is_descending)
    keys = [key_of(item) for item in ordered]

    def is_behind(key: Key, other: Key) -> bool:
        return key < other if is_descending else key > other

    start, until = 0, len(ordered)
    if paging.after is not None:
        after = _key(paging, paging.after)
        start = next((position for position, key in enumerate(keys) if is_behind(key, after)), len(keys))
    if paging.before is not None:
        before = _key(paging, paging.before)
        until = next((position for position, key in enumerate(keys) if not is_behind(before, key)), len(keys))
    start, end = paging.cut(min(start, until), until)
    return connection(
        type_name,
        [render(item) for item in ordered[start:end]],
        total=len(ordered),
        start=start,
        end=end,
        cursor_at=lambda position: _encoded(["k", *keys[position]]),
    )


def _page_info(arguments: Arguments, context: Any) -> Resolve:
    return lambda node: {"__typename": "PageInfo", "of": node}


def _cursor(position: Callable[[Node], int]) -> Bind:
    """The cursor of the first or last record; None on an empty page."""

    def bind(arguments: Arguments, context: Any) -> Resolve:
        def resolve(node: Node) -> str | None:
            page = node["of"]
            return page["cursor_at"](position(page)) if page["end"] > page["start"] else None

        return resolve

    return bind


def _edges(type_name: str) -> Bind:
    def bind(arguments: Arguments, context: Any) -> Resolve:
        def resolve(node: Node) -> list[Node]:
            return [
                {"__typename": type_name, "cursor": node["cursor_at"](position), "node": item}
                for position, item in enumerate(node["nodes"], node["start"])
            ]

        return resolve

    return bind


_EDGES_OF = {
    "CommitConnection": "CommitEdge",
    "CommitHistoryConnection": "CommitEdge",
    "DeploymentConnection": "DeploymentEdge",
    "IssueConnection": "IssueEdge",
    "LabelConnection": "LabelEdge",
    "PullRequestConnection": "PullRequestEdge",
    "PullRequestCommitConnection": "PullRequestCommitEdge",
    "PullRequestReviewConnection": "PullRequestReviewEdge",
    "ReleaseConnection": "ReleaseEdge",
    "SearchResultItemConnection": "SearchResultItemEdge",
}

CONNECTION_RESOLVERS: dict[tuple[str, str], Bind] = {
    **{(name, "pageInfo"): _page_info for name in _EDGES_OF},
    **{(name, "edges"): _edges(edge) for name, edge in _EDGES_OF.items()},
    ("PageInfo", "startCursor"): _cursor(lambda page: page["start"]),
    ("PageInfo", "endCursor"): _cursor(lambda page: page["end"] - 1),
    ("PageInfo", "hasNextPage"): lambda arguments, context: lambda node: node["of"]["end"] < node["of"]["reachable"],
    ("PageInfo", "hasPreviousPage"): lambda arguments, context: lambda node: node["of"]["start"] > 0,
}


def position_cursor(position: int) -> str:
    """The cursor of the item at a position from 0; it says how many items lie up to and with it."""
    return _encoded(["n", position + 1])


def _position(paging: Paging, cursor: str | None) -> int | None:
    """How many items lie up to and with the cursor's."""
    if cursor is None:
        return None
    kind, *rest = _decoded(paging, cursor)
    if kind != "n" or len(rest) != 1 or not isinstance(rest[0], int):
        raise paging.wrong_cursor(cursor)
    return rest[0]


def _key(paging: Paging, cursor: str) -> Key:
    kind, *rest = _decoded(paging, cursor)
    if kind != "k" or not rest:
        raise paging.wrong_cursor(cursor)
    return tuple(rest)


def _encoded(parts: list[Any]) -> str:
    return b64encode(b"cursor:v2:" + orjson.dumps(parts)).decode()


def _decoded(paging: Paging, cursor: str) -> list[Any]:
    try:
        text = b64decode(cursor, validate=True).removeprefix(b"cursor:v2:")
        parts = orjson.loads(text)
    except (NoBase64, ValueError):
        raise paging.wrong_cursor(cursor) from None
    if not isinstance(parts, list) or not parts:
        raise paging.wrong_cursor(cursor)
    return parts
