"""What one revision of an edition tells that another did not, item by item; `difference` has it in numbers."""

from __future__ import annotations

from devsync.domain.changelog.edition import Edition, Gap, Item
from devsync.domain.model import Model


class ChangedItem(Model):
    before: Item
    after: Item

    @property
    def is_refreshed(self) -> bool:
        """Only where its data came from differs."""
        return self.before.model_copy(update={"provenance": self.after.provenance}) == self.after


class ItemChanges(Model):
    """From an earlier revision to a later one; each in the order of the revision that it stands in."""

    added: tuple[Item, ...] = ()
    removed: tuple[Item, ...] = ()
    changed: tuple[ChangedItem, ...] = ()
    """Told in both, not in the same way: another title, section, issue."""
    refreshed: tuple[Item, ...] = ()
    """Told in both in the same way, from other data: what had been cached is live."""
    closed_gaps: tuple[Gap, ...] = ()
    opened_gaps: tuple[Gap, ...] = ()


def item_changes(before: Edition, after: Edition) -> ItemChanges:
    old, new = ({item.id: item for item in edition.items} for edition in (before, after))
    both = [ChangedItem(before=old[item.id], after=item) for item in after.items if item.id in old]
    differing = [one for one in both if one.before != one.after]
    old_gaps, new_gaps = ({gap.unit for gap in edition.gaps} for edition in (before, after))
    return ItemChanges(
        added=tuple(item for item in after.items if item.id not in old),
        removed=tuple(item for item in before.items if item.id not in new),
        changed=tuple(one for one in differing if not one.is_refreshed),
        refreshed=tuple(one.after for one in differing if one.is_refreshed),
        closed_gaps=tuple(gap for gap in before.gaps if gap.unit not in new_gaps),
        opened_gaps=tuple(gap for gap in after.gaps if gap.unit not in old_gaps),
    )
