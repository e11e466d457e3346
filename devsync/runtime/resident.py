"""How much memory this process holds while something is under way."""

import asyncio
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_STATM = Path("/proc/self/statm")
_STATUS = Path("/proc/self/status")
_SAMPLE_SECONDS = 0.05
"""A peak that is over sooner may stay unseen; what is told was seen."""


def resident_megabytes() -> float | None:
    """Of this process, now; None where the system has no such file."""
    try:
        pages = int(_STATM.read_bytes().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def peak_megabytes() -> float | None:
    """The most that this process has ever held; None where the system has no such file.

    Not getrusage's: there a process begins with the peak of the one that started it.
    """
    try:
        status = _STATUS.read_text()
    except OSError:
        return None
    found = re.search(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE)
    return int(found[1]) / 2**10 if found else None


class Peak:
    """The highest amount that was seen so far."""

    megabytes: float | None = None
    """None where the system does not tell."""

    def see(self, megabytes: float | None) -> None:
        if megabytes is not None:
            self.megabytes = max(megabytes, self.megabytes or 0.0)


class ResidentMemory:
    """Looks at the process's resident memory for as long as somebody watches, from the event loop."""

    def __init__(self, read: Callable[[], float | None] = resident_megabytes) -> None:
        self.now = read
        """What is held at this moment, in megabytes; None where the system does not tell."""
        self._watching: set[Peak] = set()
        self._next: asyncio.TimerHandle | None = None

    @contextmanager
    def watched(self) -> Iterator[Peak]:
        """The peak since the block began; whoever asks for it looks once more before."""
        peak = Peak()
        peak.see(self.now())
        self._watching.add(peak)
        self._look_in_a_moment()
        try:
            yield peak
        finally:
            self._watching.discard(peak)

    def _look_in_a_moment(self) -> None:
        loop = asyncio.get_running_loop()
        # One that is overdue belongs to a loop that has ended.
        if self._next is None or self._next.when() + 1 < loop.time():
            self._next = loop.call_later(_SAMPLE_SECONDS, self._look)

    def _look(self) -> None:
        self._next = None
        if self._watching:
            held = self.now()
            for peak in self._watching:
                peak.see(held)
            self._look_in_a_moment()
