"""What one repository answers: each object rendered to JSON bytes once, when first asked for; a page is a join.

A page of 100 pull requests is about 1.7 MB; rendering it per request would make the stand-in slower than what is
measured against it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import orjson

from sandbox.github.shapes import WEB_FLOW, Shapes, node_id, stable_id, timestamp
from sandbox.world import Commit, PullRequest, Release, Repository


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
    """The rendered objects of a repository for one base URL."""

    def __init__(self, shapes: Shapes, repository: Repository) -> None:
        self._shapes = shapes
        self.repository = repository
        self.pulls_by_number = {pull.number: pull for pull in repository.pull_requests}
        self.commits_by_sha = {commit.sha: commit for commit in (*repository.branch_commits, *repository.commits)}
        self._merge_shas = {pull.merge_commit_sha for pull in repository.pull_requests if pull.merged_at}
        self._pulls: dict[int, Rendered] = {}
        self._commits: dict[str, Rendered] = {}
        self._releases: dict[int, Rendered] = {}

    def pull(self, pull: PullRequest) -> Rendered:
        if pull.number not in self._pulls:
            self._pulls[pull.number] = Rendered.of(self._pull(pull))
        return self._pulls[pull.number]

    def commit(self, commit: Commit) -> Rendered:
        if commit.sha not in self._commits:
            self._commits[commit.sha] = Rendered.of(self._commit(commit))
        return self._commits[commit.sha]

    def release(self, release: Release) -> Rendered:
        if release.id not in self._releases:
            self._releases[release.id] = Rendered.of(self._release(release))
        return self._releases[release.id]

    def history(self, start: str) -> list[Commit] | None:
        """The commits that `git log start` shows, newest first; None when there is no such branch or commit."""
        if start == self.repository.default_branch:
            return self.repository.commits
        heads = {pull.head_branch: pull.commit_shas[-1] for pull in self.repository.pull_requests if pull.commit_shas}
        sha = heads.get(start, start)
        if sha not in self.commits_by_sha:
            return None
        found: dict[str, Commit] = {}
        waiting = [sha]
        while waiting:
            commit = self.commits_by_sha.get(waiting.pop())
            if commit is not None and commit.sha not in found:
                found[commit.sha] = commit
                waiting.extend(commit.parents)
        return sorted(found.values(), key=lambda commit: commit.committed_at, reverse=True)

    def pulls_of_commit(self, sha: str) -> list[PullRequest]:
        """Those that it merged, or whose branch it was on."""
        return [
            pull for pull in self.repository.pull_requests if sha == pull.merge_commit_sha or sha in pull.commit_shas
        ]

    def head_sha(self, pull: PullRequest) -> str:
        return pull.commit_shas[-1] if pull.commit_shas else pull.merge_commit_sha or "0" * 40

    def base_sha(self, pull: PullRequest) -> str:
        merge = self.commits_by_sha.get(pull.merge_commit_sha or "")
        return merge.parents[0] if merge and merge.parents else "0" * 40

    def pull_detail(self, pull: PullRequest) -> Rendered:
        """`pull-request`: the listed form with what GitHub works out for a single one."""
        is_open = not pull.merged_at and not pull.closed_at
        return Rendered.of(
            self._pull(pull)
            | {
                "merged": pull.merged_at is not None,
                "mergeable": True if is_open else None,
                "rebaseable": True if is_open else None,
                "mergeable_state": "clean" if is_open else "unknown",
                "merged_by": self._shapes.user(pull.author) if pull.merged_at else None,
                "comments": 0,
                "review_comments": 0,
                "maintainer_can_modify": False,
                "commits": len(pull.commit_shas),
                "additions": 24,
                "deletions": 9,
                "changed_files": 3,
            }
        )

    def commit_detail(self, commit: Commit) -> Rendered:
        """`commit` with the statistics and files that only a single one has; a world knows no files."""
        return Rendered.of(self._commit(commit) | {"stats": {"total": 0, "additions": 0, "deletions": 0}, "files": []})

    def issue(self, pull: PullRequest) -> Rendered:
        """A pull request as the issue that it is, too."""
        issue_api = self._shapes.api(self.repository, "issues", str(pull.number))
        html = self._shapes.html(self.repository, "pull", str(pull.number))
        closed_at = pull.merged_at or pull.closed_at
        issue_id = stable_id("pull", str(self.repository.id), str(pull.number))
        return Rendered.of(
            {
                "url": issue_api,
                "repository_url": self._shapes.api(self.repository),
                "labels_url": f"{issue_api}/labels{{/name}}",
                "comments_url": f"{issue_api}/comments",
                "events_url": f"{issue_api}/events",
                "html_url": html,
                "id": issue_id,
                "node_id": node_id("PR_", issue_id),
                "number": pull.number,
                "title": pull.title,
                "user": self._shapes.user(pull.author),
                "labels": [self._shapes.label(self.repository, name) for name in pull.labels],
                "state": "closed" if closed_at else "open",
                "locked": False,
                "assignee": None,
                "assignees": [],
                "milestone": None,
                "comments": 0,
                "created_at": timestamp(pull.created_at),
                "updated_at": timestamp(pull.updated_at),
                "closed_at": timestamp(closed_at) if closed_at else None,
                "author_association": pull.author_association,
                "active_lock_reason": None,
                "draft": False,
                "pull_request": {
                    "url": self._shapes.api(self.repository, "pulls", str(pull.number)),
                    "html_url": html,
                    "diff_url": f"{html}.diff",
                    "patch_url": f"{html}.patch",
                    "merged_at": timestamp(pull.merged_at) if pull.merged_at else None,
                },
                "body": pull.body or None,
                "reactions": self._reactions(issue_api),
                "timeline_url": f"{issue_api}/timeline",
                "performed_via_github_app": None,
            }
        )

    def _pull(self, pull: PullRequest) -> dict[str, object]:
        shapes, repository = self._shapes, self.repository
        number = str(pull.number)
        api = shapes.api(repository, "pulls", number)
        issue_api = shapes.api(repository, "issues", number)
        html = shapes.html(repository, "pull", number)
        head_sha = self.head_sha(pull)
        statuses = shapes.api(repository, "statuses", head_sha)
        closed_at = pull.merged_at or pull.closed_at
        pull_id = stable_id("pull", str(repository.id), number)
        return {
            "url": api,
            "id": pull_id,
            "node_id": node_id("PR_", pull_id),
            "html_url": html,
            "diff_url": f"{html}.diff",
            "patch_url": f"{html}.patch",
            "issue_url": issue_api,
            "number": pull.number,
            "state": "closed" if closed_at else "open",
            "locked": False,
            "title": pull.title,
            "user": shapes.user(pull.author),
            "body": pull.body or None,
            "created_at": timestamp(pull.created_at),
            "updated_at": timestamp(pull.updated_at),
            "closed_at": timestamp(closed_at) if closed_at else None,
            "merged_at": timestamp(pull.merged_at) if pull.merged_at else None,
            "merge_commit_sha": pull.merge_commit_sha,
            "assignee": shapes.user(pull.author),
            "assignees": [shapes.user(pull.author)],
            "requested_reviewers": [],
            "requested_teams": [],
            "labels": [shapes.label(repository, name) for name in pull.labels],
            "milestone": None,
            "draft": False,
            "commits_url": f"{api}/commits",
            "review_comments_url": f"{api}/comments",
            "review_comment_url": f"{shapes.api(repository, 'pulls')}/comments{{/number}}",
            "comments_url": f"{issue_api}/comments",
            "statuses_url": statuses,
            "head": self._end(pull.head_branch, head_sha, pull),
            "base": self._end(pull.base_branch, self.base_sha(pull), None),
            "_links": {
                "self": {"href": api},
                "html": {"href": html},
                "issue": {"href": issue_api},
                "comments": {"href": f"{issue_api}/comments"},
                "review_comments": {"href": f"{api}/comments"},
                "review_comment": {"href": f"{shapes.api(repository, 'pulls')}/comments{{/number}}"},
                "commits": {"href": f"{api}/commits"},
                "statuses": {"href": statuses},
            },
            "author_association": pull.author_association,
            "auto_merge": None,
            "active_lock_reason": None,
        }

    def _end(self, branch: str, sha: str, pull: PullRequest | None) -> dict[str, object]:
        """`head` or `base`; the head belongs to the author of the pull request, the base to the owner."""
        owner = self.repository.owner
        user: object = self._shapes.user(pull.author) if pull else self._shapes.account(owner, "Organization")
        return {
            "label": f"{owner}:{branch}",
            "ref": branch,
            "sha": sha,
            "user": user,
            "repo": self._shapes.repository(self.repository),
        }

    def _commit(self, commit: Commit) -> dict[str, object]:
        shapes, repository = self._shapes, self.repository
        api = shapes.api(repository, "commits", commit.sha)
        is_merged_by_github = commit.sha in self._merge_shas
        author = shapes.user(commit.author) if commit.known_account else None
        committer = WEB_FLOW if is_merged_by_github else commit.author
        return {
            "sha": commit.sha,
            "node_id": node_id("C_", stable_id("commit", commit.sha)),
            "commit": {
                "author": {
                    "name": commit.author.name,
                    "email": commit.author.email,
                    "date": timestamp(commit.authored_at),
                },
                "committer": {
                    "name": committer.name,
                    "email": committer.email,
                    "date": timestamp(commit.committed_at),
                },
                "message": commit.message,
                "tree": {
                    "sha": hashlib.sha1(commit.sha.encode()).hexdigest(),
                    "url": shapes.api(repository, "git", "trees", commit.sha),
                },
                "url": shapes.api(repository, "git", "commits", commit.sha),
                "comment_count": 0,
                "verification": {
                    "verified": is_merged_by_github,
                    "reason": "valid" if is_merged_by_github else "unsigned",
                    "signature": None,
                    "payload": None,
                    "verified_at": timestamp(commit.committed_at) if is_merged_by_github else None,
                },
            },
            "url": api,
            "html_url": shapes.html(repository, "commit", commit.sha),
            "comments_url": f"{api}/comments",
            "author": author,
            "committer": shapes.user(WEB_FLOW) if is_merged_by_github else author,
            "parents": [
                {
                    "sha": parent,
                    "url": shapes.api(repository, "commits", parent),
                    "html_url": shapes.html(repository, "commit", parent),
                }
                for parent in commit.parents
            ],
        }

    def _release(self, release: Release) -> dict[str, object]:
        shapes, repository = self._shapes, self.repository
        api = shapes.api(repository, "releases", str(release.id))
        return {
            "url": api,
            "assets_url": f"{api}/assets",
            "upload_url": f"{api}/assets{{?name,label}}",
            "html_url": shapes.html(repository, "releases", "tag", release.tag),
            "id": release.id,
            "author": shapes.user(release.author),
            "node_id": node_id("RE_", release.id),
            "tag_name": release.tag,
            "target_commitish": repository.default_branch,
            "name": release.name,
            "draft": release.published_at is None,
            "immutable": False,
            "prerelease": release.is_prerelease,
            "created_at": timestamp(release.created_at),
            "updated_at": timestamp(release.published_at or release.created_at),
            "published_at": timestamp(release.published_at) if release.published_at else None,
            "assets": [],
            "tarball_url": shapes.api(repository, "tarball", release.tag),
            "zipball_url": shapes.api(repository, "zipball", release.tag),
            "body": release.body,
        }

    def _reactions(self, subject_url: str) -> dict[str, object]:
        counts = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")
        return {"url": f"{subject_url}/reactions", "total_count": 0} | dict.fromkeys(counts, 0)


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
            known = self._views[key] = (state, RepositoryView(shapes, repository))
        return known[1]

    def shapes(self, base_url: str) -> Shapes:
        return self._shapes.setdefault(base_url, Shapes(base_url))
