"""Calls what a program has written itself, so that nothing it does stops what the library does beside it."""

import asyncio
import inspect
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from typing import Any, Final

_LOOKS_EVERY: Final = 1.0
"""Seconds after which it is seen that the caller's loop has ended."""


class CutShort(Exception):
    """It did not come to its end by itself; the message goes on after its name."""


async def call(function: Callable[..., Any], *arguments: Any, loop: asyncio.AbstractEventLoop | None) -> Any:
    """What the function gives, awaited where it is to be. Raises what it raises, and CutShort: also where it would end
    the program, of which only its own loop hears.

    An async one runs on the loop of the caller that waits for it, whose sessions and locks it may use; where there is
    none any more, on a thread with a loop of its own. Others run on a thread. Cancelling ends an async one; a thread
    cannot be ended, and never keeps the program from ending.
    """
    try:
        if loop is not None and loop.is_running() and inspect.iscoroutinefunction(function):
            return await _on(loop, function, arguments)
        return await _on_a_thread(function, arguments)
    except (SystemExit, KeyboardInterrupt) as error:
        raise CutShort(f"raised {type(error).__name__}") from None


async def _on(loop: asyncio.AbstractEventLoop, function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    waiting = asyncio.wrap_future(asyncio.run_coroutine_threadsafe(function(*arguments), loop))
    try:
        while not waiting.done():
            await asyncio.wait({waiting}, timeout=_LOOKS_EVERY)
            if waiting.cancelled() or not (waiting.done() or loop.is_running()):
                raise CutShort("was ended with the event loop that waited for it")
        return waiting.result()
    finally:
        waiting.cancel()


async def _on_a_thread(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    done: Future[Any] = Future()
    thread = _Thread(function, arguments, done)
    thread.start()
    try:
        return await asyncio.wrap_future(done)
    except asyncio.CancelledError:
        thread.cancel()
        raise


class _Thread(threading.Thread):
    """Not of a pool: a call that hangs would hold its place, and the end of the program would wait for it."""

    def __init__(self, function: Callable[..., Any], arguments: tuple[Any, ...], done: "Future[Any]") -> None:
        super().__init__(name="devsync-own-code", daemon=True)
        self._function = function
        self._arguments = arguments
        self._done = done
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None

    def run(self) -> None:
        with suppress(InvalidStateError):  # nobody waits any more
            try:
                result = self._function(*self._arguments)
                if inspect.isawaitable(result):
                    result = asyncio.run(self._awaited(result))
            except asyncio.CancelledError:
                self._done.set_exception(CutShort("was cancelled"))
            except BaseException as error:  # noqa: BLE001 (the waiting side raises it)
                self._done.set_exception(error)
            else:
                self._done.set_result(result)

    def cancel(self) -> None:
        if self._loop is not None and self._task is not None and self._loop.is_running():
            self._loop.call_soon_threadsafe(self._task.cancel)

    async def _awaited(self, work: Any) -> Any:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        return await work
