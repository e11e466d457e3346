"""One record of each thing, whichever units, pages or stand-ins it came from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from devsync.domain.changelog.edition import Provenance, ProvenanceKind
from devsync.domain.changelog.folding import Change
from devsync.domain.model import Model

Record = TypeVar("Record", bound=Model)
Key = TypeVar("Key")


_KIND_ORDER: Mapping[ProvenanceKind, int] = {
    kind: order
    for order, kind in enumerate(
        (
            ProvenanceKind.LIVE,
            ProvenanceKind.PARTIAL,
            ProvenanceKind.CACHED,
            ProvenanceKind.MIRROR,
            ProvenanceKind.FEED,
            ProvenanceKind.DERIVED,
        )
    )
}
"""Best first: a record of a partial answer is live all the same; a feed has little more than titles."""


def unique(records: Iterable[tuple[Key, Record, Provenance]]) -> dict[Key, tuple[Record, Provenance]]:
    """The best copy of each record by key: live before stand-ins, then the younger.

    Two copies that differ (a title edited between two pages) and are equally good: the greater by content, so that
    the order of input decides nothing.
    """
    best: dict[Key, tuple[Record, Provenance]] = {}
    for key, record, provenance in records:
        held = best.get(key)
        if held is None or (held != (record, provenance) and _goodness(record, provenance) > _goodness(*held)):
            best[key] = (record, provenance)
    return best


def provenance_rank(provenance: Provenance) -> tuple[int, float]:
    """Greater is better: by kind, then by age."""
    as_of = provenance.as_of.timestamp() if provenance.as_of is not None else 0.0
    return -_KIND_ORDER[provenance.kind], as_of


def without_copies(changes: Sequence[Change]) -> Iterator[Change]:
    """Leave out commits that other changes hold: a fork or a renamed repository shares SHAs.

    A pull request is never left out; among other copies the first repository by name stays.
    """
    seen: set[str] = set()
    for change in sorted(changes, key=lambda change: (change.pull_request is None, change.repository, change.id)):
        if change.pull_request is None and seen.issuperset(change.shas):
            continue
        seen.update(change.shas)
        yield change


def _goodness(record: Model, provenance: Provenance) -> tuple[tuple[int, float], str]:
    return provenance_rank(provenance), record.model_dump_json()
