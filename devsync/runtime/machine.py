"""What the machine is doing, read from the system; None where it does not tell."""

import shutil
from pathlib import Path

from devsync.domain.health.snapshot import Machine
from devsync.runtime.resident import resident_megabytes

_STAT = Path("/proc/stat")
_IDLE = (3, 4)
"""The columns `idle` and `iowait` (man 5 proc)."""


class MachineWatch:
    """Processors are busy for some of the time between two looks; the first look counts from when this was made."""

    def __init__(self, directory: Path = Path()) -> None:
        self._directory = directory
        self._before = _ticks()

    def look(self) -> Machine:
        """Without the database, which is asked elsewhere."""
        before, self._before = self._before, _ticks()
        return Machine(
            cpu_percent=_busy(before, self._before),
            memory_mb=resident_megabytes(),
            disk_free_mb=self._free_megabytes(),
        )

    def _free_megabytes(self) -> float | None:
        try:
            return shutil.disk_usage(self._directory).free / 2**20
        except OSError:
            return None


def _ticks() -> tuple[int, ...]:
    """Of all processors together; empty where the system does not tell."""
    try:
        first = _STAT.read_text().partition("\n")[0]
        return tuple(map(int, first.split()[1:9]))  # what follows, guests, is in the first ones already
    except (OSError, ValueError):
        return ()


def _busy(before: tuple[int, ...], after: tuple[int, ...]) -> float | None:
    gone = [later - earlier for earlier, later in zip(before, after, strict=False)]
    total = sum(gone)
    if total <= 0:
        return None
    idle = sum(gone[column] for column in _IDLE)
    return 100 * (total - idle) / total
