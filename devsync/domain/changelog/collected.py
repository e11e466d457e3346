"""What the sources deliver, in the product's own words: the input of composition.

An activity maps a service's answer to these models and stores them as one artifact per unit (a repository, a
JIRA project). Nothing here is filtered or classified yet.
"""

from datetime import datetime

from devsync.domain.model import Model


class Author(Model):
    """Who wrote something. `login` is None where the service knows no account for the address."""

    name: str
    login: str | None = None
    email: str | None = None
    is_bot: bool = False


class Commit(Model):
    """One commit of the default branch. `committed_at` decides the week (GitHub filters by it, too)."""

    sha: str
    message: str
    author: Author
    authored_at: datetime
    committed_at: datetime
    parents: tuple[str, ...] = ()
    url: str = ""


class PullRequest(Model):
    """One merged pull request. `merged_at` decides the week.

    Commits join by `merge_commit_sha`, by "(#n)" in the subject and by parents: what GitHub tells without a call
    per pull request.
    """

    number: int
    title: str
    body: str = ""
    author: Author
    labels: tuple[str, ...] = ()
    head_branch: str = ""
    base_branch: str = ""
    created_at: datetime
    merged_at: datetime
    merge_commit_sha: str | None = None
    author_association: str = ""
    """GitHub's word for the author's tie to the repository, such as `FIRST_TIME_CONTRIBUTOR`.

    It tells the tie at the time of asking: once the pull request is merged, a list mostly says `CONTRIBUTOR`, so
    that a first-timer is rarely seen by it alone (hence `CompositionInput.known_people`).
    """
    first_commit_at: datetime | None = None
    """When its first commit was written: where work on it began. Like the two below known to GraphQL only, and
    so for metrics and links, never for what an item is."""
    first_reviewed_at: datetime | None = None
    """The first review by a person other than the author."""
    closes: tuple[str, ...] = ()
    """The GitHub issues that its merge closes, as `owner/name#12`."""
    url: str = ""


class Release(Model):
    """One published release. `published_at` decides the week."""

    tag: str
    name: str = ""
    body: str = ""
    is_prerelease: bool = False
    published_at: datetime
    author: Author | None = None
    url: str = ""


class RepositoryData(Model):
    """All that one repository gave for one window."""

    repository: str
    """`owner/name`."""
    default_branch: str = ""
    commits: tuple[Commit, ...] = ()
    pull_requests: tuple[PullRequest, ...] = ()
    releases: tuple[Release, ...] = ()


class JiraIssue(Model):
    """One issue that was resolved in the window."""

    key: str
    summary: str
    issue_type: str = ""
    status: str = ""
    resolution: str = ""
    priority: str = ""
    labels: tuple[str, ...] = ()
    assignee: str | None = None
    parent_key: str | None = None
    parent_summary: str | None = None
    created_at: datetime
    resolved_at: datetime | None = None
    url: str = ""


class ProjectData(Model):
    """All that one JIRA project gave for one window."""

    project: str
    issues: tuple[JiraIssue, ...] = ()
