"""What happened to a breaker, numbered: the last of it for people, and what is not in the database yet."""

from collections.abc import Iterable

from devsync.domain.breaker.record import Transition
from devsync.domain.model import Model

SHOWN = 20
UNRECORDED_AT_MOST = 500
"""They travel through continue-as-new, where 2 MB is the limit. Reached after days without a database."""


class JournalRecord(Model):
    """A `Journal` between two runs."""

    made: int = 0
    recent: tuple[Transition, ...] = ()
    unrecorded: tuple[Transition, ...] = ()
    lost: int = 0


class Journal:
    def __init__(self, record: JournalRecord) -> None:
        self._made = record.made
        self._recent = list(record.recent)
        self._unrecorded = list(record.unrecorded)
        self.lost = record.lost
        """Transitions that no record will have."""

    def to_record(self) -> JournalRecord:
        return JournalRecord(made=self._made, recent=self.recent, unrecorded=self.unrecorded, lost=self.lost)

    @property
    def recent(self) -> tuple[Transition, ...]:
        """The last ones, oldest first."""
        return tuple(self._recent)

    @property
    def unrecorded(self) -> tuple[Transition, ...]:
        return tuple(self._unrecorded)

    @property
    def first_unrecorded(self) -> int:
        """The number of the first unrecorded one, from 1: with the entity's id the key of its row."""
        return self._made - len(self._unrecorded) + 1

    def add(self, transitions: Iterable[Transition]) -> None:
        """Beyond what can be carried, the oldest unrecorded ones are lost, and counted."""
        new = list(transitions)
        self._made += len(new)
        self._recent = [*self._recent, *new][-SHOWN:]
        self._unrecorded += new
        too_many = max(len(self._unrecorded) - UNRECORDED_AT_MOST, 0)
        del self._unrecorded[:too_many]
        self.lost += too_many

    def recorded(self, up_to: int, *, are_lost: bool = False) -> None:
        """Those up to this number are in the database, or never will be."""
        done = max(up_to - self.first_unrecorded + 1, 0)
        if are_lost:
            self.lost += len(self._unrecorded[:done])
        del self._unrecorded[:done]
