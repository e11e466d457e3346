"""The fields of a repository that lead to its pull requests, releases, issues, deployments and commits."""

from __future__ import annotations

from typing import Any

from sandbox.github.graphql.connections import Paging, by_key
from sandbox.github.graphql.execution import Arguments, Bind, Node, QueryError, Resolve
from sandbox.github.graphql.nodes import nodes_in
from sandbox.github.graphql.order import OLDEST_FIRST, instant_key, pull_key
from sandbox.world import PullRequest


def _default_branch(arguments: Arguments, context: Any) -> Resolve:
    return lambda node: nodes_in(node).default_branch()


def _pull_requests(arguments: Arguments, context: Any) -> Resolve:
    paging = Paging("pullRequests", arguments)
    order = arguments.get("orderBy") or OLDEST_FIRST
    key_of = pull_key(order["field"])

    def resolve(node: Node) -> Node:
        nodes = nodes_in(node)
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


def _pull_request(arguments: Arguments, context: Any) -> Resolve:
    number = arguments["number"]

    def resolve(node: Node) -> Node:
        nodes = nodes_in(node)
        pull = nodes.index.pulls_by_number.get(number)
        if pull is None:
            raise QueryError(f"Could not resolve to a PullRequest with the number of {number}.", "NOT_FOUND")
        return nodes.pull(pull)

    return resolve


def _issue(arguments: Arguments, context: Any) -> Resolve:
    number = arguments["number"]

    def resolve(node: Node) -> Node:
        nodes = nodes_in(node)
        if number not in nodes.index.issues_by_number:
            raise QueryError(f"Could not resolve to an Issue with the number of {number}.", "NOT_FOUND")
        return nodes.issue(nodes.index.issues_by_number[number])

    return resolve


def _releases(arguments: Arguments, context: Any) -> Resolve:
    paging = Paging("releases", arguments)
    order = arguments.get("orderBy") or OLDEST_FIRST

    def resolve(node: Node) -> Node:
        nodes = nodes_in(node)
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


def _release(arguments: Arguments, context: Any) -> Resolve:
    def resolve(node: Node) -> Node | None:
        nodes = nodes_in(node)
        tagged = [one for one in nodes.index.repository.releases if one.tag == arguments["tagName"]]
        return nodes.release(tagged[0]) if tagged else None

    return resolve


def _deployments(arguments: Arguments, context: Any) -> Resolve:
    paging = Paging("deployments", arguments)
    environments = arguments.get("environments")

    def resolve(node: Node) -> Node:
        nodes = nodes_in(node)
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


def _object(arguments: Arguments, context: Any) -> Resolve:
    """A commit by SHA or by `owner`'s branch name; None where there is none."""

    def resolve(node: Node) -> Node | None:
        nodes = nodes_in(node)
        wanted = arguments.get("oid") or (arguments.get("expression") or "").removeprefix("refs/heads/")
        if wanted in nodes.index.commits_by_sha:
            return nodes.commit_of_sha(wanted)
        listed = nodes.index.history(wanted)
        return nodes.commit(listed[0]) if listed else None

    return resolve


REPOSITORY_RESOLVERS: dict[tuple[str, str], Bind] = {
    ("Repository", "defaultBranchRef"): _default_branch,
    ("Repository", "deployments"): _deployments,
    ("Repository", "issue"): _issue,
    ("Repository", "object"): _object,
    ("Repository", "pullRequest"): _pull_request,
    ("Repository", "pullRequests"): _pull_requests,
    ("Repository", "release"): _release,
    ("Repository", "releases"): _releases,
}
