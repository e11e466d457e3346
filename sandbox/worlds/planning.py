"""Planned changes and issues: what a generator decides before anything has a number, a key or a SHA."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from sandbox.world import Person
from sandbox.worlds.catalog import Landing


class KeyPlace(StrEnum):
    """Where a change names its JIRA issue."""

    TITLE = "title"
    BODY = "body"
    BRANCH = "branch"


@dataclass(eq=False, slots=True)
class PlannedIssue:
    project: str
    issue_type: str
    summary: str
    created_at: datetime
    resolved_at: datetime | None = None
    is_started: bool = False
    """In progress, where it is not resolved."""
    assignee: Person | None = None
    priority: str = "Medium"
    labels: tuple[str, ...] = ()
    key: str = ""
    """Given by the assembly."""


@dataclass(eq=False, slots=True)
class PlannedChange:
    repository: str
    """`owner/name`."""
    title: str
    author: Person
    opened_at: datetime
    landed_at: datetime | None
    """None: still open, or closed at `closed_at`."""
    landing: Landing = Landing.SQUASH
    body: str = ""
    footer: str = ""
    steps: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    co_authors: tuple[Person, ...] = ()
    issue: PlannedIssue | None = None
    key_place: KeyPlace = KeyPlace.TITLE
    mentions: PlannedIssue | None = None
    """An issue named in the body although the title names another: only the title's counts."""
    reverts: PlannedChange | None = None
    known_account: bool = True
    closed_at: datetime | None = None
    number: int = 0
    """Given by the assembly; stays 0 without a pull request."""
    landed_subject: str = ""
    landed_sha: str = ""


@dataclass(eq=False, slots=True)
class PlannedRelease:
    repository: str
    tag: str
    name: str
    body: str
    author: Person
    published_at: datetime
    is_prerelease: bool = False


@dataclass(slots=True)
class Plan:
    """All that happens in a world. The assembly turns it into repositories and projects."""

    repositories: list[str] = field(default_factory=list)
    projects: dict[str, str] = field(default_factory=dict)
    """Name by key."""
    changes: list[PlannedChange] = field(default_factory=list)
    issues: list[PlannedIssue] = field(default_factory=list)
    releases: list[PlannedRelease] = field(default_factory=list)
