"""Short ways to write down what sources deliver; everything happens on one Tuesday unless told otherwise."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from devsync.domain.changelog.collected import Author, Commit, JiraIssue, PullRequest
from devsync.domain.changelog.edition import Item, Provenance, Section
from devsync.domain.changelog.folding import Change, fold

TUESDAY = datetime.fromisoformat("2026-11-17T12:00:00Z")
REPOSITORY = "acme/api"
ANNA = Author(name="Anna", login="anna")
LIVE = Provenance()


def sha(start: str) -> str:
    return start.ljust(40, "0")


def commit(start: str, message: str = "x", *parents: str, minutes: float = 0, author: Author = ANNA) -> Commit:
    """`start` and `parents` are first digits of SHAs."""
    at = TUESDAY + timedelta(minutes=minutes)
    return Commit(
        sha=sha(start),
        message=message,
        author=author,
        authored_at=at,
        committed_at=at,
        parents=tuple(map(sha, parents)),
    )


def pull(number: int, title: str = "x", *, merge: str = "", minutes: float = 0, **fields: Any) -> PullRequest:
    """`merge` is the first digits of the merge commit's SHA."""
    at = TUESDAY + timedelta(minutes=minutes)
    values: dict[str, Any] = {
        "number": number,
        "title": title,
        "author": ANNA,
        "created_at": at,
        "merged_at": at,
        "merge_commit_sha": sha(merge) if merge else None,
    }
    return PullRequest.model_validate(values | fields)


def changes(
    *records: PullRequest | Commit, repository: str = REPOSITORY, provenance: Provenance = LIVE
) -> list[Change]:
    """The records folded, in order of time."""
    pulls = [(record, provenance) for record in records if isinstance(record, PullRequest)]
    commits = [(record, provenance) for record in records if isinstance(record, Commit)]
    return sorted(fold(repository, pulls, commits), key=lambda change: (change.shipped_at, change.id))


def change(title: str, body: str = "", **fields: Any) -> Change:
    """One pull request."""
    (made,) = changes(pull(1, title, body=body, **fields))
    return made


def issue(key: str = "PAY-1", **fields: Any) -> JiraIssue:
    values: dict[str, Any] = {"key": key, "summary": "Summary", "created_at": TUESDAY, "resolved_at": TUESDAY}
    return JiraIssue.model_validate(values | fields)


def item(id_: str, section: Section = Section.FEATURES, **fields: Any) -> Item:
    values: dict[str, Any] = {"id": id_, "section": section, "title": "x", "shipped_at": TUESDAY}
    return Item.model_validate(values | {"repository": REPOSITORY} | fields)
