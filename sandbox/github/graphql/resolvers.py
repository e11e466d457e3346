"""What leads from one node to another: the fields with arguments, and those that would be costly to have at hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.github.graphql.connections import (
    CONNECTION_RESOLVERS,
    Paging,
    by_key,
    by_offset,
    connection,
    instant_key,
)
from sandbox.github.graphql.execution import Arguments, Bind, Node, QueryError, Resolve
from sandbox.github.graphql.nodes import RepositoryNodes
from sandbox.github.graphql.search import search
from sandbox.world import Commit, PullRequest, Repository, World


@dataclass(frozen=True, slots=True)
class Context:
    """What one request is answered from."""

    world: World
    may_see: Callable[[Repository], bool]
    nodes_of: Callable[[Repository], RepositoryNodes]
    viewer: Node
    rate_limit: Node


def _query_repository(arguments: Arguments, context: Context) -> Resolve:
    full_name = f"{arguments['owner']}/{arguments['name']}"

    def resolve(node: Node) -> Node:
        repository = context.world.repository_named(full_name)
        is_former = repository is not None and repository.full_name.lower() != full_name.lower()
        if repository is None or not context.may_see(repository) or (is_former and not arguments["followRenames"]):
            raise QueryError(f"Could not resolve to a Repository with the name '{full_name}'.", "NOT_FOUND")
        return context.nodes_of(repository).repository

    return resolve


def _query_node(arguments: Arguments, context: Context) -> Resolve:
    return lambda node: _node_of_id(arguments["id"], context)


def _query_nodes(arguments: Arguments, context: Context) -> Resolve:
    return lambda node: [_node_of_id(wanted, context) for wanted in arguments["ids"]]


def _node_of_id(wanted: str, context: Context) -> Node:
    """A repository, pull request or commit; other kinds the sandbox does not look up by id."""
    for repository in filter(context.may_see, context.world.repositories.values()):
        nodes = context.nodes_of(repository)
        found = nodes.by_id(wanted)
        if found is not None:
            return found
    raise QueryError(f"Could not resolve to a node with the global id of '{wanted}'", "NOT_FOUND")


def _query_search(arguments: Arguments, context: Context) -> Resolve:
    return lambda node: search(arguments, context.world, context.may_see, context.nodes_of)


def _repository_default_branch(arguments: Arguments, context: Context) -> Resolve:
    return lambda node: _in(node).default_branch()


def _repository_pull_requests(arguments: Arguments, context: Context) -> Resolve:
    paging = Paging("pullRequests", arguments)
    order = arguments.get("orderBy") or {"field": "CREATED_AT", "direction": "ASC"}
    key_of = _pull_key(order["field"])

    def resolve(node: Node) -> Node:
        nodes = _in(node)
        chosen = [pull for pull in nodes.index.repository.pull_requests if _is_wanted(pull, arguments)]
        is_descending = order["direction"] == "DESC"
        return by_key(paging, "PullRequestConnection", chosen, key_of, nodes.pull, is_descending=is_descending)

    return resolve


def _is_wanted(pull: PullRequest, arguments: Arguments) -> bool:
    states, labels = arguments.get("states"), arguments.get("labels")
    return (
        (not states or _state(pull) in states)
        and (not labels or any(label in pull.labels for label in labels))
        and arguments.get("baseRefName", None) in (None, pull.base_branch)
        and arguments.get("headRefName", None) in (None, pull.head_branch)
    )


def _state(pull: PullRequest) -> str:
    return "MERGED" if pull.merged_at else "CLOSED" if pull.closed_at else "OPEN"


def _pull_key(field: str) -> Callable[[PullRequest], tuple[int, int]]:
    if field == "UPDATED_AT":
        return lambda pull: (instant_key(pull.updated_at), pull.number)
    if field == "CREATED_AT":
        return lambda pull: (instant_key(pull.created_at), pull.number)
    raise QueryError(f"The sandbox does not order pull requests by {field}.", "UNPROCESSABLE")


def _repository_pull_request(arguments: Arguments, context: Context) -> Resolve:
    number = arguments["number"]

    def resolve(node: Node) -> Node:
        nodes = _in(node)
        pull = nodes.index.pulls_by_number.get(number)
        if pull is None:
            raise QueryError(f"Could not resolve to a PullRequest with the number of {number}.", "NOT_FOUND")
        return nodes.pull(pull)

    return resolve


def _repository_issue(arguments: Arguments, context: Context) -> Resolve:
    number = arguments["number"]

    def resolve(node: Node) -> Node:
        nodes = _in(node)
        if number not in nodes.index.issues_by_number:
            raise QueryError(f"Could not resolve to an Issue with the number of {number}.", "NOT_FOUND")
        return nodes.issue(nodes.index.issues_by_number[number])

    return resolve


def _repository_releases(arguments: Arguments, context: Context) -> Resolve:
    """Newest first where no order is asked for, as GitHub gives them."""
    paging = Paging("releases", arguments)
    order = arguments.get("orderBy") or {"field": "CREATED_AT", "direction": "DESC"}

    def resolve(node: Node) -> Node:
        nodes = _in(node)
        return by_key(
            paging,
            "ReleaseConnection",
            nodes.index.repository.releases,
            lambda release: (
                (release.name, release.id)
                if order["field"] == "NAME"
                else (instant_key(release.created_at), release.id)
            ),
            nodes.release,
            is_descending=order["direction"] == "DESC",
        )

    return resolve


def _repository_release(arguments: Arguments, context: Context) -> Resolve:
    def resolve(node: Node) -> Node | None:
        nodes = _in(node)
        tagged = [one for one in nodes.index.repository.releases if one.tag == arguments["tagName"]]
        return nodes.release(tagged[0]) if tagged else None

    return resolve


def _repository_deployments(arguments: Arguments, context: Context) -> Resolve:
    paging = Paging("deployments", arguments)
    environments = arguments.get("environments")

    def resolve(node: Node) -> Node:
        nodes = _in(node)
        chosen = [
            one for one in nodes.index.repository.deployments if not environments or one.environment in environments
        ]
        return by_key(
            paging,
            "DeploymentConnection",
            chosen,
            lambda deployment: (instant_key(deployment.created_at), deployment.id),
            nodes.deployment,
            is_descending=(arguments.get("orderBy") or {}).get("direction") == "DESC",
        )

    return resolve


def _repository_object(arguments: Arguments, context: Context) -> Resolve:
    """A commit by SHA or by `owner`'s branch name; None where there is none."""

    def resolve(node: Node) -> Node | None:
        nodes = _in(node)
        wanted = arguments.get("oid") or (arguments.get("expression") or "").removeprefix("refs/heads/")
        if wanted in nodes.index.commits_by_sha:
            return nodes.commit_of_sha(wanted)
        listed = nodes.index.history(wanted)
        return nodes.commit(listed[0]) if listed else None

    return resolve


def _commit_history(arguments: Arguments, context: Context) -> Resolve:
    """Cursors name the commit that the paging began with: a branch pushed to meanwhile does not shift the pages."""
    paging = Paging("history", arguments)
    since, until = _instant(arguments.get("since")), _instant(arguments.get("until"))

    def resolve(node: Node) -> Node:
        nodes = _in(node)
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


def _commit_parents(arguments: Arguments, context: Context) -> Resolve:
    def read(node: Node) -> list[Node]:
        nodes = _in(node)
        return [found for sha in node["_of"].parents if (found := nodes.commit_of_sha(sha)) is not None]

    return by_offset("parents", "CommitConnection", arguments, read)


def _commit_pull_requests(arguments: Arguments, context: Context) -> Resolve:
    paging = Paging("associatedPullRequests", arguments)
    order = arguments.get("orderBy") or {"field": "CREATED_AT", "direction": "ASC"}

    def resolve(node: Node) -> Node:
        nodes = _in(node)
        return by_key(
            paging,
            "PullRequestConnection",
            nodes.index.pulls_of_commit(node["oid"]),
            _pull_key(order["field"]),
            nodes.pull,
            is_descending=order["direction"] == "DESC",
        )

    return resolve


def _pull_merge_commit(arguments: Arguments, context: Context) -> Resolve:
    return lambda node: _in(node).commit_of_sha(node["_of"].merge_commit_sha) if node["merged"] else None


def _pull_commits(arguments: Arguments, context: Context) -> Resolve:
    return by_offset(
        "commits", "PullRequestCommitConnection", arguments, lambda node: _in(node).pull_commits(node["_of"])
    )


def _pull_reviews(arguments: Arguments, context: Context) -> Resolve:
    states, author = arguments.get("states"), arguments.get("author")

    def read(node: Node) -> list[Node]:
        reviews = _in(node).reviews(node["_of"])
        if states is None and author is None:
            return reviews
        return [
            review
            for review in reviews
            if (not states or review["state"] in states)
            and (author is None or (review["author"] or {}).get("login") == author)
        ]

    return by_offset("reviews", "PullRequestReviewConnection", arguments, read)


def _pull_closing_issues(arguments: Arguments, context: Context) -> Resolve:
    if arguments.get("orderBy"):
        raise QueryError("The sandbox does not order closing references.", "UNPROCESSABLE")

    def read(node: Node) -> list[Node]:
        return _in(node).closing_issues(node["_of"])

    return by_offset("closingIssuesReferences", "IssueConnection", arguments, read)


def _labels(arguments: Arguments, context: Context) -> Resolve:
    order = arguments.get("orderBy") or {"field": "CREATED_AT", "direction": "ASC"}

    def read(node: Node) -> list[Node]:
        labels = _in(node).labels(node["_of"])
        if order["field"] == "NAME":
            labels = sorted(labels, key=lambda label: str(label["name"]))
        return labels if order["direction"] == "ASC" else labels[::-1]

    return by_offset("labels", "LabelConnection", arguments, read)


def _in(node: Node) -> RepositoryNodes:
    nodes = node["_in"]
    assert isinstance(nodes, RepositoryNodes)
    return nodes


def _instant(text: Any) -> datetime | None:
    """A GitTimestamp; without an offset UTC."""
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise QueryError(f"Value {text!r} is no ISO-8601 date and time.", "argumentLiteralsIncompatible") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


RESOLVERS: Mapping[tuple[str, str], Bind] = {
    ("Query", "node"): _query_node,
    ("Query", "nodes"): _query_nodes,
    ("Query", "rateLimit"): lambda arguments, context: lambda node: context.rate_limit,
    ("Query", "repository"): _query_repository,
    ("Query", "search"): _query_search,
    ("Query", "viewer"): lambda arguments, context: lambda node: context.viewer,
    ("Repository", "defaultBranchRef"): _repository_default_branch,
    ("Repository", "deployments"): _repository_deployments,
    ("Repository", "issue"): _repository_issue,
    ("Repository", "object"): _repository_object,
    ("Repository", "pullRequest"): _repository_pull_request,
    ("Repository", "pullRequests"): _repository_pull_requests,
    ("Repository", "release"): _repository_release,
    ("Repository", "releases"): _repository_releases,
    ("Commit", "associatedPullRequests"): _commit_pull_requests,
    ("Commit", "history"): _commit_history,
    ("Commit", "parents"): _commit_parents,
    ("Issue", "labels"): _labels,
    ("PullRequest", "closingIssuesReferences"): _pull_closing_issues,
    ("PullRequest", "commits"): _pull_commits,
    ("PullRequest", "labels"): _labels,
    ("PullRequest", "mergeCommit"): _pull_merge_commit,
    ("PullRequest", "reviews"): _pull_reviews,
    **CONNECTION_RESOLVERS,
}
