"""What one revision of a week tells otherwise than the one before."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

from devsync.domain.changelog.edition import Edition, Item, Provenance
from devsync.domain.model import Model


class ItemKind(StrEnum):
    PULL_REQUEST = "pull request"
    COMMIT = "commit"
    ISSUE = "issue"


class Difference(Model):
    """In numbers of items; all of them 0 where readers are told the same."""

    added: int = 0
    """Items that tell what was not told at all."""
    regrouped: dict[ItemKind, int] = {}
    """Items that tell what others had told: pull requests, say, whose commits had stood alone."""
    replaced: dict[ItemKind, int] = {}
    """The items whose place the regrouped ones take."""
    updated: int = 0
    """The same, told otherwise: title, section, links, people."""
    removed: int = 0


def difference(before: Edition, after: Edition) -> Difference:
    """From one revision to the next."""
    old, new = ({item.id: item for item in edition.items} for edition in (before, after))
    gone = {key: item for key, item in old.items() if key not in new}
    teller = {told: key for key, item in gone.items() for told in (key, *item.commits)}
    added, regrouped, replaced = 0, [], set()
    for item in (item for key, item in new.items() if key not in old):
        earlier = {teller[told] for told in _tells(item) if told in teller}
        replaced |= earlier
        if earlier:
            regrouped.append(item)
        else:
            added += 1
    return Difference(
        added=added,
        regrouped=_by_kind(regrouped),
        replaced=_by_kind(gone[key] for key in replaced),
        updated=sum(_as_read(old[key]) != _as_read(item) for key, item in new.items() if key in old),
        removed=len(gone) - len(replaced),
    )


def _tells(item: Item) -> Iterator[str]:
    """Commits, and issues: one that stands alone has its key as its id."""
    yield from item.commits
    yield from (issue.key for issue in item.issues)


def _by_kind(items: Iterable[Item]) -> Mapping[ItemKind, int]:
    counts = Counter(map(_kind_of, items))
    return {kind: counts[kind] for kind in ItemKind if counts[kind]}


def _kind_of(item: Item) -> ItemKind:
    if item.pull_request is not None:
        return ItemKind.PULL_REQUEST
    return ItemKind.COMMIT if item.commits else ItemKind.ISSUE


def _as_read(item: Item) -> Item:
    """Without what no rendering tells of an item: where it came from."""
    return item.model_copy(update={"provenance": Provenance(), "classified_by": None})
