"""The fields of a pull request that lead to its commits, reviews, labels and issues."""

from __future__ import annotations

from typing import Any

from sandbox.github.graphql.connections import by_offset
from sandbox.github.graphql.execution import Arguments, Bind, Node, QueryError, Resolve
from sandbox.github.graphql.nodes import nodes_in
from sandbox.github.graphql.order import OLDEST_FIRST


def _merge_commit(arguments: Arguments, context: Any) -> Resolve:
    return lambda node: nodes_in(node).commit_of_sha(node["_of"].merge_commit_sha) if node["merged"] else None


def _commits(arguments: Arguments, context: Any) -> Resolve:
    return by_offset(
        "commits", "PullRequestCommitConnection", arguments, lambda node: nodes_in(node).pull_commits(node["_of"])
    )


def _reviews(arguments: Arguments, context: Any) -> Resolve:
    states, author = arguments.get("states"), arguments.get("author")

    def read(node: Node) -> list[Node]:
        reviews = nodes_in(node).reviews(node["_of"])
        if states is None and author is None:
            return reviews
        return [
            review
            for review in reviews
            if (not states or review["state"] in states)
            and (author is None or (review["author"] or {}).get("login") == author)
        ]

    return by_offset("reviews", "PullRequestReviewConnection", arguments, read)


def _closing_issues(arguments: Arguments, context: Any) -> Resolve:
    if arguments.get("orderBy"):
        raise QueryError("The sandbox does not order closing references.", "UNPROCESSABLE")

    def read(node: Node) -> list[Node]:
        return nodes_in(node).closing_issues(node["_of"])

    return by_offset("closingIssuesReferences", "IssueConnection", arguments, read)


def _labels(arguments: Arguments, context: Any) -> Resolve:
    order = arguments.get("orderBy") or OLDEST_FIRST

    def read(node: Node) -> list[Node]:
        labels = nodes_in(node).labels(node["_of"])
        if order["field"] == "NAME":
            labels = sorted(labels, key=lambda label: str(label["name"]))
        return labels if order["direction"] == "ASC" else labels[::-1]

    return by_offset("labels", "LabelConnection", arguments, read)


PULL_RESOLVERS: dict[tuple[str, str], Bind] = {
    ("Issue", "labels"): _labels,
    ("PullRequest", "closingIssuesReferences"): _closing_issues,
    ("PullRequest", "commits"): _commits,
    ("PullRequest", "labels"): _labels,
    ("PullRequest", "mergeCommit"): _merge_commit,
    ("PullRequest", "reviews"): _reviews,
}
