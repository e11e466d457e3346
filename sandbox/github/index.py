"""What a repository knows to find fast: its objects by number and SHA, and its history."""

from __future__ import annotations

from sandbox.world import Commit, PullRequest, Repository

_NO_COMMIT = "0" * 40


class RepositoryIndex:
    """The look-ups of one repository, as long as nothing in it changes."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self.pulls_by_number = {pull.number: pull for pull in repository.pull_requests}
        self.issues_by_number = {issue.number: issue for issue in repository.issues}
        self.commits_by_sha = {commit.sha: commit for commit in (*repository.branch_commits, *repository.commits)}
        self.merge_shas = {pull.merge_commit_sha for pull in repository.pull_requests if pull.merged_at}
        """The commits that GitHub itself made when it merged: their committer is its web interface."""

    def history(self, start: str) -> list[Commit] | None:
        """The commits that `git log start` shows, newest first; None when there is no such branch or commit."""
        commits = self.repository.commits
        if start == self.repository.default_branch or (commits and commits[0].sha == start):
            return commits
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
        return pull.commit_shas[-1] if pull.commit_shas else pull.merge_commit_sha or _NO_COMMIT

    def base_sha(self, pull: PullRequest) -> str:
        merge = self.commits_by_sha.get(pull.merge_commit_sha or "")
        return merge.parents[0] if merge and merge.parents else _NO_COMMIT
