"""Callbacks of a program that raise, hang or are too many: the program never notices, and each is counted."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from devsync.api import callbacks
from devsync.api.callbacks import Told, waited_for


async def test_a_callback_is_told() -> None:
    seen: list[dict[str, Any]] = []

    async def callback(data: dict[str, Any]) -> None:
        seen.append(data)

    told = Told("callback", callback)
    await waited_for(told.tell({"a": 1}))
    assert seen == [{"a": 1}]
    assert told.counts == {"told": 1, "failed": 0, "timed_out": 0, "dropped": 0}


async def test_one_that_is_no_coroutine_is_called_in_a_thread() -> None:
    threads: list[threading.Thread] = []
    told = Told("callback", lambda _: threads.append(threading.current_thread()))
    await waited_for(told.tell({}))
    assert threads[0] is not threading.current_thread()


async def raises(_: dict[str, Any]) -> None:
    raise ValueError("a bug of the program's")


async def hangs(_: dict[str, Any]) -> None:
    await asyncio.sleep(60)


def blocks(_: dict[str, Any]) -> None:
    time.sleep(0.5)


@pytest.mark.parametrize(("callback", "how"), [(raises, "failed"), (hangs, "timed_out"), (blocks, "timed_out")])
async def test_one_that_raises_or_hangs_is_counted_and_harms_nobody(
    monkeypatch: pytest.MonkeyPatch, callback: Callable[..., Any], how: str
) -> None:
    monkeypatch.setattr(callbacks, "LASTS_AT_MOST", 0.1)
    told = Told("callback", callback)
    await waited_for(told.tell({}))
    assert told.counts[how] == 1


async def test_who_waits_waits_no_longer_than_it_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callbacks, "WAITED_FOR", 0.1)
    monkeypatch.setattr(callbacks, "LASTS_AT_MOST", 60)
    told = Told("callback", hangs)
    began = time.monotonic()
    await waited_for(told.tell({}))
    assert time.monotonic() - began < 1


async def test_more_than_can_be_under_way_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(callbacks, "AT_ONCE", 3)
    told = Told("callback", hangs)
    tasks = [told.tell({}) for _ in range(5)]
    assert (told.counts["dropped"], tasks[3:]) == (2, [None, None])


def test_without_a_loop_nothing_is_told_and_nothing_is_raised() -> None:
    told = Told("callback", raises)
    assert told.tell({}) is None
    assert told.counts["dropped"] == 1


async def test_what_a_callback_changes_is_its_own_copy() -> None:
    async def changes(data: dict[str, Any]) -> None:
        data.clear()

    data = {"a": 1}
    await waited_for(Told("callback", changes).tell(data))
    assert data == {"a": 1}
