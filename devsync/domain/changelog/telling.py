"""What a rendering says beside its edition: about this revision, and about what becomes of what is missing."""

from datetime import datetime

from devsync.domain.answers import Offer
from devsync.domain.changelog.difference import Difference
from devsync.domain.model import Model


class Amended(Model):
    """What this revision has and the one before had not."""

    units: tuple[str, ...]
    """Sources that are there after all: `github:acme/ledger`."""
    difference: Difference | None = None
    """None: it is not known."""


class Telling(Model):
    banner: str = ""
    """One line above everything: that this is a preview, and how it is answered."""
    offers: tuple[Offer, ...] = ()
    """How it is answered at once, where the channel has buttons."""
    amended: Amended | None = None
    asks_until: datetime | None = None
    """Until when the missing sources are asked again, and what comes of it is added."""
    page: str = ""
    """Where on the dashboard more is to be seen: a path, which who renders makes absolute; empty: the edition's own."""
    asks_no_more_for: tuple[str, ...] = ()
    """Units that are missing and stay so: somebody decided that nobody asks for them again."""
