"""Answers that many want and that take a while: asked for once, given to all."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, NamedTuple, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

MOST_KEPT: Final = 64
"""Then the oldest is let go."""


class _Kept(NamedTuple, Generic[T]):
    at: float
    answer: T


class Shared(Generic[K, T]):
    """Answers by question. What could not be answered is asked again by the next.

    `seconds`: so old an answer may be. `usable_seconds`: so old it is still given, at once, while it is asked anew.
    """

    def __init__(self, ask: Callable[[K], Awaitable[T]], seconds: float, usable_seconds: float = 0.0) -> None:
        self._ask = ask
        self._seconds = seconds
        self._usable_seconds = max(usable_seconds, seconds)
        self._kept: dict[K, _Kept[T]] = {}
        self._asking: dict[K, asyncio.Task[T]] = {}

    async def of(self, question: K) -> T:
        """Raises what asking raises."""
        if (new := self._younger_than(self._seconds, question)) is not None:
            return new.answer
        asking = self._asking_anew(question)
        if (usable := self._younger_than(self._usable_seconds, question)) is not None:
            return usable.answer
        # Who goes away takes the answer from nobody else.
        return await asyncio.shield(asking)

    async def soon(self, question: K, patience_seconds: float) -> T | None:
        """A new answer where it comes so soon, else an older one; None where there is none that could be given."""
        if self._younger_than(self._seconds, question) is None:
            await asyncio.wait({self._asking_anew(question)}, timeout=patience_seconds)
        return self.at_hand(question)

    def at_hand(self, question: K) -> T | None:
        """Without asking; None where nobody has lately."""
        usable = self._younger_than(self._usable_seconds, question)
        return None if usable is None else usable.answer

    def _younger_than(self, seconds: float, question: K) -> _Kept[T] | None:
        kept = self._kept.get(question)
        return kept if kept is not None and time.monotonic() - kept.at < seconds else None

    def _asking_anew(self, question: K) -> asyncio.Task[T]:
        """Once, whoever asks meanwhile."""
        if question not in self._asking:
            self._asking[question] = asyncio.create_task(self._asked(question))
            self._asking[question].add_done_callback(_noticed)
        return self._asking[question]

    async def _asked(self, question: K) -> T:
        try:
            answer = await self._ask(question)
            self._kept.pop(question, None)
            self._kept[question] = _Kept(time.monotonic(), answer)
            if len(self._kept) > MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            return answer
        finally:
            del self._asking[question]


def _noticed(asked: asyncio.Task[object]) -> None:
    """A failure that nobody waited for: the next one asks again."""
    if not asked.cancelled():
        asked.exception()
