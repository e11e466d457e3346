"""A sandbox world as composition receives it: what GitHub and JIRA would tell of it, without the wire between."""

from __future__ import annotations

from devsync.domain.changelog.collected import (
    Author,
    Commit,
    JiraIssue,
    ProjectData,
    PullRequest,
    Release,
    RepositoryData,
)
from devsync.domain.changelog.composition import CompositionInput, CompositionRules, ProjectUnit, RepositoryUnit
from devsync.domain.changelog.window import week_window
from sandbox import world as made


def plan_of(world: made.World, team: made.TeamSpec, iso_week: str) -> CompositionInput:
    """The team's whole world, not cut to the week: composition does that. `skip-changelog` is excluded."""
    return CompositionInput(
        team=team.team,
        iso_week=iso_week,
        window=week_window(iso_week, team.timezone),
        rules=CompositionRules(exclude_labels=("skip-changelog",), incident_types=("Incident",)),
        repositories=tuple(RepositoryUnit(data=_repository(world.repositories[name])) for name in team.repositories),
        projects=tuple(
            ProjectUnit(data=ProjectData(project=key, issues=tuple(map(_issue, world.projects[key].issues))))
            for key in team.projects
        ),
        units_asked=(*(f"github:{name}" for name in team.repositories), *(f"jira:{key}" for key in team.projects)),
    )


def _repository(repository: made.Repository) -> RepositoryData:
    return RepositoryData(
        repository=repository.full_name,
        default_branch=repository.default_branch,
        commits=tuple(map(_commit, repository.commits)),
        pull_requests=tuple(_pull_request(pull) for pull in repository.pull_requests if pull.merged_at),
        releases=tuple(_release(release) for release in repository.releases if release.published_at),
    )


def _author(person: made.Person, *, is_known: bool = True) -> Author:
    login = person.login if is_known else None
    return Author(name=person.name, login=login, email=person.email, is_bot=person.is_bot and is_known)


def _commit(commit: made.Commit) -> Commit:
    return Commit(
        sha=commit.sha,
        message=commit.message,
        author=_author(commit.author, is_known=commit.known_account),
        authored_at=commit.authored_at,
        committed_at=commit.committed_at,
        parents=tuple(commit.parents),
    )


def _pull_request(pull: made.PullRequest) -> PullRequest:
    """As a list over REST tells it: without the commits of its branch."""
    assert pull.merged_at is not None
    return PullRequest(
        number=pull.number,
        title=pull.title,
        body=pull.body,
        author=Author(name=pull.author.login, login=pull.author.login, is_bot=pull.author.is_bot),
        labels=tuple(pull.labels),
        head_branch=pull.head_branch,
        base_branch=pull.base_branch,
        created_at=pull.created_at,
        merged_at=pull.merged_at,
        merge_commit_sha=pull.merge_commit_sha,
    )


def _release(release: made.Release) -> Release:
    assert release.published_at is not None
    return Release(
        tag=release.tag,
        name=release.name,
        body=release.body,
        is_prerelease=release.is_prerelease,
        published_at=release.published_at,
    )


def _issue(issue: made.Issue) -> JiraIssue:
    return JiraIssue(
        key=issue.key,
        summary=issue.summary,
        issue_type=issue.issue_type,
        status=issue.status,
        resolution=issue.resolution or "",
        priority=issue.priority,
        labels=tuple(issue.labels),
        assignee=issue.assignee.name if issue.assignee else None,
        created_at=issue.created_at,
        resolved_at=issue.resolved_at,
    )
