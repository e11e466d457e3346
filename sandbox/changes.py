"""What may happen to a world while it is served: each change as data, so that a test or a script can ask for it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from sandbox.git_objects import named
from sandbox.world import Commit, Indicator, Person, PullRequest, Repository, StatusReport, World


class ImpossibleChange(ValueError):
    """The world has nothing that could change so."""


class _Change(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RenameRepository(_Change):
    """The old name redirects from then on."""

    kind: Literal["rename_repository"] = "rename_repository"
    repository: str
    name: str
    """The new `owner/name`."""

    def apply(self, world: World, now: datetime) -> None:
        repository = _repository(world, self.repository)
        if self.name in world.repositories:
            raise ImpossibleChange(f"{self.name} exists")
        owner, slash, name = self.name.partition("/")
        if not (owner and slash and name):
            raise ImpossibleChange(f'"{self.name}" is not owner/name')
        former = repository.full_name
        del world.repositories[former]
        repository.owner, repository.name = owner, name
        repository.former_names.append(former)
        world.repositories[repository.full_name] = repository
        repository.revision += 1


class ArchiveRepository(_Change):
    kind: Literal["archive_repository"] = "archive_repository"
    repository: str

    def apply(self, world: World, now: datetime) -> None:
        repository = _repository(world, self.repository)
        repository.archived_at = now
        repository.revision += 1


class ForcePush(_Change):
    """Rewrites the newest commits of the default branch: same messages and times, new SHAs.

    GitHub still knows the old ones by SHA, and the pull requests still name them as their merge commits. The new SHAs
    are none of git's: nobody has a mirror of such a repository.
    """

    kind: Literal["force_push"] = "force_push"
    repository: str
    rewritten: int = Field(ge=1)
    """How many of the newest commits."""
    dropped: int = Field(default=0, ge=0)
    """How many of these, the newest first, are gone from the branch."""

    def apply(self, world: World, now: datetime) -> None:
        repository = _repository(world, self.repository)
        if self.rewritten > len(repository.commits) or self.dropped > self.rewritten:
            raise ImpossibleChange(f"{self.repository} has {len(repository.commits)} commits")
        old = repository.commits[: self.rewritten]
        new_shas = {commit.sha: _sha("rewritten", commit.sha) for commit in old}
        rewritten = [
            replace(
                commit, sha=new_shas[commit.sha], parents=[new_shas.get(parent, parent) for parent in commit.parents]
            )
            for commit in old[self.dropped :]
        ]
        repository.commits[: self.rewritten] = rewritten
        repository.branch_commits.extend(old)
        repository.revision += 1


class AddCommit(_Change):
    """A commit on the default branch, by the author of the newest one."""

    kind: Literal["add_commit"] = "add_commit"
    repository: str
    message: str
    committed_at: AwareDatetime | None = None
    """None: now."""

    def apply(self, world: World, now: datetime) -> None:
        repository = _repository(world, self.repository)
        at = self.committed_at or now
        _push(repository, Commit("", self.message, _somebody(repository), at, at))
        repository.revision += 1


class AddPullRequest(_Change):
    """A pull request by the author of the newest commit, squashed into the default branch when it is merged."""

    kind: Literal["add_pull_request"] = "add_pull_request"
    repository: str
    title: str
    body: str = ""
    labels: list[str] = []
    merged_at: AwareDatetime | None = None
    """None: it stays open."""

    def apply(self, world: World, now: datetime) -> None:
        repository = _repository(world, self.repository)
        author = _somebody(repository)
        taken = [pull.number for pull in repository.pull_requests] + [issue.number for issue in repository.issues]
        number = max(taken, default=0) + 1
        at = self.merged_at or now
        branch_commit = named(Commit("", self.title, author, at, at, [_tip(repository)]))
        merge_sha = None
        if self.merged_at is not None:
            commit = Commit("", f"{self.title} (#{number})", author, at, at)
            merge_sha = _push(repository, commit, is_merged_by_github=True)
        repository.branch_commits.append(branch_commit)
        repository.pull_requests.append(
            PullRequest(
                number=number,
                title=self.title,
                body=self.body,
                author=author,
                created_at=at,
                updated_at=at,
                merged_at=self.merged_at,
                merge_commit_sha=merge_sha,
                labels=list(self.labels),
                head_branch=f"branch-{number}",
                commit_shas=[branch_commit.sha],
            )
        )
        repository.revision += 1


class EditPullRequest(_Change):
    """What is None stays. Any edit moves `updated_at` to now."""

    kind: Literal["edit_pull_request"] = "edit_pull_request"
    repository: str
    number: int
    title: str | None = None
    body: str | None = None
    labels: list[str] | None = None

    def apply(self, world: World, now: datetime) -> None:
        repository = _repository(world, self.repository)
        pull = next((one for one in repository.pull_requests if one.number == self.number), None)
        if pull is None:
            raise ImpossibleChange(f"{self.repository} has no pull request {self.number}")
        pull.title = pull.title if self.title is None else self.title
        pull.body = pull.body if self.body is None else self.body
        pull.labels = pull.labels if self.labels is None else list(self.labels)
        pull.updated_at = now
        repository.revision += 1


class DeleteUser(_Change):
    """The account goes, what it did stays."""

    kind: Literal["delete_user"] = "delete_user"
    login: str

    def apply(self, world: World, now: datetime) -> None:
        gone: dict[int, Person] = {}
        for repository in world.repositories.values():
            for holder, name in _people(repository):
                person: Person = getattr(holder, name)
                if person.login == self.login:
                    # Worlds share their people: the account goes in this one only.
                    setattr(holder, name, gone.setdefault(id(person), replace(person, is_deleted=True)))
            repository.revision += 1
        if not gone:
            raise ImpossibleChange(f"there is no user {self.login}")


class RevokeTokens(_Change):
    """All installation tokens that the GitHub App was given end before their time; it may ask for new ones."""

    kind: Literal["revoke_tokens"] = "revoke_tokens"

    def apply(self, world: World, now: datetime) -> None:
        if world.github_app is None:
            raise ImpossibleChange("there is no GitHub App")
        world.github_app.token_generation += 1


class DelayMirror(_Change):
    """The repository's mirror was last brought up to date so many commits ago."""

    kind: Literal["delay_mirror"] = "delay_mirror"
    repository: str
    commits: int = Field(ge=0)

    def apply(self, world: World, now: datetime) -> None:
        repository = _repository(world, self.repository)
        if self.commits >= len(repository.commits):
            raise ImpossibleChange(f"{self.repository} has {len(repository.commits)} commits")
        repository.mirror_lacks = self.commits


class ReportStatus(_Change):
    """A service's status page says something else from now on, whether or not it is so."""

    kind: Literal["report_status"] = "report_status"
    service: str
    indicator: Indicator = "none"
    incident: str = ""
    """Name of the open incident; empty: none is open."""

    def apply(self, world: World, now: datetime) -> None:
        world.status[self.service] = StatusReport(self.indicator, self.incident, now)


WorldChange = Annotated[
    RenameRepository
    | ArchiveRepository
    | ForcePush
    | AddCommit
    | AddPullRequest
    | EditPullRequest
    | DeleteUser
    | RevokeTokens
    | DelayMirror
    | ReportStatus,
    Field(discriminator="kind"),
]
WORLD_CHANGE: TypeAdapter[WorldChange] = TypeAdapter(WorldChange)


def _repository(world: World, name: str) -> Repository:
    if name not in world.repositories:
        raise ImpossibleChange(f"there is no repository {name}")
    return world.repositories[name]


def _push(repository: Repository, commit: Commit, *, is_merged_by_github: bool = False) -> str:
    """Onto the tip, under git's name for it; the list stays in the order of committer dates, as git log shows it."""
    commit.parents = [_tip(repository)]
    named(commit, is_merged_by_github=is_merged_by_github)
    position = next(
        (at for at, one in enumerate(repository.commits) if one.committed_at <= commit.committed_at),
        len(repository.commits),
    )
    repository.commits.insert(position, commit)
    return commit.sha


def _tip(repository: Repository) -> str:
    """The commit that no other one follows. Not always the newest: a commit may have been made with an older date."""
    followed = {parent for commit in repository.commits for parent in commit.parents}
    return next(commit.sha for commit in repository.commits if commit.sha not in followed)


def _somebody(repository: Repository) -> Person:
    if not repository.commits:
        raise ImpossibleChange(f"{repository.full_name} has no commit whose author could make another")
    return repository.commits[0].author


def _people(repository: Repository) -> Iterator[tuple[object, str]]:
    """Where a person stands: an object and the name of its attribute."""
    authored = (
        *repository.commits,
        *repository.branch_commits,
        *repository.pull_requests,
        *(review for pull in repository.pull_requests for review in pull.reviews),
        *repository.issues,
        *repository.releases,
    )
    yield from ((one, "author") for one in authored)
    yield from ((deployment, "creator") for deployment in repository.deployments)


def _sha(*parts: str) -> str:
    return hashlib.sha1("/".join(parts).encode()).hexdigest()
