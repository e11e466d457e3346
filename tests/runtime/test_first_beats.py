"""Which signs of life of an attempt are told to the server, and when."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ActivityOutboundInterceptor, ExecuteActivityInput

from devsync.runtime.first_beats import FirstBeatsLater

TIMEOUT = timedelta(seconds=1)
QUIET = 0.2
"""Seconds of it."""

Beat = Callable[..., None]
Work = Callable[[Beat], Awaitable[None]]


class Server(ActivityOutboundInterceptor):
    """Hears what is told."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []

    def heartbeat(self, *details: Any) -> None:
        self.heard.append(details)


class Attempt(ActivityInboundInterceptor):
    """The innermost one: it works, and beats by what it was given."""

    def __init__(self, work: Work) -> None:
        self._work = work

    def init(self, outbound: ActivityOutboundInterceptor) -> None:
        self._beat = outbound.heartbeat

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 (the SDK's name)
        await self._work(self._beat)


async def told(work: Work, timeout: timedelta | None = TIMEOUT) -> list[tuple[Any, ...]]:
    """What the server hears of an attempt that does this, until some time after its end."""
    server = Server()

    async def attempt() -> None:
        interceptor = FirstBeatsLater().intercept_activity(Attempt(work))
        interceptor.init(server)
        await interceptor.execute_activity(ExecuteActivityInput(fn=attempt, args=[], executor=None, headers={}))

    environment = ActivityEnvironment()
    environment.info = replace(environment.info, heartbeat_timeout=timeout)
    with suppress(asyncio.CancelledError, ValueError):
        await environment.run(attempt)
    await asyncio.sleep(2 * QUIET)
    return server.heard


async def test_an_attempt_that_is_soon_over_tells_nothing() -> None:
    async def work(beat: Beat) -> None:
        beat("page", 1)
        beat("page", 2)

    assert await told(work) == []


async def test_one_that_goes_on_tells_its_last_beat_when_the_quiet_time_ends() -> None:
    async def work(beat: Beat) -> None:
        beat("page", 1)
        beat("page", 2)
        await asyncio.sleep(2 * QUIET)

    assert await told(work) == [("page", 2)]


async def test_later_beats_are_told_at_once() -> None:
    async def work(beat: Beat) -> None:
        await asyncio.sleep(2 * QUIET)
        beat("page", 1)
        beat("page", 2)

    assert await told(work) == [("page", 1), ("page", 2)]


async def test_silence_is_not_made_a_sign_of_life() -> None:
    async def work(_beat: Beat) -> None:
        await asyncio.sleep(2 * QUIET)

    assert await told(work) == []


@pytest.mark.parametrize("ended_by", [asyncio.CancelledError(), ValueError("mistaken")])
async def test_one_that_fails_young_tells_its_last_beat_once_for_the_next_attempt(ended_by: BaseException) -> None:
    async def work(beat: Beat) -> None:
        beat("page", 1)
        beat("page", 2)
        raise ended_by

    assert await told(work) == [("page", 2)]


async def test_one_that_fails_later_tells_nothing_twice() -> None:
    async def work(beat: Beat) -> None:
        beat("page", 1)
        await asyncio.sleep(2 * QUIET)
        raise ValueError("mistaken")

    assert await told(work) == [("page", 1)]


async def test_without_a_timeout_each_beat_is_told() -> None:
    async def work(beat: Beat) -> None:
        beat("page", 1)

    assert await told(work, timeout=None) == [("page", 1)]
