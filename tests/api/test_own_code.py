"""A program's own functions, called from the library's loop: where they run, how they are ended."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from devsync.api import own_code
from devsync.api.own_code import CutShort


@contextmanager
def another_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The caller's, on a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="caller", daemon=True)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


async def where(given: int = 0) -> tuple[str, int]:
    return threading.current_thread().name, given


async def test_an_async_function_runs_where_the_caller_waits() -> None:
    with another_loop() as loop:
        assert await own_code.call(where, 7, loop=loop) == ("caller", 7)


async def test_without_a_caller_it_runs_on_a_thread_of_its_own() -> None:
    with another_loop() as ended:
        pass
    for loop in (None, ended):
        assert await own_code.call(where, loop=loop) == ("devsync-own-code", 0)


async def test_a_plain_function_holds_up_no_loop() -> None:
    go_on = threading.Event()
    blocking = asyncio.create_task(own_code.call(go_on.wait, 60, loop=asyncio.get_running_loop()))
    await asyncio.sleep(0.05)
    go_on.set()
    assert await blocking, "it was told to go on, on the loop that it did not hold up"


async def test_what_a_plain_function_gives_to_be_awaited_is_awaited() -> None:
    assert await own_code.call(lambda: where(3), loop=None) == ("devsync-own-code", 3)


async def raises() -> None:
    raise KeyError("no such customer")


async def exits() -> None:
    sys.exit(3)


async def cancels() -> None:
    raise asyncio.CancelledError


async def test_what_it_raises_is_raised_here() -> None:
    for loop in (None, asyncio.get_running_loop()):
        with pytest.raises(KeyError, match="no such customer"):
            await own_code.call(raises, loop=loop)


async def test_what_would_end_a_program_ends_not_our_loop() -> None:
    """A loop that hears of SystemExit stops, whoever else lives on it."""
    for function, said in ((exits, "raised SystemExit"), (cancels, "was cancelled")):
        with pytest.raises(CutShort, match=said):
            await own_code.call(function, loop=None)
    with another_loop() as loop, pytest.raises(CutShort, match="was ended with the event loop"):
        await own_code.call(cancels, loop=loop)


@pytest.mark.parametrize("is_callers", [True, False])
async def test_who_stops_waiting_ends_it(is_callers: bool) -> None:
    has_begun, was_cancelled = threading.Event(), threading.Event()

    async def long() -> None:
        has_begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            was_cancelled.set()
            raise

    with another_loop() as loop:
        waiting = asyncio.create_task(own_code.call(long, loop=loop if is_callers else None))
        assert await asyncio.to_thread(has_begun.wait, 30)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await asyncio.to_thread(was_cancelled.wait, 30)


async def test_the_end_of_the_callers_loop_is_noticed() -> None:
    with another_loop() as loop:
        waiting = asyncio.create_task(own_code.call(asyncio.sleep, 60, loop=loop))
        await asyncio.sleep(0.1)
    with pytest.raises(CutShort):
        await asyncio.wait_for(waiting, 60)


HANGS = """
import asyncio, time
from devsync.api import own_code
async def main():
    try:
        await asyncio.wait_for(own_code.call(time.sleep, 60, loop=None), 0.2)
    except TimeoutError:
        print("gone on")
asyncio.run(main())
"""


def test_a_function_that_hangs_keeps_no_program_from_ending() -> None:
    ended = subprocess.run([sys.executable, "-c", HANGS], capture_output=True, text=True, timeout=30, check=True)
    assert (ended.stdout, ended.stderr) == ("gone on\n", "")
