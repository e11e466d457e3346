"""What an edition carries in its own messages while the artifact store is away, so that none passes 2 MB.

INLINE_BUDGET is for all of it: the collected units, the edition, its renderings. Texts of units are cut first (each
has an equal share, since none knows how large the others are), then whole units are left out, then renderings that no
channel needs.
"""

from collections.abc import Sequence

from devsync.contracts.artifacts import INLINE_BUDGET, INLINE_LIMIT, ArtifactRef
from devsync.contracts.collection import UnitCollected
from devsync.contracts.edition import MadeEdition
from devsync.contracts.names import LOCAL
from devsync.domain.changelog.edition import Gap
from devsync.domain.errors import ErrorCategory

_FOR_UNITS = INLINE_BUDGET - 2 * INLINE_LIMIT
"""The rest is for the edition and for the rendering of the channel."""


def inline_share(units: int) -> int:
    """What each of so many units may carry with its texts, in characters."""
    return min(INLINE_LIMIT, _FOR_UNITS // max(units, 1))


def fitting(units: Sequence[UnitCollected]) -> tuple[list[UnitCollected], list[Gap]]:
    """The units that the edition can carry together, in their order, and a gap for each other one: the largest."""
    excess = sum(unit.artifact.inline_size for unit in units) - _FOR_UNITS
    left_out: set[str] = set()
    for unit in sorted(units, key=lambda unit: (-unit.artifact.inline_size, unit.unit)):
        if excess <= 0:
            break
        left_out.add(unit.unit)
        excess -= unit.artifact.inline_size
    kept = [unit for unit in units if unit.unit not in left_out]
    return kept, [_too_much(unit.unit) for unit in units if unit.unit in left_out]


def left_for_renderings(units: Sequence[UnitCollected], edition: MadeEdition) -> int:
    """Characters, at least as many as the rendering of one channel may have.

    An edition that is made again is carried as its units are.
    """
    of_edition = edition.inline_size if isinstance(edition, ArtifactRef) else 0
    return INLINE_BUDGET - of_edition - sum(unit.artifact.inline_size for unit in units)


def _too_much(unit: str) -> Gap:
    return Gap(
        unit=unit,
        service=LOCAL,
        reason="collected, but our own store was away and all sources together are too large to carry",
        category=ErrorCategory.DATABASE.value,
    )
