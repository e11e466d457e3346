"""Nothing that a test does, and nothing that it leaves behind, holds up the run: it is ended, and named.

pytest-timeout knows how long each test may take, from the first fixture that it needs to the last one that ends after
it. Its own alarm rings once, and not at all when the test has failed before: the end of what a test had begun, or of
the event loop in which that went on, was waited for without any bound. Here it rings again and again:

1. What the loop runs for is cancelled, so that the test's own `finally` and `async with` end what it began.
2. What has not ended `patience` later is left alone, by an exception that names it; and so is the end of each fixture,
   and of the loop itself, that takes as long again.
3. The process of what cannot be interrupted at all ends, and with it all that it started; xdist goes on with another.

A process that has run its tests and does not end is ended as well.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from types import CoroutineType, FrameType
from typing import Any

import pytest
from _pytest.fixtures import FixtureDef
from pytest_timeout import Settings, is_debugging
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

_LAST_RESORT = 5
"""Times the patience: so many ends may hang in a row before the process is ended."""

_OUTPUT = pytest.StashKey[int]()
_RANG = pytest.StashKey[bool]()
"""Whether the time of the test is over that this process runs."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("patience", "seconds that the end of something may take after its test's time is over", default="60")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_OUTPUT] = os.dup(2)  # the real one, which no test captures
    config.stash[_RANG] = False


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    faulthandler.dump_traceback_later(_patience(config), exit=True, file=config.stash[_OUTPUT])


@pytest.hookimpl
def pytest_timeout_set_timer(item: pytest.Item, settings: Settings) -> bool | None:
    if settings.method != "signal":
        return None  # no signals here: theirs ends the process
    patience = _patience(item.config)

    def ring(_number: int, frame: FrameType | None) -> None:
        if not settings.disable_debugger_detection and is_debugging():
            return
        is_first, item.config.stash[_RANG] = not item.config.stash[_RANG], True
        what = f"the {settings.timeout:g} s are over that {item.nodeid} may take"
        waited_for = _waited_for(frame)
        if is_first and waited_for is not None:
            # By the loop's own door: it sleeps, and a signal alone does not wake it.
            waited_for.get_loop().call_soon_threadsafe(waited_for.cancel, what)
            return
        late = "" if is_first else f", and more than {patience:g} s later this has not ended"
        pytest.fail(f"{what}{late}: {_described(frame)}")

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, settings.timeout, patience)
    last = settings.timeout + _LAST_RESORT * patience
    faulthandler.dump_traceback_later(last, exit=True, file=item.config.stash[_OUTPUT])
    return True


@pytest.hookimpl
def pytest_timeout_cancel_timer(item: pytest.Item) -> bool:
    """Asked when a test is over, and also when it has failed: what it left has not ended yet."""
    if item.config.getoption("usepdb"):
        _silence()
    return True


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    try:
        return (yield)
    finally:
        _silence()
        item.config.stash[_RANG] = False


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """A test whose time was over has failed, also where it swallowed that it was cancelled."""
    result = yield
    if item.config.stash[_RANG]:
        pytest.fail("its time was over, and it passed only then")
    return result


def pytest_fixture_post_finalizer(request: pytest.FixtureRequest) -> None:
    """The next end may take as long again."""
    if request.config.stash[_RANG]:
        patience = _patience(request.config)
        signal.setitimer(signal.ITIMER_REAL, patience, patience)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadFileScheduling | None:
    return Files(config, log) if config.getvalue("dist") == "loadfile" else None


class Files(LoadFileScheduling):  # type: ignore[misc]
    """What a process that has died leaves is run by others, once. xdist 3.8 runs what killed it again, and waits for
    ever where the process that replaces it gets a single test: each begins a test when it knows of the next."""

    def remove_node(self, node: WorkerController) -> str | None:
        """The test in which it died, if any."""
        files = self.assigned_work[node]
        open_ones = [(file, test) for file, tests in files.items() for test, is_over in tests.items() if not is_over]
        for file, test in open_ones[:1]:
            files[file][test] = True
        self.assigned_work[node] = {file: tests for file, tests in files.items() if not all(tests.values())}
        super().remove_node(node)
        return open_ones[0][1] if open_ones else None

    def _reschedule(self, node: WorkerController) -> None:
        super()._reschedule(node)
        while not node.shutting_down and self._pending_of(self.assigned_work[node]) < 2:
            super()._reschedule(node)


def _silence() -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    faulthandler.cancel_dump_traceback_later()


def _patience(config: pytest.Config) -> float:
    return float(config.getini("patience"))


def _waited_for(frame: FrameType | None) -> asyncio.Future[Any] | None:
    """What the event loop runs for in this thread, if it runs."""
    for one in _from_within(frame):
        if one.f_code is asyncio.BaseEventLoop.run_until_complete.__code__:
            future = one.f_locals["future"]
            return future if isinstance(future, asyncio.Future) else None
    return None


def _described(frame: FrameType | None) -> str:
    """The fixture that is being ended, if any; and what is still open in the event loop, by where it stands."""
    ends = [
        f"the end of the fixture {one.f_locals['self'].argname}"
        for one in _from_within(frame)
        if one.f_code is FixtureDef.finish.__code__
    ]
    waited_for = _waited_for(frame)
    tasks = asyncio.all_tasks(waited_for.get_loop()) if waited_for is not None else set()
    return "\n- ".join([ends[0] if ends else "the test itself", *sorted(map(_place_of, tasks))])


def _place_of(task: asyncio.Task[Any]) -> str:
    """Its coroutines, from the task's own to the innermost that can be seen, and where each stands."""
    places: list[str] = []
    coroutine: Any = task.get_coro()
    while isinstance(coroutine, CoroutineType) and coroutine.cr_frame is not None:
        file = Path(coroutine.cr_code.co_filename).name
        places.append(f"{coroutine.__qualname__} ({file}:{coroutine.cr_frame.f_lineno})")
        coroutine = coroutine.cr_await
    return " > ".join(places)


def _from_within(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back
