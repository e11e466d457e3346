"""Changes that undo each other inside the window are not news: the pair is dropped.

A change counts as a revert when its title says so, or when its text begins with git's or GitHub's own sentence. A
squash merge whose body lists "This reverts commit …" among other bullets undid a step of its own work: no revert.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from devsync.domain.changelog.conventional import git_reverted_shas, parse
from devsync.domain.changelog.folding import Change, number_named_by, subject_of
from devsync.domain.changelog.texts import one_line

_QUOTED = re.compile(r"(?P<word>Revert|Reapply|Reland)\s+\"(?P<subject>[^\n]*)\"", re.IGNORECASE)
_LEADING_WORD = re.compile(
    r"(?:\[[^\]]{0,60}\]\s*|[\w./()-]{1,60}:\s*)*+(?P<word>revert(?:s|ed|ing)?|reapply|reland)\b",
    re.IGNORECASE,
)
"""The title's first word, behind issue keys, module names and a conventional type."""
_ANY_WORD = re.compile(r"re(?:vert|apply|land)", re.IGNORECASE)
_WORD = re.compile(r"\brevert(?:s|ed|ing)?\b", re.IGNORECASE)
_REVERTS_NUMBER = re.compile(r"^Reverts (?:(?P<repository>[\w.-]+/[\w.-]+))?#(?P<number>\d{1,9})\b", re.MULTILINE)
_OPENING_SENTENCE = re.compile(
    r"\s*+(?:This reverts commit\s|Reverts (?:[\w.-]+/[\w.-]+)?#\d)",
)
_OWN_NUMBER = re.compile(r"\s*\(#\d{1,9}\)\s*\Z")
_DEEPEST = 20
"""Nobody reverts deeper; the bound keeps a hostile title cheap."""
_SHORTEST_SHA = 7
"""git abbreviates to seven digits at least."""


@dataclass(frozen=True, slots=True)
class RevertOutcome:
    """What is left once pairs are gone."""

    kept: tuple[Change, ...]
    reverting: frozenset[str]
    """Ids among `kept` that undo older work, or a part of a change."""
    pairs: int


def is_revert(change: Change) -> bool:
    """Whether the change says that undoing is what it does."""
    title = change.title
    if _OPENING_SENTENCE.match(change.body) is not None:
        return True
    if _ANY_WORD.search(title) is None:
        return False
    return (
        _LEADING_WORD.match(title) is not None
        or _is_revert_type(title)
        or (_WORD.search(title) is not None and bool(git_reverted_shas(change.body)))
    )


def _is_revert_type(title: str) -> bool:
    conventional = parse(title) if title[:6].casefold() == "revert" else None
    return conventional is not None and conventional.type == "revert"


def reapplies(title: str) -> bool:
    """Whether a title brings work back: `Reapply "…"`, or a revert of a revert (any even depth)."""
    title, depth = _unwrap(_from_leading_word(title))
    leading = _LEADING_WORD.match(title)
    if leading is not None and not leading["word"].casefold().startswith("revert"):
        return depth % 2 == 0
    return depth > 0 and depth % 2 == 0


def innermost_subject(title: str) -> str:
    """What is finally quoted by `Revert "Revert "…""` or `Reapply "…"`; the title itself where nothing is."""
    subject, depth = _unwrap(_from_leading_word(title))
    match = _QUOTED.match(subject)
    if match is not None:
        return match["subject"]
    return subject if depth else title


def drop_pairs(changes: Sequence[Change]) -> RevertOutcome:
    """Drop each revert with what it reverts, newest first, so that a reverted revert keeps the original.

    A revert of several changes drops with all of them. One that also undoes older work, or undoes only a part of
    a change's commits, stays, as a revert.
    """
    reverts = sorted(filter(is_revert, changes), key=_age, reverse=True)
    if not reverts:
        return RevertOutcome(tuple(changes), frozenset(), 0)
    index = _Index(changes, reverts)
    dropped: set[str] = set()
    reverting: set[str] = set()
    pairs = 0
    for revert in reverts:
        if revert.id in dropped:
            continue
        targets, is_whole = _targets(revert, index, dropped)
        dropped.update(targets)
        pairs += len(targets)
        if targets and is_whole:
            dropped.add(revert.id)
        elif not reapplies(revert.title):
            reverting.add(revert.id)
    kept = tuple(change for change in changes if change.id not in dropped)
    return RevertOutcome(kept, frozenset(reverting - dropped), pairs)


def _age(change: Change) -> tuple[datetime, str]:
    """Ids end ties, so that the order of input decides nothing."""
    return change.shipped_at, change.id


def _targets(revert: Change, index: _Index, dropped: set[str]) -> tuple[list[str], bool]:
    """Ids of the older changes in the window that a revert undoes wholly, and whether that is all it undoes."""

    def is_open(change: Change) -> bool:
        # Not older in time alone: a push of rebased commits writes a change and its revert in the same second.
        return change.shipped_at <= revert.shipped_at and change.id not in dropped and change is not revert

    shas, stated_numbers = _named_shas(revert), _stated_numbers(revert)
    numbers = tuple(dict.fromkeys((*stated_numbers, *_quoted_number(revert))))
    by_sha, are_whole_by_sha = _undone_by_shas(shas, revert.repository, index, is_open)
    by_number, are_whole_by_number = _undone_by_numbers(numbers, index, is_open)
    targets = list(dict.fromkeys((*by_sha, *by_number)))
    if targets or shas or stated_numbers:
        # A SHA may be that of a fork or of a rebased branch while the number is right: one of them is enough.
        # What is stated but not of this week is older work, even where the same title landed anew.
        is_whole = are_whole_by_sha and are_whole_by_number
        return targets, is_whole or (bool(targets) and len(shas) <= 1 and len(numbers) <= 1)
    subject = one_line(_quoted_subject(revert)).casefold()
    alike = next(filter(is_open, index.by_subject(revert.repository, subject)), None)
    return ([alike.id], True) if alike is not None else ([], False)


def _undone_by_shas(
    shas: Iterable[str], repository: str, index: _Index, is_open: Callable[[Change], bool]
) -> tuple[list[str], bool]:
    """The changes all of whose commits are named, and whether nothing else is."""
    undone: dict[str, tuple[Change, set[str]]] = {}
    is_whole = True
    for sha in shas:
        found = index.by_sha(repository, sha)
        if found is None or not is_open(found[1]):
            is_whole = False
            continue
        undone.setdefault(found[1].id, (found[1], set()))[1].add(found[0])
    whole = [change.id for change, its_shas in undone.values() if _covers(its_shas, change)]
    return whole, is_whole and len(whole) == len(undone)


def _undone_by_numbers(
    numbers: Sequence[tuple[str, int]], index: _Index, is_open: Callable[[Change], bool]
) -> tuple[list[str], bool]:
    """The changes of these pull requests, and whether each number is one of them."""
    found = [index.by_number(repository, number) for repository, number in numbers]
    undone = [change.id for change in found if change is not None and is_open(change)]
    return undone, len(undone) == len(numbers)


def _from_leading_word(title: str) -> str:
    """The title without issue keys and module names before its revert word."""
    leading = _LEADING_WORD.match(title)
    return title[leading.start("word") :] if leading is not None else title


def _unwrap(title: str) -> tuple[str, int]:
    """What stands inside all `Revert "…"`, and how many there were."""
    depth = 0
    while depth < _DEEPEST:
        match = _QUOTED.match(title)
        if match is None or match["word"].casefold() != "revert":
            break
        depth += 1
        title = match["subject"]
    return title, depth


def _named_shas(revert: Change) -> tuple[str, ...]:
    named: tuple[str, ...] = ()
    messages = [f"{revert.title}\n\n{revert.body}"]
    messages += [commit.message for commit in revert.commits]
    for message in messages:
        conventional = parse(message)
        named += conventional.reverted_shas if conventional is not None else git_reverted_shas(message)
    return tuple(dict.fromkeys(named))


def _stated_numbers(revert: Change) -> tuple[tuple[str, int], ...]:
    """Pull requests, as (repository, number), that the text says it reverts."""
    return tuple(
        ((match["repository"] or revert.repository).casefold(), int(match["number"]))
        for match in _REVERTS_NUMBER.finditer(revert.body)
    )


def _quoted_number(revert: Change) -> tuple[tuple[str, int], ...]:
    """The pull request that the quoted subject names, none or one."""
    quoted = _quoted_subject(revert)
    number = number_named_by(quoted) if quoted else None
    return () if number is None else ((revert.repository.casefold(), number),)


def _quoted_subject(revert: Change) -> str:
    """The subject that the title quotes, or describes after `revert:`, or that `Reapply` stands before."""
    title = _from_leading_word(_OWN_NUMBER.sub("", revert.title))
    match = _QUOTED.match(title)
    if match is not None:
        # Reapply "x" undoes the change that is called Revert "x".
        return match["subject"] if match["word"].casefold() == "revert" else f'Revert "{match["subject"]}"'
    conventional = parse(title)
    return conventional.description if conventional is not None and conventional.type == "revert" else ""


class _Index:
    """Finds changes by what a revert may call them; keeps only what `reverts` ask for, since they are few."""

    def __init__(self, changes: Iterable[Change], reverts: Iterable[Change]) -> None:
        wanted = {sha[:_SHORTEST_SHA] for revert in reverts for sha in _named_shas(revert)}
        self._by_sha_start: dict[tuple[str, str], list[tuple[str, Change]]] = defaultdict(list)
        self._by_number: dict[tuple[str, int], Change] = {}
        self._in_repository: dict[str, list[Change]] = defaultdict(list)
        for change in changes:
            self._in_repository[change.repository].append(change)
            if change.pull_request is not None:
                self._by_number[change.repository.casefold(), change.pull_request.number] = change
            for sha in change.shas:
                if (start := sha[:_SHORTEST_SHA].lower()) in wanted:
                    self._by_sha_start[change.repository, start].append((sha, change))
        self._by_subject: dict[str, dict[str, list[Change]]] = {}

    def by_sha(self, repository: str, sha: str) -> tuple[str, Change] | None:
        """The full SHA and its change; an abbreviation that fits two commits names neither."""
        candidates = self._by_sha_start.get((repository, sha[:_SHORTEST_SHA]), [])
        found = [(full, change) for full, change in candidates if full.lower().startswith(sha)]
        return found[0] if len(found) == 1 else None

    def by_number(self, repository: str, number: int) -> Change | None:
        return self._by_number.get((repository, number))

    def by_subject(self, repository: str, subject: str) -> Sequence[Change]:
        """Newest first. Read from all texts of the repository, once, when the first revert names no more than this."""
        if repository not in self._by_subject:
            found: dict[str, list[Change]] = defaultdict(list)
            for change in sorted(self._in_repository[repository], key=_age, reverse=True):
                for told in _subjects(change):
                    found[told].append(change)
            self._by_subject[repository] = found
        return self._by_subject[repository].get(subject, ())


def _subjects(change: Change) -> set[str]:
    """What a change may be called: by its title or its last commit, with and without number and conventional type."""
    written = [change.title, *(one_line(subject_of(commit)) for commit in change.commits[-1:])]
    plain = [_OWN_NUMBER.sub("", subject) for subject in written]
    conventional = parse(plain[0])
    described = [conventional.description] if conventional is not None else []
    return {subject.casefold() for subject in (*written, *plain, *described)} - {""}


def _covers(shas: set[str], change: Change) -> bool:
    """Whether undoing `shas` undoes all of the change: its merge commit, or each commit that is no merge."""
    if change.merge_sha in shas and _merges_all(change):
        return True
    return all(commit.sha in shas for commit in change.commits if len(commit.parents) < 2)


def _merges_all(change: Change) -> bool:
    """Whether the merge commit holds the whole change: a squash or a true merge, not a rebase's last commit."""
    merge = next((commit for commit in change.commits if commit.sha == change.merge_sha), None)
    return merge is None or len(merge.parents) > 1 or len(change.commits) == 1
