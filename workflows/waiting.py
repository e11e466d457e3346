"""Waits that something else may end."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from temporalio import workflow


async def is_done_unless(work: Coroutine[Any, Any, object], is_over: Callable[[], bool]) -> bool:
    """Whether the work came to its end before `is_over`, where it is cancelled. Raises what the work raised."""
    doing = asyncio.create_task(work)
    try:
        await workflow.wait_condition(lambda: doing.done() or is_over())
    finally:
        is_done = not doing.cancel()
    await asyncio.gather(doing, return_exceptions=not is_done)
    return is_done
