"""Messages of amendments: a partial edition that is out, and what heals it."""

from datetime import datetime, timedelta

from devsync.contracts.collection import UnitCollected
from devsync.contracts.edition import EditionPlan, EditionResult
from devsync.contracts.recovery import FailedUnit, PeopleAsked
from devsync.domain.changelog.edits import Edits
from devsync.domain.model import Model


class AmendmentRequest(Model):
    """Input of Amendment, and argument of its signal `take_over`: a partial edition was brought to its channels."""

    plan: EditionPlan
    units: tuple[UnitCollected, ...]
    """What the edition was composed of: live units and what stands in."""
    missing: tuple[FailedUnit, ...]
    """What the gaps name: not live, or lost by our own store."""
    edits: Edits = Edits()
    result: EditionResult
    """What the edition reported."""
    until: datetime
    """Nobody is asked any more then."""
    first_wait: timedelta = timedelta(minutes=5)
    longest_wait: timedelta = timedelta(hours=1)


class StandBy(Model):
    """Argument of the signal `stand_by`: a run of the week makes the next revision."""

    reply_to: str
    """Workflow id of that run; the signal `amendment_stands_by` tells it the newest revision, when no other comes."""


class AmendmentProgress(Model):
    """Answer of the query `progress`."""

    revision: int
    """The newest that was made."""
    digest: str = ""
    """Its digest."""
    missing: tuple[FailedUnit, ...]
    given_up: tuple[str, ...] = ()
    """Units of these that nobody asks for any more: somebody decided so."""
    healed: tuple[str, ...] = ()
    """Units, in the order in which they answered."""
    until: datetime
    tries: int = 0
    asked: PeopleAsked | None = None
    """Set while its recovery waits for people: somebody has asked it to."""
    ended: str = ""
    """Why it asks no more: everything is there, the time is up, somebody stopped it, a newer edition took its place."""
    refused_messages: tuple[str, ...] = ()
