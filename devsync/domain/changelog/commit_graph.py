"""The commits of a window as the graph that their parents make of them; linear in the number of commits."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from itertools import pairwise

from devsync.domain.changelog.collected import Commit


class CommitGraph:
    """Commits by SHA. Parents outside the window are unknown, and every answer is the same for any input order."""

    def __init__(self, commits: Iterable[Commit]) -> None:
        self.by_sha = {commit.sha: commit for commit in commits}

    @cached_property
    def has_merges(self) -> bool:
        return any(len(commit.parents) > 1 for commit in self.by_sha.values())

    def sort_by_time(self, commits: list[Commit]) -> None:
        """Oldest first; parents before children where they were written at the same instant, as by a rebase."""
        commits.sort(key=lambda commit: commit.committed_at)
        if any(one.committed_at == following.committed_at for one, following in pairwise(commits)):
            commits.sort(key=lambda commit: (commit.committed_at, self._generations[commit.sha], commit.sha))

    def tips(self, merges: Collection[str]) -> list[str]:
        """Commits without a child here, the default branch's own line first.

        A branch merged after the window leaves tips of its own. The default branch is the line of first parents
        that bears the most of `merges`.
        """
        has_child = {parent for commit in self.by_sha.values() for parent in commit.parents}
        tips = [sha for sha in self.by_sha if sha not in has_child]
        if len(tips) < 2:
            return tips
        merges_on_line: dict[str, int] = {}
        for sha in self._parents_first:
            first = self.by_sha[sha].parents[:1]
            below = merges_on_line.get(first[0], 0) if first else 0
            merges_on_line[sha] = below + (sha in merges)
        return sorted(
            tips, key=lambda sha: (-merges_on_line.get(sha, 0), -self.by_sha[sha].committed_at.timestamp(), sha)
        )

    @cached_property
    def _generations(self) -> dict[str, int]:
        """Each commit's distance from the oldest."""
        generations: dict[str, int] = dict.fromkeys(self.by_sha, 0)
        for sha in self._parents_first:
            parents = [generations[parent] for parent in self.by_sha[sha].parents if parent in self.by_sha]
            generations[sha] = 1 + max(parents, default=0)
        return generations

    @cached_property
    def _parents_first(self) -> Sequence[str]:
        """SHAs, each after its known parents; what stands in a circle (no real history) is left out."""
        children: dict[str, list[str]] = defaultdict(list)
        open_parents: dict[str, int] = {}
        ready: deque[str] = deque()
        for sha, commit in self.by_sha.items():
            parents = {parent for parent in commit.parents if parent in self.by_sha}
            for parent in parents:
                children[parent].append(sha)
            if parents:
                open_parents[sha] = len(parents)
            else:
                ready.append(sha)
        ordered: list[str] = []
        while ready:
            sha = ready.popleft()
            ordered.append(sha)
            for child in children.get(sha, ()):
                open_parents[child] -= 1
                if open_parents[child] == 0:
                    ready.append(child)
        return ordered
