"""Counts the HTTP calls that a piece of work makes through an aiohttp session, however many layers lie between."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import aiohttp


@dataclass
class CallCount:
    calls: int = 0


_counting: ContextVar[CallCount | None] = ContextVar("_counting", default=None)


@contextmanager
def counted() -> Iterator[CallCount]:
    """What the block calls, in the tasks that it starts as well, by sessions that have `call_tracing`."""
    count = CallCount()
    token = _counting.set(count)
    try:
        yield count
    finally:
        _counting.reset(token)


def call_tracing() -> aiohttp.TraceConfig:
    """For `ClientSession(trace_configs=[…])`."""
    tracing = aiohttp.TraceConfig()
    tracing.on_request_start.append(_count)
    return tracing


async def _count(_session: aiohttp.ClientSession, _context: Any, _request: aiohttp.TraceRequestStartParams) -> None:
    count = _counting.get()
    if count is not None:
        count.calls += 1
