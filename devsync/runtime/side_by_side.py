"""Many questions to a server side by side, and not all at once."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

Subject = TypeVar("Subject")
Answer = TypeVar("Answer")

AT_ONCE = 10


async def side_by_side(ask: Callable[[Subject], Awaitable[Answer]], subjects: Iterable[Subject]) -> list[Answer]:
    """The answers, in the order of the subjects. The first error ends it."""
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(subject: Subject) -> Answer:
        async with turn:
            return await ask(subject)

    return await asyncio.gather(*map(one, subjects))
