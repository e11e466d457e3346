"""The declared concurrency of a service, as a pool of its blocking clients: one client, one thread at a time."""

import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from activities.clients.beats import WAKE_SECONDS, Beat, BeatingGate
from devsync.runtime.breaker.calls import CallGate

C = TypeVar("C")


class ClientPool(Generic[C]):
    """At most `size` HTTP calls at once in this process, each through the service's gate.

    Neither PyGithub nor requests promises that one connection may be used from two threads (PyGithub keeps the
    request of the moment on it), so the semaphore hands out whole clients; the last one returned is lent first,
    since its connection is the warmest.
    """

    def __init__(self, build: Callable[[], C], size: int, gate: CallGate) -> None:
        self._gate = gate
        self._free: queue.LifoQueue[C] = queue.LifoQueue()
        for _ in range(size):
            self._free.put(build())

    @contextmanager
    def lend(self, beat: Beat) -> Iterator[tuple[C, CallGate]]:
        """A client for some calls in a row, and the gate that beats before each of them; waiting for one beats, too."""
        client = self._wait(beat)
        try:
            yield client, BeatingGate(self._gate, beat)
        finally:
            self._free.put(client)

    def _wait(self, beat: Beat) -> C:
        while True:
            try:
                return self._free.get(timeout=WAKE_SECONDS)
            except queue.Empty:
                beat()
