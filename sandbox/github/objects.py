"""What a repository contains, in the shapes of GitHub's REST answers (checked against its OpenAPI description)."""

from __future__ import annotations

from sandbox.git_objects import EMPTY_TREE, WEB_FLOW
from sandbox.github.index import RepositoryIndex
from sandbox.github.shapes import Json, Shapes, node_id, stable_id, timestamp
from sandbox.world import Commit, Deployment, GitHubIssue, PullRequest, Release, Review


class Objects:
    """Builds the answers about one repository."""

    def __init__(self, shapes: Shapes, index: RepositoryIndex) -> None:
        self._shapes = shapes
        self._index = index
        self._repository = index.repository

    def pull(self, pull: PullRequest) -> Json:
        shapes, repository = self._shapes, self._repository
        number = str(pull.number)
        api = shapes.api(repository, "pulls", number)
        issue_api = shapes.api(repository, "issues", number)
        html = shapes.html(repository, "pull", number)
        head_sha = self._index.head_sha(pull)
        statuses = shapes.api(repository, "statuses", head_sha)
        closed_at = pull.merged_at or pull.closed_at
        pull_id = stable_id("pull", str(repository.id), number)
        assignees = [] if pull.author.is_deleted else [shapes.author(pull.author)]
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
            "user": shapes.author(pull.author),
            "body": pull.body or None,
            "created_at": timestamp(pull.created_at),
            "updated_at": timestamp(pull.updated_at),
            "closed_at": timestamp(closed_at) if closed_at else None,
            "merged_at": timestamp(pull.merged_at) if pull.merged_at else None,
            "merge_commit_sha": pull.merge_commit_sha,
            "assignee": assignees[0] if assignees else None,
            "assignees": assignees,
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
            "base": self._end(pull.base_branch, self._index.base_sha(pull), None),
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

    def pull_detail(self, pull: PullRequest) -> Json:
        """`pull-request`: the listed form with what GitHub works out for a single one."""
        is_open = not pull.merged_at and not pull.closed_at
        return self.pull(pull) | {
            "merged": pull.merged_at is not None,
            "mergeable": True if is_open else None,
            "rebaseable": True if is_open else None,
            "mergeable_state": "clean" if is_open else "unknown",
            "merged_by": self._shapes.author(pull.author) if pull.merged_at else None,
            "comments": 0,
            "review_comments": 0,
            "maintainer_can_modify": False,
            "commits": len(pull.commit_shas),
            "additions": 24,
            "deletions": 9,
            "changed_files": 3,
        }

    def _end(self, branch: str, sha: str, pull: PullRequest | None) -> Json:
        """`head` or `base`; the head belongs to the author of the pull request, the base to the owner."""
        owner = self._repository.owner
        user: object = self._shapes.author(pull.author) if pull else self._shapes.account(owner, "Organization")
        return {
            "label": f"{owner}:{branch}",
            "ref": branch,
            "sha": sha,
            "user": user,
            "repo": self._shapes.repository(self._repository),
        }

    def commit(self, commit: Commit) -> Json:
        shapes, repository = self._shapes, self._repository
        api = shapes.api(repository, "commits", commit.sha)
        is_merged_by_github = commit.sha in self._index.merge_shas
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
                    "sha": EMPTY_TREE,
                    "url": shapes.api(repository, "git", "trees", EMPTY_TREE),
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

    def commit_detail(self, commit: Commit) -> Json:
        """`commit` with the statistics and files that only a single one has; a world knows no files."""
        return self.commit(commit) | {"stats": {"total": 0, "additions": 0, "deletions": 0}, "files": []}

    def issue(self, item: PullRequest | GitHubIssue) -> Json:
        """An issue, or a pull request as the issue that it is, too."""
        shapes, repository = self._shapes, self._repository
        number = str(item.number)
        is_pull = isinstance(item, PullRequest)
        api = shapes.api(repository, "issues", number)
        html = shapes.html(repository, "pull" if is_pull else "issues", number)
        closed_at = (item.merged_at if isinstance(item, PullRequest) else None) or item.closed_at
        kind = "pull" if is_pull else "issue"
        issue_id = stable_id(kind, str(repository.id), number)
        return {
            "url": api,
            "repository_url": shapes.api(repository),
            "labels_url": f"{api}/labels{{/name}}",
            "comments_url": f"{api}/comments",
            "events_url": f"{api}/events",
            "html_url": html,
            "id": issue_id,
            "node_id": node_id("PR_" if is_pull else "I_", issue_id),
            "number": item.number,
            "title": item.title,
            "user": shapes.author(item.author),
            "labels": [shapes.label(repository, name) for name in item.labels],
            "state": "closed" if closed_at else "open",
            "locked": False,
            "assignee": None,
            "assignees": [],
            "milestone": None,
            "comments": 0,
            "created_at": timestamp(item.created_at),
            "updated_at": timestamp(item.updated_at),
            "closed_at": timestamp(closed_at) if closed_at else None,
            "author_association": item.author_association if isinstance(item, PullRequest) else "MEMBER",
            "active_lock_reason": None,
            "body": item.body or None,
            "reactions": self._reactions(api),
            "timeline_url": f"{api}/timeline",
            "performed_via_github_app": None,
            **(
                self._pull_of_issue(item)
                if isinstance(item, PullRequest)
                else {"state_reason": "completed" if closed_at else None}
            ),
        }

    def _pull_of_issue(self, pull: PullRequest) -> Json:
        html = self._shapes.html(self._repository, "pull", str(pull.number))
        return {
            "draft": False,
            "pull_request": {
                "url": self._shapes.api(self._repository, "pulls", str(pull.number)),
                "html_url": html,
                "diff_url": f"{html}.diff",
                "patch_url": f"{html}.patch",
                "merged_at": timestamp(pull.merged_at) if pull.merged_at else None,
            },
        }

    def review(self, pull: PullRequest, review: Review) -> Json:
        """A deleted reviewer is null here, where a deleted author of a pull request is @ghost."""
        html = self._shapes.html(self._repository, "pull", f"{pull.number}#pullrequestreview-{review.id}")
        api = self._shapes.api(self._repository, "pulls", str(pull.number))
        return {
            "id": review.id,
            "node_id": node_id("PRR_", review.id),
            "user": self._shapes.user(review.author),
            "body": review.body,
            "state": review.state,
            "html_url": html,
            "pull_request_url": api,
            "author_association": "MEMBER",
            "_links": {"html": {"href": html}, "pull_request": {"href": api}},
            "submitted_at": timestamp(review.submitted_at),
            "commit_id": self._index.head_sha(pull),
        }

    def deployment(self, deployment: Deployment) -> Json:
        api = self._shapes.api(self._repository, "deployments", str(deployment.id))
        return {
            "url": api,
            "id": deployment.id,
            "node_id": node_id("DE_", deployment.id),
            "sha": deployment.sha,
            "ref": self._repository.default_branch,
            "task": "deploy",
            "payload": {},
            "original_environment": deployment.environment,
            "environment": deployment.environment,
            "description": None,
            "creator": self._shapes.user(deployment.creator),
            "created_at": timestamp(deployment.created_at),
            "updated_at": timestamp(deployment.updated_at),
            "statuses_url": f"{api}/statuses",
            "repository_url": self._shapes.api(self._repository),
            "transient_environment": False,
            "production_environment": deployment.environment == "production",
        }

    def release(self, release: Release) -> Json:
        shapes, repository = self._shapes, self._repository
        api = shapes.api(repository, "releases", str(release.id))
        return {
            "url": api,
            "assets_url": f"{api}/assets",
            "upload_url": f"{api}/assets{{?name,label}}",
            "html_url": shapes.html(repository, "releases", "tag", release.tag),
            "id": release.id,
            "author": shapes.author(release.author),
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

    def _reactions(self, subject_url: str) -> Json:
        counts = ("+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes")
        return {"url": f"{subject_url}/reactions", "total_count": 0} | dict.fromkeys(counts, 0)
