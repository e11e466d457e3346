"""From bare commits to a repository with pull requests: what a git log tells about how its changes were merged."""

from __future__ import annotations

import hashlib
import re

from sandbox.world import Commit, PullRequest, Repository

_SQUASH_SUFFIX = re.compile(r" ?\(#(\d+)\)$")
_MERGE_SUBJECT = re.compile(r"Merge pull request #(\d+) from [^/\s]+/(\S+)")


def repository_of(repository_id: int, owner: str, name: str, commits: list[Commit]) -> Repository:
    """A repository whose default branch has these commits, newest first.

    A subject that ends in `(#n)` stands for the squash merge of pull request n, "Merge pull request #n from
    owner/branch" for its merge. What git does not know is filled in plainly: a squashed branch had one commit, a
    pull request was opened when its first commit was written. The oldest commit that names a number is its merge.
    """
    repository = Repository(id=repository_id, owner=owner, name=name, commits=commits)
    pulls: dict[int, PullRequest] = {}
    merged_branches = _branches_of_merges(commits)
    for commit in reversed(commits):
        subject, _, rest = commit.message.partition("\n")
        merge = _MERGE_SUBJECT.match(subject)
        squash = _SQUASH_SUFFIX.search(subject)
        if merge and commit.sha in merged_branches and int(merge[1]) not in pulls:
            pulls[int(merge[1])] = _merged(int(merge[1]), merge[2], rest, commit, merged_branches[commit.sha])
        elif squash and int(squash[1]) not in pulls:
            number = int(squash[1])
            title = subject[: squash.start()]
            branch_commit = _squashed_branch(commit, title)
            repository.branch_commits.append(branch_commit)
            pulls[number] = _pull(number, title, rest.strip(), commit, [branch_commit], name=f"pull-{number}")
    repository.pull_requests = sorted(pulls.values(), key=lambda pull: pull.number, reverse=True)
    return repository


def _branches_of_merges(commits: list[Commit]) -> dict[str, list[Commit]]:
    """For each merge of the default branch, by SHA, the commits that it brought, oldest first.

    Walks the first parents from the oldest on, so that each commit belongs to the merge that brought it first.
    """
    by_sha = {commit.sha: commit for commit in commits}
    position = {commit.sha: index for index, commit in enumerate(commits)}
    main: list[Commit] = []
    commit = commits[0] if commits else None
    while commit is not None:
        main.append(commit)
        commit = by_sha.get(commit.parents[0]) if commit.parents else None
    known = {commit.sha for commit in main}
    branches = {}
    for merge in reversed(main):
        brought: list[Commit] = []
        waiting = list(merge.parents[1:])
        while waiting:
            sha = waiting.pop()
            if sha in by_sha and sha not in known:
                known.add(sha)
                brought.append(by_sha[sha])
                waiting.extend(by_sha[sha].parents)
        if len(merge.parents) > 1:
            branches[merge.sha] = sorted(brought, key=lambda one: position[one.sha], reverse=True)
    return branches


def _merged(number: int, branch: str, rest: str, commit: Commit, commits: list[Commit]) -> PullRequest:
    title, _, body = rest.strip().partition("\n")
    return _pull(number, title or branch, body.strip(), commit, commits, name=branch)


def _pull(number: int, title: str, body: str, landed: Commit, branch: list[Commit], *, name: str) -> PullRequest:
    first = branch[0] if branch else landed
    return PullRequest(
        number=number,
        title=title,
        body=body,
        author=first.author,
        created_at=min(first.authored_at, landed.committed_at),
        updated_at=landed.committed_at,
        merged_at=landed.committed_at,
        merge_commit_sha=landed.sha,
        head_branch=name,
        commit_shas=[commit.sha for commit in branch],
    )


def _squashed_branch(landed: Commit, title: str) -> Commit:
    """The branch's one commit, which git has forgotten."""
    return Commit(
        sha=hashlib.sha1(f"branch of {landed.sha}".encode()).hexdigest(),
        message=title,
        author=landed.author,
        authored_at=landed.authored_at,
        committed_at=min(landed.authored_at, landed.committed_at),
        parents=landed.parents[:1],
        known_account=landed.known_account,
    )
