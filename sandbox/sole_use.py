"""One server at a time on a folder of data: two would ruin it, and a killed owner's server may still be ending."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TextIO

import psutil

from sandbox.processes import ChildProcess, has_ended

_CLOCK_TOLERANCE_SECONDS: Final = 2.0
_PATIENCE_SECONDS: Final = 15.0


class InUse(Exception):
    """A living program serves from the same data. The message names it and the cure."""


class SoleUse:
    """The right to serve from some data; `sole_use` gives it. The lock file remembers our server for the next owner."""

    def __init__(self, lock: TextIO) -> None:
        self._lock = lock

    def remember(self, server: ChildProcess) -> None:
        """To be called with each server that is started on the data."""
        started = psutil.Process(server.pid).create_time()
        self._lock.seek(0)
        self._lock.truncate()
        self._lock.write(f"{os.getpid()} {server.pid} {started}\n")
        self._lock.flush()

    async def previous_server_ended(self) -> None:
        """Waits for the server of an owner that was killed: its guard is ending it. Raises InUse if it stays."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while (server := self._previous_server()) is not None:
            if time.monotonic() > deadline:
                raise InUse(
                    f"{server.name()} (pid {server.pid}) of an earlier run does not end; end it: kill -9 {server.pid}"
                )
            await asyncio.sleep(0.05)

    def _previous_server(self) -> psutil.Process | None:
        self._lock.seek(0)
        match self._lock.read().split():
            case [_, pid, started]:
                return _living(int(pid), float(started))
        return None


@contextmanager
def sole_use(lock_file: Path) -> Iterator[SoleUse]:
    """Holds the lock file. Raises InUse where a living program does. The kernel lets go when we die, however."""
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    with lock_file.open("a+") as lock:  # its descriptor is close-on-exec: no child keeps the lock
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().split()
            who = f"the program with pid {owner[0]}" if owner else "another program, which is just starting,"
            raise InUse(f"{who} serves from {lock_file.parent} already; use that, or stop it first") from None
        yield SoleUse(lock)


def _living(pid: int, started: float) -> psutil.Process | None:
    """The process, if it is still the one that started then: pids are used again."""
    try:
        process = psutil.Process(pid)
        is_same = abs(process.create_time() - started) < _CLOCK_TOLERANCE_SECONDS
    except psutil.NoSuchProcess:
        return None
    return process if is_same and not has_ended(process) else None
