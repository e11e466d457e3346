"""The data of a world: what the stand-ins serve. Filled by a generator, a git repository or a history.

Times are aware datetimes in UTC. Everything is plain data; the services turn it into wire format.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Literal


@dataclass(slots=True)
class Person:
    name: str
    login: str
    email: str
    is_bot: bool = False
    is_deleted: bool = False
    """GitHub no longer knows the account: what it wrote stays, with a null user. Git still knows name and address."""


@dataclass(slots=True)
class Commit:
    sha: str
    message: str
    author: Person
    authored_at: datetime
    committed_at: datetime
    parents: list[str] = field(default_factory=list)
    known_account: bool = True
    """False: GitHub knows no account for the address, so the top-level `author` of the answer is null."""


@dataclass(slots=True)
class Review:
    """A submitted review of a pull request."""

    id: int
    author: Person
    state: str
    """`APPROVED`, `CHANGES_REQUESTED`, `COMMENTED` or `DISMISSED`."""
    submitted_at: datetime
    body: str = ""


@dataclass(slots=True)
class PullRequest:
    number: int
    title: str
    body: str
    author: Person
    created_at: datetime
    updated_at: datetime
    merged_at: datetime | None
    merge_commit_sha: str | None
    labels: list[str] = field(default_factory=list)
    head_branch: str = "feature"
    base_branch: str = "main"
    commit_shas: list[str] = field(default_factory=list)
    """The commits of the branch, oldest first. Only a merge commit brings these very ones to the base branch."""
    closed_at: datetime | None = None
    """When it was closed without being merged; open and merged ones have None."""
    author_association: str = "MEMBER"
    reviews: list[Review] = field(default_factory=list)
    """Oldest first."""
    closes: list[int] = field(default_factory=list)
    """Numbers of the repository's issues that its merge closes."""


@dataclass(slots=True)
class GitHubIssue:
    """An issue in the repository itself; it shares the numbers of the pull requests."""

    number: int
    title: str
    body: str
    author: Person
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None = None
    labels: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Release:
    id: int
    tag: str
    name: str
    body: str
    author: Person
    created_at: datetime
    published_at: datetime | None
    is_prerelease: bool = False


@dataclass(slots=True)
class Deployment:
    id: int
    sha: str
    environment: str
    creator: Person
    created_at: datetime
    updated_at: datetime
    state: str = "success"
    """The last status: `success`, `failure`, `error`, `in_progress`, `queued`, `pending` or `inactive`."""


@dataclass(slots=True)
class Repository:
    id: int
    owner: str
    name: str
    default_branch: str = "main"
    commits: list[Commit] = field(default_factory=list)
    """Newest first, as git log prints the default branch."""
    branch_commits: list[Commit] = field(default_factory=list)
    """Commits of pull requests that never reached the default branch: squashed, rebased, open or closed ones."""
    pull_requests: list[PullRequest] = field(default_factory=list)
    releases: list[Release] = field(default_factory=list)
    issues: list[GitHubIssue] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)
    archived_at: datetime | None = None
    former_names: list[str] = field(default_factory=list)
    """`owner/name` of earlier days: GitHub redirects from them."""
    revision: int = 0
    """Raised by whoever changes something inside: what was rendered before is rendered again."""
    git_path: Path | None = None
    """Where it lies on this machine, of a world made from a local repository."""
    mirror_lacks: int = 0
    """Its mirror is behind by so many commits of the default branch."""

    @property
    def full_name(self) -> str:
        return f"{self.owner}/{self.name}"


@dataclass(slots=True)
class GitHubApp:
    """A GitHub App with one installation: on all repositories of `owner`."""

    id: int
    slug: str
    owner: str
    installation_id: int
    public_key: str
    """PEM; who has the private key may sign for the app."""
    token_lifetime: timedelta = timedelta(hours=1)
    token_generation: int = 0
    """Tokens of an earlier one are revoked."""


@dataclass(slots=True)
class Change:
    """One step of an issue's history: at `at`, `field` went from `before` to `after` (None: it was empty)."""

    at: datetime
    field: str
    before: str | None
    after: str | None
    author: Person | None = None


@dataclass(slots=True)
class Issue:
    id: int
    key: str
    summary: str
    issue_type: str
    status: str
    status_category: str
    """JIRA's category key: `new`, `indeterminate` or `done`."""
    created_at: datetime
    updated_at: datetime
    resolved_at: datetime | None = None
    resolution: str | None = None
    priority: str = "Medium"
    labels: list[str] = field(default_factory=list)
    assignee: Person | None = None
    parent_key: str | None = None
    description: str = ""
    """Plain text, paragraphs parted by blank lines."""
    changes: list[Change] = field(default_factory=list)
    """Oldest first. Left empty, the JIRA stand-in tells the one change that `resolved_at` implies."""

    @property
    def project_key(self) -> str:
        return self.key.rsplit("-", 1)[0]


@dataclass(slots=True)
class Project:
    id: int
    key: str
    name: str
    issues: list[Issue] = field(default_factory=list)


@dataclass(slots=True)
class Sprint:
    id: int
    name: str
    state: str
    """`future`, `active` or `closed`."""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    completed_at: datetime | None = None
    goal: str = ""
    issue_keys: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Board:
    id: int
    name: str
    project_key: str
    sprints: list[Sprint] = field(default_factory=list)
    type: Literal["scrum", "kanban"] = "scrum"
    """A Kanban board has no sprints, and says so."""


@dataclass(slots=True)
class CalendarEvent:
    """One event of a team's calendar."""

    uid: str
    summary: str
    start: date | datetime
    """A date: all day."""
    end: date | datetime
    """The first day or instant that no longer belongs to it."""
    marks: dict[str, str] = field(default_factory=dict)
    """Further properties by name, as they stand in the file: `{"TRANSP": "OPAQUE", "RRULE": "FREQ=WEEKLY"}`."""


@dataclass(slots=True)
class TeamCalendar:
    """What the calendar stand-in serves under `/calendars/NAME.ics`."""

    name: str
    timezone: str
    events: list[CalendarEvent] = field(default_factory=list)


Indicator = Literal["none", "minor", "major", "critical"]


@dataclass(slots=True)
class StatusReport:
    """What a service's own status page says of it."""

    indicator: Indicator = "none"
    incident: str = ""
    """Name of the incident that is open; empty: none is."""
    reported_at: datetime | None = None


@dataclass(slots=True)
class TeamSpec:
    """What a world suggests as a team file: the caller writes it, the sandbox knows no product type."""

    team: str
    timezone: str
    repositories: list[str]
    projects: list[str]
    slack_channels: list[str]
    boards: list[int] = field(default_factory=list)
    deployments: list[str] = field(default_factory=list)
    """Environments whose deployments the team counts."""
    calendar: str = ""
    """The name of its calendar."""
    holidays: str = ""
    """The region whose holidays are its own, such as `DE-BE`."""


@dataclass(slots=True)
class World:
    repositories: dict[str, Repository] = field(default_factory=dict)
    """By `owner/name`."""
    projects: dict[str, Project] = field(default_factory=dict)
    """By project key."""
    boards: list[Board] = field(default_factory=list)
    calendars: dict[str, TeamCalendar] = field(default_factory=dict)
    """By name."""
    slack_channels: list[str] = field(default_factory=list)
    """Names without `#`."""
    teams: list[TeamSpec] = field(default_factory=list)
    github_app: GitHubApp | None = None
    week: str = ""
    """The ISO week that the world is about, such as `2026-W47`."""
    jira_deployment: Literal["cloud", "data-center"] = "cloud"
    """Which JIRA the organisation runs."""
    github_hourly_limit: int = 5000
    """GitHub's primary limit for a user's token; worlds of many teams stand for an installation with more."""
    status: dict[str, StatusReport] = field(default_factory=dict)
    """By service, such as `github`; a service that is not in it says that all is well."""

    def repository_named(self, full_name: str) -> Repository | None:
        """By its name or by one that it had before, as long as no other took that; case counts for nothing."""
        if full_name in self.repositories:
            return self.repositories[full_name]
        wanted = full_name.lower()
        repositories = self.repositories.values()
        for repository in repositories:
            if repository.full_name.lower() == wanted:
                return repository
        for repository in repositories:
            if wanted in (name.lower() for name in repository.former_names):
                return repository
        return None
