"""`search(type: ISSUE)`: the qualifiers of GitHub's search for pull requests and issues, over a world."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from sandbox.github.graphql.connections import Paging, connection, position_cursor, positions_between
from sandbox.github.graphql.execution import Arguments, Node, QueryError
from sandbox.github.graphql.nodes import RepositoryNodes
from sandbox.world import GitHubIssue, PullRequest, Repository, World

MOST_RESULTS = 1000
"""However many are found: GitHub pages through no more."""

Item: TypeAlias = PullRequest | GitHubIssue
Found: TypeAlias = tuple[Repository, Item]

_DATES = ("created", "updated", "closed", "merged")
_RANGE = re.compile(r"(?P<from>[^.]*(?:\.\d+)?)\.\.(?P<to>.*)")
_FAR_PAST = datetime.min.replace(tzinfo=UTC)
_FAR_FUTURE = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Criteria:
    repositories: list[str] = field(default_factory=list)
    filters: list[Callable[[Found], bool]] = field(default_factory=list)
    sort: str = "created"
    is_descending: bool = True
    words: list[str] = field(default_factory=list)


def search(
    arguments: Arguments,
    world: World,
    may_see: Callable[[Repository], bool],
    nodes_of: Callable[[Repository], RepositoryNodes],
) -> Node:
    """Newest first where the query names no `sort:`. Raises QueryError for a qualifier that the sandbox lacks."""
    paging = Paging("search", arguments)
    criteria = _parsed(arguments["query"])
    found = _found(criteria, world, may_see)
    reachable = min(len(found), MOST_RESULTS)
    start, end = positions_between(paging)(reachable)
    shown = [_node(item, nodes_of(repository)) for repository, item in found[start:end]]
    node = connection(
        "SearchResultItemConnection",
        shown,
        total=len(found),
        start=start,
        end=end,
        cursor_at=position_cursor,
        reachable=reachable,
    )
    return node | {"issueCount": len(found)}


def _node(item: Item, nodes: RepositoryNodes) -> Node:
    return nodes.pull(item) if isinstance(item, PullRequest) else nodes.issue(item)


def _found(criteria: _Criteria, world: World, may_see: Callable[[Repository], bool]) -> list[Found]:
    named = [repository for name in criteria.repositories if (repository := world.repository_named(name))]
    searched = named if criteria.repositories else list(world.repositories.values())
    everything: list[Found] = []
    for repository in filter(may_see, searched):
        everything += [(repository, pull) for pull in repository.pull_requests]
        everything += [(repository, issue) for issue in repository.issues]
    found = [one for one in everything if all(fits(one) for fits in criteria.filters) and _has_words(one, criteria)]
    found.sort(
        key=lambda one: (_date(one[1], criteria.sort) or _FAR_PAST, one[0].full_name, one[1].number),
        reverse=criteria.is_descending,
    )
    return found


def _parsed(query: str) -> _Criteria:
    criteria = _Criteria()
    try:
        terms = shlex.split(query)
    except ValueError:
        raise QueryError(f"The sandbox cannot parse the search query {query!r}.", "UNPROCESSABLE") from None
    for term in terms:
        name, colon, value = term.partition(":")
        if not colon:
            criteria.words.append(term.lower())
        elif name == "repo":
            criteria.repositories.append(value)
        elif name == "sort":
            key, _, direction = value.partition("-")
            criteria.sort, criteria.is_descending = key, direction != "asc"
        else:
            criteria.filters.append(_filter(name, value))
    if criteria.sort not in ("created", "updated"):
        raise QueryError(f"The sandbox does not sort a search by {criteria.sort}.", "UNPROCESSABLE")
    return criteria


def _filter(name: str, value: str) -> Callable[[Found], bool]:
    is_not = name.startswith("-")
    fits = _plain_filter(name.removeprefix("-"), value)
    return (lambda found: not fits(found)) if is_not else fits


def _plain_filter(name: str, value: str) -> Callable[[Found], bool]:
    by_kind: dict[tuple[str, str], Callable[[Found], bool]] = {
        ("is", "pr"): lambda found: isinstance(found[1], PullRequest),
        ("is", "issue"): lambda found: isinstance(found[1], GitHubIssue),
        ("is", "merged"): lambda found: _date(found[1], "merged") is not None,
        ("is", "unmerged"): lambda found: isinstance(found[1], PullRequest) and found[1].merged_at is None,
        ("is", "closed"): lambda found: _date(found[1], "closed") is not None,
        ("is", "open"): lambda found: _date(found[1], "closed") is None,
    }
    by_value: dict[str, Callable[[Found], bool]] = {
        "author": lambda found: found[1].author.login == value,
        "label": lambda found: value in found[1].labels,
        "base": lambda found: isinstance(found[1], PullRequest) and found[1].base_branch == value,
        "head": lambda found: isinstance(found[1], PullRequest) and found[1].head_branch == value,
    }
    if name in _DATES:
        earliest, latest = _range(value)
        return lambda found: earliest <= (_date(found[1], name) or _FAR_PAST) <= latest
    fits = by_kind.get(("is" if name in ("is", "type", "state") else name, value)) or by_value.get(name)
    if fits is None:
        raise QueryError(f"The sandbox does not search by {name}:{value}.", "UNPROCESSABLE")
    return fits


def _has_words(found: Found, criteria: _Criteria) -> bool:
    text = f"{found[1].title}\n{found[1].body}".lower()
    return all(word in text for word in criteria.words)


def _date(item: Item, name: str) -> datetime | None:
    if name == "merged":
        return item.merged_at if isinstance(item, PullRequest) else None
    if name == "closed":
        return (item.merged_at or item.closed_at) if isinstance(item, PullRequest) else item.closed_at
    return item.created_at if name == "created" else item.updated_at


def _range(text: str) -> tuple[datetime, datetime]:
    """First and last instant of `a..b`, `>=a`, `>a`, `<=b`, `<b` or a day; days are UTC, both ends count."""
    if match := _RANGE.fullmatch(text):
        return _bound(match["from"], at_end=False), _bound(match["to"], at_end=True)
    for sign in (">=", "<=", ">", "<"):
        if text.startswith(sign):
            value = text.removeprefix(sign)
            if sign == ">=":
                return _bound(value, at_end=False), _FAR_FUTURE
            if sign == "<=":
                # The far past itself stands for "no such date", which fits no range.
                return _FAR_PAST + timedelta(days=1), _bound(value, at_end=True)
            if sign == ">":
                return _bound(value, at_end=True) + timedelta(microseconds=1), _FAR_FUTURE
            return _FAR_PAST + timedelta(days=1), _bound(value, at_end=False) - timedelta(microseconds=1)
    return _bound(text, at_end=False), _bound(text, at_end=True)


def _bound(text: str, *, at_end: bool) -> datetime:
    if text == "*":
        return _FAR_FUTURE if at_end else _FAR_PAST + timedelta(days=1)
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise QueryError(f"{text!r} is no date that a search understands.", "UNPROCESSABLE") from None
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    is_day = len(text) == len("2026-11-16")
    return instant + timedelta(days=1) - timedelta(microseconds=1) if is_day and at_end else instant
