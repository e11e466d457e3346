"""From GitHub's REST answers to the product's words. Pure; a missing or foreign field is a malformed answer."""

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any, TypeVar

from devsync.domain.changelog.collected import Author, Commit, PullRequest, Release
from devsync.runtime.classification import MalformedAnswer

Json = dict[str, Any]
R = TypeVar("R")


def or_malformed(map_entry: Callable[[Json], R]) -> Callable[[Json], R]:
    """Makes a mapping raise MalformedAnswer for an entry that lacks a field or has a foreign value."""

    thing = f"a {map_entry.__name__.partition('_of')[0].replace('_', ' ')}"

    @wraps(map_entry)
    def mapped(entry: Json) -> R:
        try:
            return map_entry(entry)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            what = f"an entry without a usable {error}" if isinstance(error, KeyError) else "a foreign entry"
            raise MalformedAnswer("github", thing, what) from error

    return mapped


def instant(entry: Json, name: str) -> datetime:
    """A time of an entry. Raises MalformedAnswer when it is missing or no time."""
    try:
        return datetime.fromisoformat(entry[name])
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedAnswer("github", "a list", f"an entry whose {name} is no time") from error


@or_malformed
def pull_request_of(entry: Json) -> PullRequest:
    return PullRequest(
        number=entry["number"],
        title=entry["title"] or "",
        body=entry.get("body") or "",
        author=_account(entry.get("user")),
        author_association=entry.get("author_association") or "",
        labels=tuple(label["name"] for label in entry.get("labels") or ()),
        head_branch=entry["head"]["ref"],
        base_branch=entry["base"]["ref"],
        created_at=entry["created_at"],
        merged_at=entry["merged_at"],
        merge_commit_sha=entry.get("merge_commit_sha"),
        url=entry.get("html_url") or "",
    )


@or_malformed
def commit_of(entry: Json) -> Commit:
    """Name and address come from git; login and bot flag from the account, where GitHub knows one."""
    detail = entry["commit"]
    account = entry.get("author") or {}
    author = detail.get("author") or {}
    return Commit(
        sha=entry["sha"],
        message=detail["message"],
        author=Author(
            name=author.get("name") or account.get("login") or "ghost",
            login=account.get("login"),
            email=author.get("email"),
            is_bot=account.get("type") == "Bot",
        ),
        authored_at=author["date"],
        committed_at=detail["committer"]["date"],
        parents=tuple(parent["sha"] for parent in entry["parents"]),
        url=entry.get("html_url") or "",
    )


@or_malformed
def release_of(entry: Json) -> Release:
    return Release(
        tag=entry["tag_name"],
        name=entry.get("name") or "",
        body=entry.get("body") or "",
        is_prerelease=bool(entry.get("prerelease")),
        published_at=entry["published_at"],
        author=_account(entry.get("author")),
        url=entry.get("html_url") or "",
    )


def _account(account: Json | None) -> Author:
    """A deleted user's pull requests have none: GitHub shows them as @ghost."""
    if account is None:
        return Author(name="ghost", login="ghost")
    login = str(account["login"])
    return Author(name=login, login=login, is_bot=account.get("type") == "Bot")
