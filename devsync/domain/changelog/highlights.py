"""What to read first: three to seven items, chosen by rule so that everyone can tell why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice, zip_longest

from devsync.domain.changelog.edition import Item, Section

FEWEST, MOST = 3, 7

HIGH_PRIORITIES = frozenset({"blocker", "critical", "highest", "high", "urgent", "p0", "p1"})


_Weight = tuple[int, int, int]

_QUOTAS: Mapping[str, int] = {
    "breaking": MOST,
    "feature": 4,
    "security": 2,
    "urgent": 2,
    "performance": 1,
    "fix": 1,
}
"""Kinds of news in reading order: up to so many of each before the next has its turn. Quotas keep a week of twenty
features from hiding its security fix; what they leave free goes to the next best of the same order."""

_KINDS: Mapping[Section, str] = {
    Section.FEATURES: "feature",
    Section.SECURITY: "security",
    Section.PERFORMANCE: "performance",
    Section.FIXES: "fix",
    Section.REVERTED: "fix",
}
_NO_NEWS = (Section.DEPENDENCIES, Section.INTERNAL)


def choose_highlights(items: Sequence[Item], priorities: Mapping[str, str]) -> tuple[str, ...]:
    """Ids of the items worth reading first, breaking changes before all else; fewer in a quiet week.

    `items` come in reading order, which decides between equals. `priorities` maps issue keys to JIRA's names of
    priorities. What a bot made never leads, unless it breaks.
    """
    candidates = [item for item in items if item.is_breaking or not item.is_automated]
    urgent_keys = {key for key, priority in priorities.items() if priority.casefold() in HIGH_PRIORITIES}
    urgent = {item.id for item in candidates for link in item.issues if link.key in urgent_keys}

    def weight(item: Item) -> _Weight:
        # Urgent first, then what took most commits and issues: the size of the news, as far as data tells.
        return -int(item.id in urgent), -len(item.commits), -len(item.issues)

    news: dict[str, list[Item]] = {kind: [] for kind in _QUOTAS}
    others: list[Item] = []
    for item in candidates:
        kind = _kind(item, item.id in urgent)
        if kind is not None:
            news[kind].append(item)
        elif item.section not in _NO_NEWS:
            others.append(item)

    best = {kind: _best(found, weight) for kind, found in news.items()}
    first_turn = [item for kind, found in best.items() for item in found[: _QUOTAS[kind]]][:MOST]
    second_turn = [item for kind, found in best.items() for item in found[_QUOTAS[kind] :]]
    chosen = {item.id for item in first_turn + second_turn[: MOST - len(first_turn)]}
    told = [item.id for found in best.values() for item in found if item.id in chosen]
    return (*told, *(item.id for item in _best(others, weight)[: max(0, FEWEST - len(told))]))


def _kind(item: Item, is_urgent: bool) -> str | None:
    if item.is_breaking:
        return "breaking"
    kind = _KINDS.get(item.section)
    return "urgent" if is_urgent and kind not in ("feature", "security") else kind


def _best(items: Iterable[Item], weight: Callable[[Item], _Weight]) -> list[Item]:
    """The weightiest first, not more than can be chosen."""
    equals: dict[_Weight, list[Item]] = defaultdict(list)
    for item in items:
        equals[weight(item)].append(item)
    return list(islice(chain.from_iterable(_in_turn(equals[weighs]) for weighs in sorted(equals)), MOST))


def _in_turn(items: Iterable[Item]) -> Iterator[Item]:
    """One of each repository, then the next of each, so that the first of the alphabet does not have all the news."""
    by_repository: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        by_repository[item.repository].append(item)
    turns = zip_longest(*by_repository.values())
    return (item for turn in turns for item in turn if item is not None)
