"""What people change about an edition before it is posted: nothing is ever added that no source has told."""

from collections.abc import Sequence

from devsync.domain.changelog.edition import Edition
from devsync.domain.changelog.texts import one_line
from devsync.domain.model import Model

MAX_NOTE_LENGTH = 500


class Edits(Model):
    """Items by id; a later edit wins over an earlier one."""

    hide: tuple[str, ...] = ()
    retitle: dict[str, str] = {}
    note: str | None = None
    """A sentence of the editors' own; None leaves the earlier one, an empty one takes it away."""

    def then(self, later: "Edits") -> "Edits":
        """Both, in this order."""
        return Edits(
            hide=tuple(dict.fromkeys((*self.hide, *later.hide))),
            retitle={**self.retitle, **later.retitle},
            note=self.note if later.note is None else later.note,
        )


def edited(edition: Edition, edits: Edits) -> Edition:
    """The edition as its editors want it. Ids that it does not have change nothing."""
    hidden = frozenset(edits.hide)
    kept = tuple(item for item in edition.items if item.id not in hidden)
    items = tuple(
        item.model_copy(update={"title": one_line(edits.retitle[item.id])}) if edits.retitle.get(item.id) else item
        for item in kept
    )
    ids = {item.id for item in items}
    return edition.model_copy(
        update={
            "items": items,
            "highlights": tuple(key for key in edition.highlights if key in ids),
            "hidden_count": len(edition.items) - len(items),
            "editors_note": one_line(edits.note or "")[:MAX_NOTE_LENGTH],
        }
    )


def unknown_ids(edition_ids: Sequence[str], edits: Edits) -> tuple[str, ...]:
    """What is to be changed and is not there."""
    known = frozenset(edition_ids)
    return tuple(key for key in dict.fromkeys((*edits.hide, *edits.retitle)) if key not in known)
