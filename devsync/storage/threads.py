"""Lets activities that block in threads (PyGithub and jira do) use the worker's one async database."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, TypeVar

from devsync.storage.connection import DatabaseUnavailable

T = TypeVar("T")

_PATIENCE_SECONDS = 15.0
"""Beyond what any storage call takes: only a stuck or closed loop comes here."""


class LoopBridge:
    """Runs coroutines on the loop that owns the database. A second, synchronous pool was the alternative: it
    would double the connections and every bound for a saving of some 0.1 ms a call.

    Call from a thread other than the loop's: there it would wait for itself.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result. Raises what it raises, and DatabaseUnavailable when the loop is stuck or gone."""
        return self.start(coroutine)()

    def start(self, coroutine: Coroutine[Any, Any, T]) -> Callable[[], T]:
        """Starts the coroutine; what is returned waits for its result, and raises as `run` does."""
        try:
            future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        except RuntimeError as error:  # the loop is closed: the worker is going down
            coroutine.close()
            raise DatabaseUnavailable("the worker is shutting down") from error

        def wait() -> T:
            try:
                return future.result(_PATIENCE_SECONDS)
            except FutureTimeout as error:
                if future.done():
                    raise
                future.cancel()
                raise DatabaseUnavailable("the worker's event loop does not get to the database") from error

        return wait
