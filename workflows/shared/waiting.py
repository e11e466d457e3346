"""Waits that something else may end."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from temporalio import workflow

T = TypeVar("T")


async def unless_cancelled(doing: "asyncio.Task[T]") -> T:
    """What comes of it. A cancel that comes in the same workflow task is heard: the SDK (1.35) forgets it beside the
    answer to a signal, and beside the end of a child."""
    try:
        return await asyncio.shield(doing)
    except asyncio.CancelledError:
        doing.cancel()
        await asyncio.gather(doing, return_exceptions=True)
        raise


async def do_unless(work: Coroutine[Any, Any, object], is_over: Callable[[], bool]) -> bool:
    """Does the work, and cancels it once `is_over`. True where it came to its end. Raises what the work raised."""
    doing = asyncio.create_task(work)
    try:
        await workflow.wait_condition(lambda: doing.done() or is_over())
    finally:
        is_done = not doing.cancel()
    await asyncio.gather(doing, return_exceptions=not is_done)
    return is_done
