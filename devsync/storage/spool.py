"""What is to be written when the database has time for it: bounded, in this process, never waited for."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Generic, TypeVar

from devsync.storage.connection import StorageError

T = TypeVar("T")

Write = Callable[[Sequence[T]], Awaitable[None]]

_LIMIT = 2_000
_BATCH = 200
_GATHERING_SECONDS = 0.5
"""How long entries gather before they are written together."""
_LOOKING_SECONDS = 0.005
_AWAY_SECONDS = 5.0
"""How long a database that did not take them is left alone."""

_log = logging.getLogger("devsync.spool")


class Spool(Generic[T]):
    """Keeps entries until they are written, `limit` of them at most: the oldest go first when it is full.

    A process that is killed loses what it holds. Writing must be repeatable: after an interruption the same
    entries are written again. Use it on one event loop.
    """

    def __init__(self, what: str, *, limit: int = _LIMIT, batch: int = _BATCH, patience: float = 1.0) -> None:
        """`what` names the entries in the log: "errors". `batch` of them at most are written at once; `patience` times
        the usual they gather before.
        """
        self._what = what
        self._limit = limit
        self._batch = batch
        self._patience = patience
        self._kept: deque[T] = deque()
        self._something = asyncio.Event()
        self._closing = asyncio.Event()
        self._hurry = asyncio.Event()
        self._taken = 0
        self._written = 0
        self._lost_unsaid = 0
        self.lost = 0
        """Entries that were never written."""

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, entry: T) -> None:
        """Returns at once, whatever the database does."""
        self._kept.append(entry)
        self._taken += 1
        self._drop_the_oldest()
        self._something.set()

    async def flush(self, seconds: float) -> bool:
        """Whether what has been kept until now is written within so many seconds, or lost. It is not gathered then."""
        taken = self._taken
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._written + self.lost < taken:
                    self._hurry.set()
                    await asyncio.sleep(_LOOKING_SECONDS)
        return self._written + self.lost >= taken

    @asynccontextmanager
    async def written_by(self, write: Write[T]) -> AsyncIterator[None]:
        """Inside, entries are written in batches; at the end the rest is, if the database takes it at once."""
        writing = asyncio.create_task(self._run(write))
        try:
            yield
        finally:
            self._closing.set()
            self._hurry.set()
            self._something.set()
            await writing
            self._lose(len(self._kept))
            self._kept.clear()
            self._say_what_is_lost()

    async def _run(self, write: Write[T]) -> None:
        while True:
            await self._something.wait()
            await self._unless_in_a_hurry(_GATHERING_SECONDS * self._patience)
            is_written = await self._write_some(write)
            if self._closing.is_set() and not (is_written and self._kept):
                return
            if not is_written:
                await self._unless_in_a_hurry(_AWAY_SECONDS)

    async def _write_some(self, write: Write[T]) -> bool:
        """False where the entries could not be written now; they are kept then."""
        batch = [self._kept.popleft() for _ in range(min(self._batch, len(self._kept)))]
        if not self._kept:
            self._something.clear()
        if not batch:
            return True
        try:
            await write(batch)
        except StorageError as error:
            _log.info("%d %s wait for the database: %s", len(batch), self._what, error)
            self._kept.extendleft(reversed(batch))
            self._drop_the_oldest()
            self._something.set()
            return False
        except Exception:  # noqa: BLE001 (whatever it is, the next batch may be written)
            # Written again they would fail again, and all that come after them would wait behind.
            _log.exception("the database refused %d %s", len(batch), self._what)
            self._lose(len(batch))
        else:
            self._written += len(batch)
        self._say_what_is_lost()
        return True

    async def _unless_in_a_hurry(self, seconds: float) -> None:
        """Waits that long, or until somebody closes or flushes."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), seconds)
        if not self._closing.is_set():
            self._hurry.clear()

    def _drop_the_oldest(self) -> None:
        excess = len(self._kept) - self._limit
        for _ in range(excess):
            self._kept.popleft()
        if excess > 0:
            self._lose(excess)

    def _lose(self, count: int) -> None:
        self.lost += count
        self._lost_unsaid += count

    def _say_what_is_lost(self) -> None:
        if self._lost_unsaid:
            _log.warning("%d %s were not recorded", self._lost_unsaid, self._what)
            self._lost_unsaid = 0
