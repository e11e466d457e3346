"""What an edition lacks, as something that can be asked for again: what failed, and what our own store has lost."""

from collections.abc import Iterable, Sequence

from devsync.contracts.names import LOCAL
from devsync.contracts.recovery import FailedUnit
from devsync.domain.changelog.edition import Gap
from devsync.domain.errors import ErrorCategory, Failure
from workflows.edition.units import Ask

_OUR_STORE = "our_store"


def missing_of(gaps: Iterable[Gap], failed: Iterable[FailedUnit], asks: Iterable[Ask]) -> tuple[FailedUnit, ...]:
    """One for each unit that a gap names, in the order of the asks.

    What was collected, and lost because the store was away, is collected again: from its stored pages where there are
    some, else from its service.
    """
    reasons = {gap.unit: gap.reason for gap in gaps}
    known = {unit.unit: unit for unit in failed}
    return tuple(known.get(ask.unit) or _lost(ask, reasons[ask.unit]) for ask in asks if ask.unit in reasons)


def is_lost(unit: FailedUnit) -> bool:
    """Its service did answer."""
    return unit.failure.code == _OUR_STORE


def with_losses(missing: Iterable[FailedUnit], gaps: Sequence[Gap]) -> tuple[FailedUnit, ...]:
    """The same; of what only our own store makes lack something now, that is the reason."""
    elsewhere = {gap.unit for gap in gaps if gap.service != LOCAL}
    reasons = {gap.unit: gap.reason for gap in gaps if gap.unit not in elsewhere}
    return tuple(
        unit.model_copy(update={"failure": _loss(reasons[unit.unit])}) if unit.unit in reasons else unit
        for unit in missing
    )


def _lost(ask: Ask, reason: str) -> FailedUnit:
    return FailedUnit(unit=ask.unit, service=ask.service, failure=_loss(reason), ask=ask.message)


def _loss(reason: str) -> Failure:
    return Failure(category=ErrorCategory.DATABASE, message=reason, is_retryable=True, code=_OUR_STORE)
