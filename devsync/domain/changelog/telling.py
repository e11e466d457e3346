"""What a rendering says beside its edition: about this revision, and about what becomes of what is missing."""

from datetime import datetime

from devsync.domain.model import Model


class Amended(Model):
    """What this revision has and the one before had not."""

    units: tuple[str, ...]
    """Sources that answered after all: `github:acme/ledger`."""
    items_added: int


class Telling(Model):
    banner: str = ""
    """One line above everything: that this is a preview, and how it is answered."""
    amended: Amended | None = None
    asks_until: datetime | None = None
    """So long the missing sources are asked again, and what comes of it is added."""
