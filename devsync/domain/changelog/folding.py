"""Telling a change once: a pull request, its commits and its merge commit become one `Change`.

Commits join pull requests without a call per pull request, by what lists of both say. In this order, the first
that holds: the merge commit's SHA, its number in the subject, and the parents (a true merge's second side; the run of
commits that a rebase merge wrote at one instant).

A git mirror has no pull requests: there the merge commit that GitHub wrote tells the change, with what it brought in.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from devsync.domain.changelog.collected import Author, Commit, PullRequest
from devsync.domain.changelog.commit_graph import CommitGraph
from devsync.domain.changelog.edition import Provenance, ProvenanceKind
from devsync.domain.changelog.people import co_authors
from devsync.domain.changelog.texts import one_line, unix_lines, without_html_comments

_NUMBER_AT_END = re.compile(r"\(#(\d{1,9})\)\s*\Z")
_MERGE_SUBJECT = re.compile(r"Merge pull request #(\d{1,9}) ")
_TRAILER = re.compile(r"[A-Za-z-]+-by: ")

_REBASE_SPREAD = timedelta(seconds=2)
"""A rebase merge writes all its commits at once; GitHub's committer dates then differ by a second or two."""


_Owner = int | str
"""Of a commit: its pull request's number, or where that is not known the merge commit's SHA."""


class Change(NamedTuple):
    """One thing that happened to a repository: a merged pull request with its commits, a merge commit with what it
    brought in, or a lone commit."""

    id: str
    """`owner/name#12` or `owner/name@<12 hex digits>`."""
    repository: str
    pull_request: PullRequest | None
    commits: tuple[Commit, ...]
    """The collected ones, oldest first; a merge commit that tells the change is last."""
    title: str
    """One line, as written."""
    body: str
    """The rest of the text, without HTML comments, which no reader sees."""
    provenance: Provenance
    shas: tuple[str, ...]
    """Full SHAs, oldest first; a merge commit that was not collected is last."""

    @property
    def shipped_at(self) -> datetime:
        return self.pull_request.merged_at if self.pull_request is not None else self.commits[-1].committed_at

    @property
    def url(self) -> str:
        return self.pull_request.url if self.pull_request is not None else self.commits[-1].url

    @property
    def merge_sha(self) -> str | None:
        """Of the commit by which it came in, as its pull request says, or several commits together."""
        if self.pull_request is not None:
            return self.pull_request.merge_commit_sha
        return self.commits[-1].sha if len(self.commits) > 1 else None

    @property
    def labels(self) -> tuple[str, ...]:
        return self.pull_request.labels if self.pull_request is not None else ()

    @property
    def author(self) -> Author:
        return self.pull_request.author if self.pull_request is not None else self.commits[0].author

    @property
    def authors(self) -> list[Author]:
        """The author, then the commits' authors and all co-authors, some twice; not who only merged."""
        found = [self.author]
        for commit in self.commits:
            if len(commit.parents) < 2:
                found.append(commit.author)
            found.extend(co_authors(commit.message))
        if self.pull_request is not None:
            found.extend(co_authors(self.body))
        # Squash merges repeat their trailers; co_authors gives the same object for the same trailer.
        return list({id(author): author for author in found}.values())

    def without_own_number(self, text: str) -> str:
        """The text without the `(#12)` that a squash merge puts behind a subject."""
        if self.pull_request is None:
            return text
        return text.removesuffix(f"(#{self.pull_request.number})").rstrip()

    @property
    def texts(self) -> tuple[str, ...]:
        """Where issues are named: title, body, branch, commit messages."""
        branch = () if self.pull_request is None else (self.pull_request.head_branch,)
        return self.title, self.body, *branch, *(commit.message for commit in self.commits)


def fold(
    repository: str,
    pull_requests: Sequence[tuple[PullRequest, Provenance]],
    commits: Sequence[tuple[Commit, Provenance]],
    merged_elsewhere: Sequence[PullRequest] = (),
) -> list[Change]:
    """The changes of one repository, from what falls into the window.

    `merged_elsewhere` were merged in other weeks, which tell their commits: those that SHAs prove to be theirs. A
    number in a subject proves nothing there, since work that lands again keeps its old one. Any other commit stands
    alone. Input order does not matter; time is linear in the number of commits.
    """
    graph = CommitGraph(commit for commit, _ in commits)
    told = _by_merge(pull for pull, _ in pull_requests)
    pulls = [*told, *_by_merge(merged_elsewhere)]
    owners = _named_owners(pulls, graph.by_sha, {pull.number for pull in told})
    merges = {commit.sha: (commit, provenance) for commit, provenance in commits if _tells_itself(commit, provenance)}
    owners |= {sha: sha for sha in merges if sha not in owners}
    _own_merged_sides(graph, owners)
    _own_rebased_runs(pulls, graph.by_sha, owners)

    joined: dict[_Owner, list[Commit]] = defaultdict(list)
    for sha, owner in owners.items():
        joined[owner].append(graph.by_sha[sha])
    for group in joined.values():
        graph.sort_by_time(group)
    uncollected = _uncollected_merges(told, graph.by_sha)
    changes = [
        _pull_request_change(repository, pull, tuple(joined[pull.number]), uncollected.get(pull.number), provenance)
        for pull, provenance in pull_requests
    ]
    for sha, (merge, provenance) in merges.items():
        if owners[sha] == sha:
            brought = (commit for commit in joined[sha] if commit.sha != sha)
            changes.append(_change_without_pull(repository, (*brought, merge), provenance))
    changes += [
        _change_without_pull(repository, (commit,), provenance)
        for commit, provenance in commits
        if commit.sha not in owners
    ]
    return changes


def subject_of(commit: Commit) -> str:
    """The first line of the message."""
    return commit.message.partition("\n")[0].strip()


def title_and_rest(commit: Commit) -> tuple[str, str]:
    """How a commit alone tells its change. GitHub's merge has the pull request's title below its subject, which names
    but the branch: that matters where no pull request is known, as by a mirror."""
    subject, _, rest = unix_lines(commit.message).partition("\n")
    title, _, below = rest.strip().partition("\n")
    if title and _MERGE_SUBJECT.match(subject) and not _TRAILER.match(title):
        return title, below
    return subject, rest


def number_named_by(subject: str) -> int | None:
    """The pull request that a subject names as its own: `… (#12)` or `Merge pull request #12 from …`."""
    match = _NUMBER_AT_END.search(subject) or _MERGE_SUBJECT.match(subject)
    return int(match[1]) if match else None


def _pull_request_change(
    repository: str,
    pull: PullRequest,
    commits: tuple[Commit, ...],
    uncollected_merge: str | None,
    provenance: Provenance,
) -> Change:
    collected = tuple(commit.sha for commit in commits)
    return Change(
        id=f"{repository}#{pull.number}",
        repository=repository,
        pull_request=pull,
        commits=commits,
        title=one_line(pull.title) or f"Pull request {pull.number}",
        body=without_html_comments(unix_lines(pull.body)),
        provenance=provenance,
        shas=collected if uncollected_merge is None else (*collected, uncollected_merge),
    )


def _tells_itself(commit: Commit, provenance: Provenance) -> bool:
    """Whether it is GitHub's merge of a pull request that nobody could be asked about."""
    is_merge = len(commit.parents) > 1 and _MERGE_SUBJECT.match(subject_of(commit)) is not None
    return is_merge and provenance.kind is ProvenanceKind.MIRROR


def _change_without_pull(repository: str, commits: tuple[Commit, ...], provenance: Provenance) -> Change:
    """The last of the commits tells it."""
    title, rest = title_and_rest(commits[-1])
    sha = commits[-1].sha[:12]
    return Change(
        id=f"{repository}@{sha}",
        repository=repository,
        pull_request=None,
        commits=commits,
        title=one_line(title) or f"Commit {sha}",
        body=rest.strip(),
        provenance=provenance,
        shas=tuple(commit.sha for commit in commits),
    )


def _by_merge(pulls: Iterable[PullRequest]) -> list[PullRequest]:
    return sorted(pulls, key=lambda pull: (pull.merged_at, pull.number))


def _named_owners(
    pulls: Sequence[PullRequest], by_sha: Mapping[str, Commit], numbers: Collection[int]
) -> dict[str, _Owner]:
    """Commits that are named by their pull request or name one of `numbers`: SHA to number. The first pull wins."""
    owners: dict[str, _Owner] = {}
    for pull in pulls:
        if pull.merge_commit_sha is not None and pull.merge_commit_sha in by_sha:
            owners.setdefault(pull.merge_commit_sha, pull.number)
    for sha, commit in by_sha.items():
        number = number_named_by(subject_of(commit)) if sha not in owners else None
        if number is not None and number in numbers:
            owners[sha] = number
    return owners


def _uncollected_merges(pulls: Iterable[PullRequest], by_sha: Mapping[str, Commit]) -> dict[int, str]:
    """Merge commits that no list had, by number. One push that merges several pull requests is the first one's."""
    numbers: dict[str, int] = {}
    for pull in pulls:
        if pull.merge_commit_sha is not None and pull.merge_commit_sha not in by_sha:
            numbers.setdefault(pull.merge_commit_sha, pull.number)
    return {number: sha for sha, number in numbers.items()}


def _own_merged_sides(graph: CommitGraph, owners: dict[str, _Owner]) -> None:
    """Give the commits that a merge brought in to the merge's pull request, or to the merge.

    What a merge brought in is what its second parent reaches and its first does not. One walk finds it for all
    merges: down a first-parent line, then into its side lines, oldest first; whatever the older ones reach is
    visited by then.
    """
    if not graph.has_merges:
        return
    by_sha = graph.by_sha
    visited: set[str] = set()
    pending: list[tuple[str, _Owner | None]] = [(tip, None) for tip in reversed(graph.tips(owners))]
    while pending:
        sha, owner = pending.pop()
        line: list[str] = []
        while sha in by_sha and sha not in visited:
            visited.add(sha)
            line.append(sha)
            sha = by_sha[sha].parents[0] if by_sha[sha].parents else ""
        for sha in line:
            if owner is not None:
                owners.setdefault(sha, owner)
            own = owners.get(sha)
            pending.extend((side, own) for side in reversed(by_sha[sha].parents[1:]))


def _own_rebased_runs(pulls: Iterable[PullRequest], by_sha: Mapping[str, Commit], owners: dict[str, _Owner]) -> None:
    """Give the commits below a rebase merge's last one to its pull request.

    The run goes on while commits have one parent, were written at the same instant and no other pull request is
    named by them or owns them. A last commit that names its own number is a squash: nothing below it belongs to it.
    """
    for pull in pulls:
        last = by_sha.get(pull.merge_commit_sha or "")
        if last is None or len(last.parents) != 1 or number_named_by(subject_of(last)) is not None:
            continue
        commit = by_sha.get(last.parents[0])
        while (
            commit is not None
            and len(commit.parents) == 1
            and commit.sha not in owners
            and abs(last.committed_at - commit.committed_at) <= _REBASE_SPREAD
            and number_named_by(subject_of(commit)) is None
        ):
            owners[commit.sha] = pull.number
            commit = by_sha.get(commit.parents[0])
