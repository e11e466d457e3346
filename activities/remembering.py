"""Good collections, remembered: the cache that recovery reads, and what conditional requests start from."""

from collections.abc import Mapping

from temporalio import activity

from activities.collection import Collection
from devsync.contracts import names
from devsync.contracts.collection import UnitCollected
from devsync.domain.changelog.window import Window
from devsync.storage.collected import CollectedUnits, RememberedUnit, Validator
from devsync.storage.connection import DatabaseUnavailable

FORMS: Mapping[str, int] = {names.GITHUB: 1, names.JIRA: 1, names.CALENDAR: 1}
"""By service: raise one when the same answers would give another artifact; what an older build stored is not reused."""


def form_of(unit: str) -> int:
    """The form that this build gives to the artifact of such a unit."""
    return FORMS.get(unit.partition(":")[0], 1)


def remember(
    units: CollectedUnits,
    collection: Collection,
    window: Window,
    collected: UnitCollected,
    validators: tuple[Validator, ...] = (),
) -> None:
    """Keeps what was collected live under its unit and its window, in place of what was collected before.

    Call it at the end of each good collection, also of a window that has not ended yet: younger data of the same
    window replace it. Only what is whole and lies in the store is kept. An aid: where it fails, it says so in the log.
    """
    if collected.bodies_dropped or collected.artifact.inline is not None:
        return
    remembered = RememberedUnit(
        artifact=collected.artifact,
        validators=validators,
        road=collected.road,
        counts=collected.counts,
        notes=collected.notes,
        collected_at=collected.collected_at,
    )
    keep(units, collection, window, remembered)


def keep(units: CollectedUnits, collection: Collection, window: Window, remembered: RememberedUnit) -> None:
    """Writes it down, or says in the log that it could not."""
    keeping = units.remember(
        team=collection.team,
        unit=collection.unit,
        window=window,
        form=form_of(collection.unit),
        remembered=remembered,
    )
    try:
        collection.at_shelf(keeping)
    except DatabaseUnavailable as error:
        activity.logger.warning("%s is not remembered: %s", collection.unit, error)
