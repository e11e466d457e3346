"""The declared concurrency of a service, as a pool of its blocking clients: one client, one thread at a time."""

import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

C = TypeVar("C")

_WAKE_SECONDS = 2.0


class ClientPool(Generic[C]):
    """At most `size` HTTP calls at once in this process.

    Neither PyGithub nor requests promises that one connection may be used from two threads (PyGithub keeps the
    request of the moment on it), so the semaphore hands out whole clients; the last one returned is lent first,
    since its connection is the warmest.
    """

    def __init__(self, build: Callable[[], C], size: int) -> None:
        self._free: queue.LifoQueue[C] = queue.LifoQueue()
        for _ in range(size):
            self._free.put(build())

    @contextmanager
    def lend(self, while_waiting: Callable[[], None]) -> Iterator[C]:
        """A client for one call. `while_waiting` runs every two seconds: heartbeats, so that waiting is no death."""
        client = self._wait(while_waiting)
        try:
            yield client
        finally:
            self._free.put(client)

    def _wait(self, while_waiting: Callable[[], None]) -> C:
        while True:
            try:
                return self._free.get(timeout=_WAKE_SECONDS)
            except queue.Empty:
                while_waiting()
