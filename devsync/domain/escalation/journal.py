"""What happened to an escalation, numbered: the last of it for people, and what is not in the database yet."""

from collections.abc import Iterable

from devsync.domain.escalation.machine import Event
from devsync.domain.model import Model

SHOWN = 30
UNRECORDED_AT_MOST = 500
"""They travel through continue-as-new, where 2 MB is the limit. Reached after days without a database."""


class JournalRecord(Model):
    """A `Journal` between two runs."""

    made: int = 0
    recent: tuple[Event, ...] = ()
    unrecorded: tuple[Event, ...] = ()


class Journal:
    def __init__(self, record: JournalRecord) -> None:
        self._record = record

    def to_record(self) -> JournalRecord:
        return self._record

    @property
    def made(self) -> int:
        """How many there were: the number of the last one."""
        return self._record.made

    @property
    def recent(self) -> tuple[Event, ...]:
        """The last ones, oldest first."""
        return self._record.recent

    @property
    def unrecorded(self) -> tuple[Event, ...]:
        return self._record.unrecorded

    @property
    def first_unrecorded(self) -> int:
        """The number of the first unrecorded one, from 1: with the page's id the key of its row."""
        return self.made - len(self.unrecorded) + 1

    def add(self, events: Iterable[Event]) -> None:
        """Beyond what can be carried, the oldest unrecorded ones are lost: their numbers stay free."""
        new = tuple(events)
        self._record = JournalRecord(
            made=self.made + len(new),
            recent=(*self.recent, *new)[-SHOWN:],
            unrecorded=(*self.unrecorded, *new)[-UNRECORDED_AT_MOST:],
        )

    def recorded(self, up_to: int) -> None:
        """Those up to this number are in the database, or were given up."""
        done = max(up_to - self.first_unrecorded + 1, 0)
        self._record = self._record.model_copy(update={"unrecorded": self.unrecorded[done:]})
