"""What one repository answers: each object rendered to JSON bytes once, when first asked for; a page is a join.

A page of 100 pull requests is about 1.7 MB; rendering it per request would make the stand-in slower than what is
measured against it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from sandbox.github.index import RepositoryIndex
from sandbox.github.objects import Objects
from sandbox.github.shapes import Shapes
from sandbox.world import Commit, Deployment, GitHubIssue, PullRequest, Release, Repository, Review


@dataclass(frozen=True, slots=True)
class Rendered:
    """One object's JSON and a short digest of it, from which the ETag of a page is made."""

    body: bytes
    digest: bytes

    @classmethod
    def of(cls, value: object) -> Rendered:
        body = orjson.dumps(value)
        return cls(body, hashlib.blake2b(body, digest_size=8).digest())


class RepositoryView:
    """The rendered objects of a repository for one base URL, as long as nothing in it changes."""

    def __init__(self, shapes: Shapes, index: RepositoryIndex) -> None:
        self.index = index
        self.repository = index.repository
        self._objects = Objects(shapes, index)
        self._rendered: dict[tuple[str, object], Rendered] = {}

    def pull(self, pull: PullRequest) -> Rendered:
        return self._kept("pull", pull.number, lambda: self._objects.pull(pull))

    def pull_detail(self, pull: PullRequest) -> Rendered:
        return self._kept("pull in detail", pull.number, lambda: self._objects.pull_detail(pull))

    def review(self, pull: PullRequest, review: Review) -> Rendered:
        return self._kept("review", review.id, lambda: self._objects.review(pull, review))

    def commit(self, commit: Commit) -> Rendered:
        return self._kept("commit", commit.sha, lambda: self._objects.commit(commit))

    def commit_detail(self, commit: Commit) -> Rendered:
        return self._kept("commit in detail", commit.sha, lambda: self._objects.commit_detail(commit))

    def issue(self, item: PullRequest | GitHubIssue) -> Rendered:
        return self._kept("issue", item.number, lambda: self._objects.issue(item))

    def release(self, release: Release) -> Rendered:
        return self._kept("release", release.id, lambda: self._objects.release(release))

    def deployment(self, deployment: Deployment) -> Rendered:
        return self._kept("deployment", deployment.id, lambda: self._objects.deployment(deployment))

    def _kept(self, kind: str, key: object, make: Callable[[], object]) -> Rendered:
        rendered = self._rendered.get((kind, key))
        if rendered is None:
            rendered = self._rendered[kind, key] = Rendered.of(make())
        return rendered


class Views:
    """The views of a world, made at the first request for each repository and base URL.

    A world may grow while it is served: an object added to a repository's lists is seen by the next request.
    A change inside an object is seen once the repository's `revision` is raised.
    """

    def __init__(self) -> None:
        self._shapes: dict[str, Shapes] = {}
        self._views: dict[tuple[str, int], tuple[tuple[int, ...], RepositoryView]] = {}

    def of(self, base_url: str, repository: Repository) -> RepositoryView:
        state = (
            repository.revision,
            len(repository.commits),
            len(repository.branch_commits),
            len(repository.pull_requests),
            len(repository.releases),
            len(repository.issues),
            len(repository.deployments),
        )
        key = (base_url, repository.id)
        known = self._views.get(key)
        if known is None or known[0] != state:
            shapes = self.shapes(base_url)
            shapes.forget(repository)
            known = self._views[key] = (state, RepositoryView(shapes, RepositoryIndex(repository)))
        return known[1]

    def shapes(self, base_url: str) -> Shapes:
        return self._shapes.setdefault(base_url, Shapes(base_url))
