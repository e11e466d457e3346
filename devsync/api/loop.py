"""An event loop on a thread of its own: what lives there is used from every thread and every other loop."""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, TypeVar

from devsync.api.unavailable import AfterFork, Closed, NotInTime

T = TypeVar("T")

_STOPS_WITHIN = 5.0
"""Seconds."""


class LoopThread:
    """Starts with the first work that it is given, and never keeps a program from ending. `prepare` is done once,
    before all work."""

    def __init__(self, name: str, prepare: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._name = name
        self._prepare = prepare
        self._preparing: asyncio.Task[None] | None = None
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._pid = os.getpid()
        self._is_stopped = False

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of the work, awaited from any loop. A caller that stops waiting cancels it."""
        if self.is_here:
            return await work
        return await asyncio.wrap_future(self.start(work))

    def wait(self, work: Coroutine[Any, Any, T], seconds: float) -> T:
        """The same, for a caller that blocks: for `seconds` at most, then it raises NotInTime."""
        if self.is_here:
            work.close()
            raise RuntimeError("a blocking call of devsync was made on its own event loop; await the async one there")
        future = self.start(work)
        try:
            return future.result(seconds)
        except FutureTimeout:
            if future.done():
                raise  # the work's own
            future.cancel()
            raise NotInTime(f"no answer within {seconds:g} s") from None

    def start(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Begins the work. Raises Closed and AfterFork."""
        prepared = self._prepared(work)
        try:
            return asyncio.run_coroutine_threadsafe(prepared, self._running())
        except BaseException:
            prepared.close()
            work.close()
            raise

    def stop(self) -> None:
        """Ends what still runs on it."""
        if os.getpid() != self._pid:
            return
        with self._lock:
            self._is_stopped = True
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is None or thread is None:
            return
        loop.call_soon_threadsafe(loop.stop)
        if thread is not threading.current_thread():
            thread.join(_STOPS_WITHIN)

    @property
    def is_here(self) -> bool:
        """Whether the caller is on it."""
        return threading.current_thread() is self._thread

    @property
    def has_started(self) -> bool:
        """In this process: a forked one has none of its parent's."""
        return self._thread is not None and os.getpid() == self._pid

    async def _prepared(self, work: Coroutine[Any, Any, T]) -> T:
        if self._preparing is None:
            self._preparing = asyncio.create_task(self._prepare())
        try:
            await asyncio.shield(self._preparing)
        except BaseException:
            work.close()
            raise
        return await work

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._thread is not None and os.getpid() != self._pid:
            raise AfterFork(
                "this process was forked from one that had used devsync, whose connections stayed there: "
                "use devsync for the first time after the fork, or start processes by spawn"
            )
        with self._lock:
            if self._is_stopped:
                raise Closed("devsync was closed; make a new handler")
            if self._loop is None:
                self._pid = os.getpid()
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=_serve, args=(self._loop,), name=self._name, daemon=True)
                self._thread.start()
            return self._loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    finally:
        loop.close()
