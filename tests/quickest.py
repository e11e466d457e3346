"""How soon something is done on a machine that has much else to do: that only ever makes it later, so the quickest of
several times is told."""

import time
from collections.abc import Awaitable, Callable

TIMES = 5


def quickest(work: Callable[[], object], under: float) -> float:
    """Its seconds; where it was quick enough, it is not done again."""
    taken: list[float] = []
    while len(taken) < TIMES and (not taken or taken[-1] >= under):
        began = time.monotonic()
        work()
        taken.append(time.monotonic() - began)
    return min(taken)


async def quickest_of(
    work: Callable[[], Awaitable[object]], under: float, *, before: Callable[[], Awaitable[object]] | None = None
) -> float:
    """Likewise. `before`: what makes it ready to be done, each time; its time does not count."""
    taken: list[float] = []
    while len(taken) < TIMES and (not taken or taken[-1] >= under):
        if before is not None:
            await before()
        began = time.monotonic()
        await work()
        taken.append(time.monotonic() - began)
    return min(taken)
