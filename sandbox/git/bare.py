"""Bare repositories made of a world's commits by `git fast-import`, with the very SHAs that the world says."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from sandbox.git_objects import author_line, committer_line, message_of
from sandbox.github.index import RepositoryIndex
from sandbox.world import Commit, Release, Repository

_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?<!\.lock)(?<!\.)")
"""Names that git takes for tags; a world may have others."""


def bare_repository(repository: Repository, folder: Path) -> Path | None:
    """The default branch and a tag a release, at `folder`; None where git would name the commits otherwise.

    So it is with worlds whose SHAs are not made of their contents: an anonymised history, or a rewritten branch.
    """
    commits = _parents_first(repository)
    if commits is None:
        return None
    _git(folder.parent, "init", "--quiet", "--bare", f"--initial-branch={repository.default_branch}", str(folder))
    if not commits:
        return folder
    marks = folder / "marks"
    stream = b"".join(_stream(repository, commits))
    _git(folder, "fast-import", "--quiet", "--date-format=raw", f"--export-marks={marks}", given=stream)
    made = dict(line.split() for line in marks.read_text().splitlines())
    marks.unlink()
    if any(made[f":{number}"] != commit.sha for number, commit in enumerate(commits, start=1)):
        return None
    return folder


def _parents_first(repository: Repository) -> list[Commit] | None:
    """What the mirror's branch holds, its head last; None where a parent is not in the world."""
    by_sha = {commit.sha: commit for commit in repository.commits}
    head = _head(repository, by_sha)
    if head is None:
        return []
    found: dict[str, Commit] = {}
    waiting = [head]
    while waiting:
        commit = waiting[-1]
        if any(parent not in by_sha for parent in commit.parents):
            return None
        ahead = [by_sha[parent] for parent in commit.parents if parent not in found]
        if ahead:
            waiting += ahead
        else:
            found.setdefault(commit.sha, commit)
            waiting.pop()
    return list(found.values())


def _head(repository: Repository, by_sha: dict[str, Commit]) -> Commit | None:
    followed = {parent for commit in repository.commits for parent in commit.parents}
    head = next((commit for commit in repository.commits if commit.sha not in followed), None)
    for _ in range(repository.mirror_lacks):
        if head is not None and head.parents:
            head = by_sha.get(head.parents[0])
    return head


def _stream(repository: Repository, commits: list[Commit]) -> Iterator[bytes]:
    branch = f"refs/heads/{repository.default_branch}"
    merge_shas = RepositoryIndex(repository).merge_shas
    marks = {commit.sha: number for number, commit in enumerate(commits, start=1)}
    for number, commit in enumerate(commits, start=1):
        if not commit.parents:
            yield f"reset {branch}\n".encode()
        signed = f"{author_line(commit)}\n{committer_line(commit, commit.sha in merge_shas)}\n"
        yield f"commit {branch}\nmark :{number}\n{signed}".encode() + _data(message_of(commit))
        for position, parent in enumerate(commit.parents):
            yield f"{'merge' if position else 'from'} :{marks[parent]}\n".encode()
        yield b"\n"
    # Whatever was written last, the branch stands at its head.
    yield f"reset {branch}\nfrom :{len(commits)}\n\n".encode()
    for release in repository.releases:
        tagged = _tagged(release, commits)
        if release.published_at is not None and tagged is not None and _REFERENCE.fullmatch(release.tag):
            at = int(release.published_at.timestamp())
            tagger = f"tagger {release.author.name} <{release.author.email}> {at} +0000\n"
            text = f"{release.name or release.tag}\n\n{release.body}".strip() + "\n"
            yield f"tag {release.tag}\nfrom :{marks[tagged.sha]}\n{tagger}".encode() + _data(text.encode())


def _tagged(release: Release, commits: list[Commit]) -> Commit | None:
    before = [commit for commit in commits if commit.committed_at <= release.created_at]
    return max(before, key=lambda commit: commit.committed_at, default=None)


def _data(content: bytes) -> bytes:
    return b"data %d\n" % len(content) + content + b"\n"


def _git(folder: Path, *arguments: str, given: bytes = b"") -> None:
    command = ["git", "-c", "safe.directory=*", *arguments]
    subprocess.run(command, cwd=folder, input=given, capture_output=True, check=True)
