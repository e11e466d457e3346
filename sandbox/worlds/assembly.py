"""Turns a plan into a world: numbers, keys, branches, commits with parents, as GitHub and JIRA would have made them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from datetime import datetime, timedelta

from sandbox.git_objects import named
from sandbox.world import Commit, Issue, Person, Project, PullRequest, Release, Repository
from sandbox.worlds.catalog import Landing
from sandbox.worlds.planning import KeyPlace, Plan, PlannedChange, PlannedIssue
from sandbox.worlds.reviews import add_reviews

_FIRST_ISSUE_NUMBER = 1180
_FIRST_PULL_NUMBER = 411
_CONVENTIONAL = re.compile(r"(\w+)(?:\([^)]*\))?!?: ")
_NOT_IN_A_BRANCH_NAME = re.compile(r"[^a-z0-9]+")


def assemble(plan: Plan, seed: int) -> tuple[dict[str, Repository], dict[str, Project]]:
    """Repositories by full name and projects by key. The same plan gives the same SHAs: those of git itself."""
    projects = _projects(plan)
    changes_by_repository: dict[str, list[PlannedChange]] = defaultdict(list)
    for change in plan.changes:
        changes_by_repository[change.repository].append(change)
    repositories = {}
    for position, full_name in enumerate(plan.repositories):
        owner, _, name = full_name.partition("/")
        repository = Repository(id=700_000 + position, owner=owner, name=name)
        _RepositoryBuilder(repository).build(changes_by_repository[full_name])
        add_reviews(repository, seed)
        repositories[full_name] = repository
    for position, planned in enumerate(sorted(plan.releases, key=lambda release: release.published_at)):
        release = Release(
            id=9000 + position,
            tag=planned.tag,
            name=planned.name,
            body=planned.body,
            author=planned.author,
            created_at=planned.published_at - timedelta(minutes=4),
            published_at=planned.published_at,
            is_prerelease=planned.is_prerelease,
        )
        repositories[planned.repository].releases.insert(0, release)
    return repositories, projects


def _projects(plan: Plan) -> dict[str, Project]:
    projects = {
        key: Project(id=10_000 + position, key=key, name=name)
        for position, (key, name) in enumerate(plan.projects.items())
    }
    for position, planned in enumerate(sorted(plan.issues, key=lambda issue: issue.created_at)):
        project = projects[planned.project]
        planned.key = f"{planned.project}-{_FIRST_ISSUE_NUMBER + len(project.issues)}"
        project.issues.append(_issue(20_000 + position, planned))
    return projects


def _issue(issue_id: int, planned: PlannedIssue) -> Issue:
    if planned.resolved_at:
        status, category = "Done", "done"
    elif planned.is_started:
        status, category = "In Progress", "indeterminate"
    else:
        status, category = "To Do", "new"
    return Issue(
        id=issue_id,
        key=planned.key,
        summary=planned.summary,
        issue_type=planned.issue_type,
        status=status,
        status_category=category,
        created_at=planned.created_at,
        updated_at=planned.resolved_at or planned.created_at,
        resolved_at=planned.resolved_at,
        resolution="Done" if planned.resolved_at else None,
        priority=planned.priority,
        labels=list(planned.labels),
        assignee=planned.assignee,
    )


class _RepositoryBuilder:
    """Replays a repository's changes in the order in which they landed."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._main: list[Commit] = []
        """First parents of the default branch, oldest first."""
        self._main_times: list[datetime] = []
        self._merged_branches: list[Commit] = []

    def build(self, changes: list[PlannedChange]) -> None:
        pull_requests = [change for change in changes if change.landing is not Landing.COMMIT]
        for number, change in enumerate(sorted(pull_requests, key=_opened_at), start=_FIRST_PULL_NUMBER):
            change.number = number
        unmerged = [change for change in changes if change.landed_at is None]
        landed = [change for change in changes if change.landed_at is not None]
        if changes:
            self._begin(min(changes, key=_opened_at))
        for change in sorted(landed, key=_landed_at):
            self._land(change, _landed_at(change))
        for change in unmerged:
            self._leave_open(change)
        commits = [*self._main, *self._merged_branches]
        # git log shows the newest first; a stable sort keeps commits of the same second in the order of landing.
        order = {commit.sha: position for position, commit in enumerate(commits)}
        commits.sort(key=lambda commit: (commit.committed_at, order[commit.sha]), reverse=True)
        self._repository.commits = commits
        self._repository.pull_requests.sort(key=lambda pull: pull.number, reverse=True)

    def _begin(self, first: PlannedChange) -> None:
        """The root that the first branch leaves from, long before anything else."""
        at = first.opened_at - timedelta(days=60)
        self._append(self._commit("Initial commit", first, at, at, []))

    def _land(self, change: PlannedChange, landed_at: datetime) -> None:
        title = _title(change)
        if change.landing is Landing.COMMIT:
            message = _message(title, [_commit_revert_text(change), _body(change), change.footer, _trailers(change)])
            commit = self._commit(message, change, landed_at, landed_at, self._tip())
            change.landed_subject = title
            self._append(commit)
        else:
            branch = self._branch(change, title, landed_at)
            land = {Landing.SQUASH: self._squash, Landing.MERGE: self._merge, Landing.REBASE: self._rebase}
            commit = land[change.landing](change, title, landed_at, branch)
            self._add_pull(change, branch, commit.sha)
        change.landed_sha = commit.sha

    def _squash(self, change: PlannedChange, title: str, landed_at: datetime, branch: list[Commit]) -> Commit:
        self._repository.branch_commits.extend(branch)
        change.landed_subject = f"{title} (#{change.number})"
        message = _message(change.landed_subject, [change.footer, _trailers(change)])
        commit = self._commit(message, change, branch[-1].authored_at, landed_at, self._tip(), is_merge=True)
        self._append(commit)
        return commit

    def _merge(self, change: PlannedChange, title: str, landed_at: datetime, branch: list[Commit]) -> Commit:
        self._merged_branches.extend(branch)
        owner = self._repository.owner
        subject = f"Merge pull request #{change.number} from {owner}/{_branch_name(change)}"
        change.landed_subject = subject
        parents = [*self._tip(), branch[-1].sha]
        commit = self._commit(_message(subject, [title]), change, landed_at, landed_at, parents, is_merge=True)
        self._append(commit)
        return commit

    def _rebase(self, change: PlannedChange, title: str, landed_at: datetime, branch: list[Commit]) -> Commit:
        self._repository.branch_commits.extend(branch)
        for original in branch:
            message = original.message
            if len(branch) > 1:
                # Only the last commit is the merge commit; the team marks the others, as lists cannot tell.
                subject, _, rest = message.partition("\n")
                message = f"{subject} (#{change.number})" + (f"\n{rest}" if rest else "")
            is_merge = original is branch[-1]
            commit = self._commit(message, change, original.authored_at, landed_at, self._tip(), is_merge=is_merge)
            self._append(commit)
        change.landed_subject = title
        return commit

    def _leave_open(self, change: PlannedChange) -> None:
        title = _title(change)
        branch = self._branch(change, title, change.closed_at or change.opened_at + timedelta(hours=2))
        self._repository.branch_commits.extend(branch)
        self._add_pull(change, branch, None)

    def _branch(self, change: PlannedChange, title: str, until: datetime) -> list[Commit]:
        """The branch's commits, half an hour apart, the last of them half an hour before `until`."""
        subjects = change.steps or (title,)
        commits: list[Commit] = []
        for position, subject in enumerate(subjects):
            at = until - timedelta(minutes=30 * (len(subjects) - position))
            parents = [commits[-1].sha] if commits else self._tip(at)
            is_last = position == len(subjects) - 1
            message = _message(subject, [change.footer, _trailers(change)] if is_last else [])
            commits.append(self._commit(message, change, at, at, parents))
        return commits

    def _add_pull(self, change: PlannedChange, branch: list[Commit], merge_sha: str | None) -> None:
        self._repository.pull_requests.append(
            PullRequest(
                number=change.number,
                title=_title(change),
                body=_body(change),
                author=change.author,
                created_at=change.opened_at,
                updated_at=change.landed_at or change.closed_at or change.opened_at,
                merged_at=change.landed_at,
                merge_commit_sha=merge_sha,
                labels=list(change.labels),
                head_branch=_branch_name(change),
                commit_shas=[commit.sha for commit in branch],
                closed_at=change.closed_at,
            )
        )

    def _commit(
        self,
        message: str,
        change: PlannedChange,
        authored_at: datetime,
        committed_at: datetime,
        parents: list[str],
        *,
        is_merge: bool = False,
    ) -> Commit:
        commit = Commit("", message, change.author, authored_at, committed_at, parents, change.known_account)
        return named(commit, is_merged_by_github=is_merge)

    def _append(self, commit: Commit) -> None:
        self._main.append(commit)
        self._main_times.append(commit.committed_at)

    def _tip(self, at: datetime | None = None) -> list[str]:
        """The head of the default branch (at an instant) as a list of parents; empty before the first commit."""
        count = len(self._main) if at is None else bisect_right(self._main_times, at)
        return [self._main[count - 1].sha] if count else []


def _opened_at(change: PlannedChange) -> datetime:
    return change.opened_at


def _landed_at(change: PlannedChange) -> datetime:
    assert change.landed_at is not None, "only landed changes are asked"
    return change.landed_at


def _title(change: PlannedChange) -> str:
    if change.reverts is not None:
        return f'Revert "{_reverted_subject(change.reverts, change.landing)}"'
    if change.issue is None or change.key_place is not KeyPlace.TITLE:
        return change.title
    is_conventional = _CONVENTIONAL.match(change.title)
    return f"{change.title} ({change.issue.key})" if is_conventional else f"[{change.issue.key}] {change.title}"


def _reverted_subject(reverted: PlannedChange, landing: Landing) -> str:
    """GitHub's button quotes the pull request's title, git the commit's subject."""
    return reverted.landed_subject if landing is Landing.COMMIT else _title(reverted)


def _body(change: PlannedChange) -> str:
    paragraphs = []
    if change.reverts is not None and change.landing is not Landing.COMMIT:
        paragraphs.append(f"Reverts {change.repository}#{change.reverts.number}")
    paragraphs.append(change.body)
    if change.issue is not None and change.key_place is KeyPlace.BODY:
        paragraphs.append(f"Closes {change.issue.key}")
    if change.mentions is not None:
        paragraphs.append(f"Found while looking into {change.mentions.key}.")
    if change.landing is not Landing.COMMIT:
        paragraphs.append(change.footer)
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _commit_revert_text(change: PlannedChange) -> str:
    return f"This reverts commit {change.reverts.landed_sha}." if change.reverts else ""


def _trailers(change: PlannedChange) -> str:
    return "\n".join(f"Co-authored-by: {_address(person)}" for person in change.co_authors)


def _address(person: Person) -> str:
    return f"{person.name} <{person.email}>"


def _message(subject: str, paragraphs: list[str]) -> str:
    return "\n\n".join([subject, *(paragraph for paragraph in paragraphs if paragraph)])


def _branch_name(change: PlannedChange) -> str:
    if change.reverts is not None:
        return f"revert-{change.reverts.number}-{_slug(change.reverts.title)}"
    conventional = _CONVENTIONAL.match(change.title)
    words = _slug(change.title[conventional.end() :] if conventional else change.title)
    if change.author.is_bot:
        return f"{change.author.login.removesuffix('[bot]')}/{words}"
    folder = "fix" if conventional and conventional[1] == "fix" else "feature"
    if change.issue is not None and change.key_place is not KeyPlace.BODY:
        return f"{folder}/{change.issue.key}-{words}"
    return f"{folder}/{words}"


def _slug(text: str) -> str:
    return _NOT_IN_A_BRANCH_NAME.sub("-", text.lower()).strip("-")[:40].rstrip("-")
