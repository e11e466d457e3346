"""The names that git gives to commits: worlds use them, so that a clone shows the same SHAs as GitHub's answers."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from sandbox.world import Commit, Person

EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""What git calls a commit's content where there are no files: no stand-in shows any."""

WEB_FLOW = Person(name="GitHub", login="web-flow", email="noreply@github.com")
"""Whom GitHub names as committer of what its web interface merged."""


def commit_id(commit: Commit, *, is_merged_by_github: bool) -> str:
    """The SHA of the commit as git makes it from the rest of what the world says of it."""
    content = b"".join(f"{line}\n".encode() for line in _lines(commit, is_merged_by_github)) + message_of(commit)
    return hashlib.sha1(b"commit %d\0" % len(content) + content).hexdigest()


def named(commit: Commit, *, is_merged_by_github: bool = False) -> Commit:
    """The commit, with the SHA that git gives it."""
    commit.sha = commit_id(commit, is_merged_by_github=is_merged_by_github)
    return commit


def message_of(commit: Commit) -> bytes:
    """As it stands in the object: git ends it with a line break, which GitHub does not show."""
    return f"{commit.message}\n".encode()


def author_line(commit: Commit) -> str:
    return f"author {_signed(commit.author, commit.authored_at)}"


def committer_line(commit: Commit, is_merged_by_github: bool) -> str:
    committer = WEB_FLOW if is_merged_by_github else commit.author
    return f"committer {_signed(committer, commit.committed_at)}"


def _lines(commit: Commit, is_merged_by_github: bool) -> list[str]:
    parents = [f"parent {parent}" for parent in commit.parents]
    return [
        f"tree {EMPTY_TREE}", *parents, author_line(commit), committer_line(commit, is_merged_by_github), ""
    ]  # fmt: skip


def _signed(person: Person, at: datetime) -> str:
    return f"{person.name} <{person.email}> {int(at.astimezone(UTC).timestamp())} +0000"
