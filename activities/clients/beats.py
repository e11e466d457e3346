"""Signs of life of threads that call: a beat before each HTTP call and while they wait, so that no silence is longer
than one call.

`services.yaml` takes no heartbeat that is shorter than a call may be (see `devsync.settings.services`).
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from devsync.runtime.breaker.calls import Call, CallGate, Excuses

Beat = Callable[[], None]
"""Tells Temporal that the thread lives, and lets a cancellation in."""

WAKE_SECONDS: Final = 2.0
"""How often a wait sends a heartbeat."""


class BeatingGate:
    """The gate of one thread's calls: it beats before each."""

    def __init__(self, gate: CallGate, beat: Beat) -> None:
        self._gate = gate
        self._beat = beat

    def call(self, operation: str) -> Call:
        self._beat()
        return self._gate.call(operation)

    def excused_call(self, operation: str, excuses: Excuses) -> Call:
        self._beat()
        return self._gate.excused_call(operation, excuses)


@contextmanager
def alone(lock: threading.Lock, beat: Beat) -> Iterator[None]:
    """Holds the lock for the block; who holds it may be in the middle of a call or two."""
    while not lock.acquire(timeout=WAKE_SECONDS):
        beat()
    try:
        yield
    finally:
        lock.release()
