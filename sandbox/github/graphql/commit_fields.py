"""The fields of a commit that lead to its history, its parents and its pull requests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sandbox.github.graphql.connections import Paging, by_key, by_offset, connection
from sandbox.github.graphql.execution import Arguments, Bind, Node, QueryError, Resolve
from sandbox.github.graphql.nodes import RepositoryNodes, nodes_in
from sandbox.github.graphql.order import OLDEST_FIRST, pull_key
from sandbox.world import Commit


def _history(arguments: Arguments, context: Any) -> Resolve:
    """Cursors name the commit that the paging began with: a branch pushed to meanwhile does not shift the pages."""
    paging = Paging("history", arguments)
    since, until = _instant(arguments.get("since")), _instant(arguments.get("until"))

    def resolve(node: Node) -> Node:
        nodes = nodes_in(node)
        after, before = _place_in_history(paging, paging.after), _place_in_history(paging, paging.before)
        head = (after or before or (node["oid"], 0))[0]
        chosen = _between(nodes, head, since, until)
        if chosen is None:
            raise paging.wrong_cursor(paging.after or paging.before or "")
        last = len(chosen) if before is None else min(len(chosen), before[1])
        start, end = paging.cut(min(0 if after is None else after[1] + 1, last), last)
        return connection(
            "CommitHistoryConnection",
            [nodes.commit(commit) for commit in chosen[start:end]],
            total=len(chosen),
            start=start,
            end=end,
            cursor_at=lambda at: f"{head} {at}",
        )

    return resolve


def _place_in_history(paging: Paging, cursor: str | None) -> tuple[str, int] | None:
    """The commit that the paging began with, and a position from 0."""
    if cursor is None:
        return None
    head, _, position = cursor.partition(" ")
    if not position.isdigit():
        raise paging.wrong_cursor(cursor)
    return head, int(position)


def _between(
    nodes: RepositoryNodes, head: str, since: datetime | None, until: datetime | None
) -> Sequence[Commit] | None:
    listed = nodes.index.history(head)
    if listed is None or (since is None and until is None):
        return listed
    return [
        commit
        for commit in listed
        if (since is None or commit.committed_at >= since) and (until is None or commit.committed_at <= until)
    ]


def _parents(arguments: Arguments, context: Any) -> Resolve:
    def read(node: Node) -> list[Node]:
        nodes = nodes_in(node)
        return [found for sha in node["_of"].parents if (found := nodes.commit_of_sha(sha)) is not None]

    return by_offset("parents", "CommitConnection", arguments, read)


def _pull_requests(arguments: Arguments, context: Any) -> Resolve:
    paging = Paging("associatedPullRequests", arguments)
    order = arguments.get("orderBy") or OLDEST_FIRST

    def resolve(node: Node) -> Node:
        nodes = nodes_in(node)
        return by_key(
            paging,
            "PullRequestConnection",
            nodes.index.pulls_of_commit(node["oid"]),
            pull_key(order["field"]),
            nodes.pull,
            is_descending=order["direction"] == "DESC",
        )

    return resolve


def _instant(text: Any) -> datetime | None:
    """A GitTimestamp; without an offset UTC."""
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise QueryError(f"Value {text!r} is no ISO-8601 date and time.", "argumentLiteralsIncompatible") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


COMMIT_RESOLVERS: dict[tuple[str, str], Bind] = {
    ("Commit", "associatedPullRequests"): _pull_requests,
    ("Commit", "history"): _history,
    ("Commit", "parents"): _parents,
}
