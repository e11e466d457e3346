"""What commits and pull requests tell of JIRA issues while JIRA itself does not answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from devsync.domain.changelog.collected import JiraIssue, RepositoryData
from devsync.domain.changelog.folding import title_and_rest
from devsync.domain.changelog.jira_keys import keys_in, without_framing_keys
from devsync.domain.changelog.texts import one_line

_NUMBER_AT_END = re.compile(r"\s*\(#\d+\)\s*\Z")
"""What a squash merge puts behind a title."""


class _Naming(NamedTuple):
    """A text that may name issues, with the title that it belongs to."""

    rank: int
    """The nearer to a title the surer: the title of a pull request, of a commit, then what stands below them."""
    at: datetime
    title: str
    text: str


def issues_named_by(repositories: Iterable[RepositoryData], project: str) -> tuple[JiraIssue, ...]:
    """The project's issues that are named, by key; each with the title of the surest change that names it.

    Nothing else is known of them: no type, no state, and so no resolution. `created_at` is when the first change that
    names one was made; the issue is older. The order of what is given changes nothing.
    """
    projects = frozenset({project})
    found: dict[str, _Naming] = {}
    first: dict[str, datetime] = {}
    for naming in sorted(_namings(repositories)):
        for key in keys_in(naming.text, projects):
            found.setdefault(key, naming)
            first[key] = min(first.get(key, naming.at), naming.at)
    return tuple(
        JiraIssue(
            key=key,
            summary=one_line(without_framing_keys(found[key].title, [key])),
            created_at=first[key],
        )
        for key in sorted(found, key=_number)
    )


def _namings(repositories: Iterable[RepositoryData]) -> Iterator[_Naming]:
    for repository in repositories:
        for pull in repository.pull_requests:
            yield _Naming(0, pull.created_at, pull.title, pull.title)
            yield _Naming(2, pull.created_at, pull.title, f"{pull.body}\n{pull.head_branch}")
        for commit in repository.commits:
            told, _ = title_and_rest(commit)
            title = _NUMBER_AT_END.sub("", told)
            yield _Naming(1, commit.authored_at, title, told)
            yield _Naming(3, commit.authored_at, title, commit.message)


def _number(key: str) -> int:
    return int(key.rpartition("-")[2])
