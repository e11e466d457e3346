"""Calls what a program gave to be told by, so that it cannot harm the program: bounded, logged, counted."""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from devsync.api.checks import expect_callable

Callback = Callable[[dict[str, Any]], Awaitable[Any] | Any]

LASTS_AT_MOST: Final = 5.0
"""Seconds that one call of a callback may take; then it is cancelled."""
WAITED_FOR: Final = 1.0
"""Seconds that whoever handles an error waits for its callbacks; they go on after that."""
AT_ONCE: Final = 100
"""Calls under way; what comes meanwhile is not told."""

_log = logging.getLogger("devsync.api")


class Told:
    """One callback of one handler. It is called in the program's own loop, where its clients live; one that is no
    coroutine function in a thread, so that it holds nobody up."""

    def __init__(self, what: str, callback: Callback | None) -> None:
        """Raises TypeError for what cannot be called."""
        if callback is not None:
            expect_callable(what, callback)
        self._what = what
        self._callback = callback
        self._under_way: set[asyncio.Task[None]] = set()
        self.counts = {"told": 0, "failed": 0, "timed_out": 0, "dropped": 0}

    def tell(self, data: Mapping[str, Any]) -> "asyncio.Task[None] | None":
        """Begins to. Never raises, never waits; None where there is nobody to tell, no loop to do it in, or too many
        calls are under way."""
        if self._callback is None:
            return None
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            loop = None
        if loop is None or len(self._under_way) >= AT_ONCE:
            self.counts["dropped"] += 1
            return None
        task = loop.create_task(self._call(self._callback, dict(data)))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def _call(self, callback: Callback, data: dict[str, Any]) -> None:
        try:
            async with asyncio.timeout(LASTS_AT_MOST):
                if inspect.iscoroutinefunction(callback):
                    await callback(data)
                else:
                    answer = await asyncio.to_thread(callback, data)
                    if inspect.isawaitable(answer):
                        await answer
        except TimeoutError:
            self._failed("timed_out", f"did not end within {LASTS_AT_MOST:g} s")
        except Exception as error:  # noqa: BLE001 (somebody else's code fails in any way)
            self._failed("failed", f"raised {type(error).__name__}: {error}")
        else:
            self.counts["told"] += 1

    def _failed(self, how: str, words: str) -> None:
        self.counts[how] += 1
        _log.warning("the %s %s", self._what, words)


async def waited_for(*told: "asyncio.Task[None] | None") -> None:
    """Until they have ended, WAITED_FOR at most. A program that ends next has told them then."""
    waiting = [task for task in told if task is not None]
    if waiting:
        with suppress(asyncio.CancelledError):
            await asyncio.wait(waiting, timeout=WAITED_FOR)
