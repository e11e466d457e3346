"""Which reports have come already, and from how many: a report that comes again must not count again."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from devsync.domain.model import Model

REPORTERS_REMEMBERED = 256
"""Of the one not heard of for longest it is forgotten what came; a process that is alive reports more often."""

LATELY = timedelta(minutes=1)

_BEFORE = 64
_ALL_BEFORE = (1 << _BEFORE) - 1
_FEWEST = 16


class ReporterMemory(Model):
    """What has come of one reporter: the highest number, and which of the 64 before it."""

    reporter: str
    highest: int
    before: int = 0
    """Bit n: the report `highest - 1 - n` has come."""
    heard_at: datetime


class SeenReports:
    """Recognises duplicates, also late and out of order; what is older than the 64 counts as one."""

    def __init__(self, memories: Iterable[ReporterMemory] = (), *, taken: int = 0, duplicates: int = 0) -> None:
        self._memories = {memory.reporter: memory for memory in memories}
        self.taken = taken
        self.duplicates = duplicates

    @property
    def memories(self) -> tuple[ReporterMemory, ...]:
        """Not heard of for longest first."""
        return tuple(self._memories.values())

    def take(self, reporter: str, sequence: int, now: datetime) -> bool:
        """Whether this report is new; from then on it is not."""
        memory = self._memories.pop(reporter, None) or ReporterMemory(reporter=reporter, highest=0, heard_at=now)
        before = _before(memory, sequence)
        is_new = before is not None
        changes = {"highest": max(memory.highest, sequence), "before": before} if is_new else {}
        self._memories[reporter] = memory.model_copy(update={**changes, "heard_at": now})
        if len(self._memories) > REPORTERS_REMEMBERED:
            del self._memories[next(iter(self._memories))]
        self.taken += is_new
        self.duplicates += not is_new
        return is_new

    def heard_lately(self, now: datetime) -> int:
        """How many reported within LATELY, rounded up to 16, 32, 64, …: who paces by it need not know each change."""
        count = sum(memory.heard_at > now - LATELY for memory in self._memories.values())
        return max(_FEWEST, 1 << max(count - 1, 0).bit_length())


def _before(memory: ReporterMemory, sequence: int) -> int | None:
    """`before` once this report has come; None where it had come already, or is older than is remembered."""
    ahead = sequence - memory.highest
    if ahead > _BEFORE:
        return 0  # of those before nothing is known, and a shift by a billion would cost a gigabit
    if ahead > 0:
        return ((memory.before << 1 | 1) << (ahead - 1)) & _ALL_BEFORE
    bit = 1 << (-ahead - 1) if 0 < -ahead <= _BEFORE else 0
    return memory.before | bit if bit and not memory.before & bit else None
