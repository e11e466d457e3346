"""What to read first: three to seven items, chosen by rule so that everyone can tell why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from devsync.domain.changelog.edition import Item, Section

FEWEST, MOST = 3, 7

HIGH_PRIORITIES = frozenset({"blocker", "critical", "highest", "high", "urgent", "p0", "p1"})


@dataclass(frozen=True, slots=True)
class _Tier:
    """A kind of news: up to `quota` of it before the next tier has its turn."""

    holds: Callable[[Item, bool], bool]
    quota: int


_Weight = tuple[int, int, int]

_TIERS = (
    _Tier(lambda item, _: item.is_breaking, MOST),
    _Tier(lambda item, _: item.section is Section.FEATURES, 4),
    _Tier(lambda item, _: item.section is Section.SECURITY, 2),
    _Tier(lambda _, is_urgent: is_urgent, 2),
    _Tier(lambda item, _: item.section is Section.PERFORMANCE, 1),
    _Tier(lambda item, _: item.section in (Section.FIXES, Section.REVERTED), 1),
)
"""In reading order. Quotas keep a week of twenty features from hiding its security fix; what they leave free goes
to the next best of the same order."""


def choose_highlights(items: Sequence[Item], priorities: Mapping[str, str]) -> tuple[str, ...]:
    """Ids of the items worth reading first, breaking changes before all else; fewer in a quiet week.

    `items` come in reading order, which decides between equals. `priorities` maps issue keys to JIRA's names of
    priorities. What a bot made never leads, unless it breaks.
    """
    candidates = [item for item in items if item.is_breaking or not item.is_automated]
    urgent_keys = {key for key, priority in priorities.items() if priority.casefold() in HIGH_PRIORITIES}

    def is_urgent(item: Item) -> bool:
        return any(link.key in urgent_keys for link in item.issues)

    def weight(item: Item) -> _Weight:
        # Urgent first, then what took most commits and issues: the size of the news, as far as data tells.
        return -int(is_urgent(item)), -len(item.commits), -len(item.issues)

    ranked: list[list[Item]] = [[] for _ in _TIERS]
    others: list[Item] = []
    for item in candidates:
        urgent = is_urgent(item)
        tier = next((number for number, tier in enumerate(_TIERS) if tier.holds(item, urgent)), None)
        (others if tier is None else ranked[tier]).append(item)

    chosen: dict[str, int] = {}
    left: list[tuple[int, Item]] = []
    for number, (tier_rule, found) in enumerate(zip(_TIERS, ranked, strict=True)):
        best_first = _ranked(found, weight)
        chosen.update((item.id, number) for item in best_first[: tier_rule.quota])
        left.extend((number, item) for item in best_first[tier_rule.quota :])
    chosen = dict(list(chosen.items())[:MOST])
    for number, item in left[: MOST - len(chosen)]:
        chosen[item.id] = number
    readable = (item for item in others if item.section not in (Section.DEPENDENCIES, Section.INTERNAL))
    for item in _ranked(readable, weight):
        if len(chosen) >= FEWEST:
            break
        chosen[item.id] = len(_TIERS)
    # Stable: within a tier the order of choice stays.
    return tuple(sorted(chosen, key=lambda id_: chosen[id_]))


def _ranked(items: Iterable[Item], weight: Callable[[Item], _Weight]) -> list[Item]:
    """The weightiest first; between equals repositories take turns, so that none of them has all the news."""
    turns: Counter[tuple[_Weight, str]] = Counter()

    def rank(item: Item) -> tuple[_Weight, int]:
        weighs = weight(item)
        turns[weighs, item.repository] += 1
        return weighs, turns[weighs, item.repository]

    return sorted(items, key=rank)
