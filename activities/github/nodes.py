"""From GitHub's GraphQL nodes to the product's words, so that they equal what REST gives. Pure.

A null where the schema has none, or a missing field, is a malformed answer. Where the two APIs word the same thing
differently, REST's word is taken: a bot is `renovate` here and `renovate[bot]` there.
"""

from datetime import datetime

from activities.github.mapping import Json, or_malformed
from devsync.domain.changelog.collected import Author, Commit, PullRequest, Release

_BOT_SUFFIX = "[bot]"
_GHOST = Author(name="ghost", login="ghost")


@or_malformed
def pull_request_of_node(node: Json) -> PullRequest:
    merge = node["mergeCommit"]
    return PullRequest(
        number=node["number"],
        title=node["title"],
        body=node["body"],
        author=_actor(node["author"]),
        author_association=node["authorAssociation"],
        labels=tuple(label["name"] for label in _nodes(node["labels"])),
        head_branch=node["headRefName"],
        base_branch=node["baseRefName"],
        created_at=node["createdAt"],
        merged_at=node["mergedAt"],
        merge_commit_sha=merge["oid"] if merge else None,
        first_commit_at=next((one["commit"]["authoredDate"] for one in _nodes(node["commits"])), None),
        first_reviewed_at=_first_review(node),
        closes=tuple(
            f"{issue['repository']['nameWithOwner']}#{issue['number']}"
            for issue in _nodes(node["closingIssuesReferences"])
        ),
        url=node["url"],
    )


@or_malformed
def commit_of_node(node: Json) -> Commit:
    """Name and address come from git; the login from the account, where GitHub knows one."""
    author = node["author"] or {}
    account = author.get("user") or {}
    login = account.get("login")
    return Commit(
        sha=node["oid"],
        message=node["message"],
        author=Author(
            name=author.get("name") or login or "ghost",
            login=login,
            email=author.get("email"),
            is_bot=(login or "").endswith(_BOT_SUFFIX),
        ),
        authored_at=node["authoredDate"],
        committed_at=node["committedDate"],
        parents=tuple(parent["oid"] for parent in node["parents"]["nodes"]),
        url=node["url"],
    )


@or_malformed
def release_of_node(node: Json) -> Release:
    """The author is None for a bot or a deleted user: the schema knows people only, and does not tell which."""
    author = node["author"]
    return Release(
        tag=node["tagName"],
        name=node["name"] or "",
        body=node["description"] or "",
        is_prerelease=node["isPrerelease"],
        published_at=node["publishedAt"],
        author=Author(name=author["login"], login=author["login"]) if author else None,
        url=node["url"],
    )


def _actor(actor: Json | None) -> Author:
    """A deleted user's pull requests have none: GitHub shows them as @ghost."""
    if actor is None:
        return _GHOST
    is_bot = actor["__typename"] == "Bot"
    login = str(actor["login"])
    if is_bot and not login.endswith(_BOT_SUFFIX):
        login += _BOT_SUFFIX
    return Author(name=login, login=login, is_bot=is_bot)


def _first_review(node: Json) -> datetime | None:
    """The first review by a person who is not the author; a pending one has no time yet."""
    author = node["author"]
    times = [
        datetime.fromisoformat(review["submittedAt"])
        for review in _nodes(node["reviews"])
        if review["submittedAt"]
        and review["author"] is not None
        and review["author"]["__typename"] != "Bot"
        and (author is None or review["author"]["login"] != author["login"])
    ]
    return min(times, default=None)


def _nodes(connection: Json | None) -> list[Json]:
    """These connections are nullable as a whole; a null among their nodes is not."""
    return [] if connection is None else list(connection["nodes"])
