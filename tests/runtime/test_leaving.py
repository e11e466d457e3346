"""The end of a program waits for threads that are in Python and were not started by it, as those of the SDK are."""

import subprocess
import sys
import threading
import time
from _thread import start_new_thread

import pytest

from devsync.runtime import leaving


def seconds_to_leave() -> float:
    began = time.monotonic()
    leaving.let_threads_of_the_sdk_leave()
    return time.monotonic() - began


def test_a_thread_that_is_in_python_is_waited_for() -> None:
    left = threading.Event()

    def be_slow() -> None:
        time.sleep(0.4)
        left.set()

    start_new_thread(be_slow, ())
    seconds_to_leave()
    assert left.is_set()


def test_one_that_stays_holds_no_program_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaving, "_PATIENCE", 0.3)
    let_go = threading.Event()
    start_new_thread(lambda: let_go.wait(10), ())
    assert seconds_to_leave() < 5
    let_go.set()


ENDING = """
import time
from devsync.runtime import leaving

began = time.monotonic()
leaving.let_threads_of_the_sdk_leave()
print(time.monotonic() - began)
"""


def test_a_program_without_such_threads_ends_soon() -> None:
    """By itself: who runs the tests may have threads of its own."""
    ended = subprocess.run([sys.executable, "-c", ENDING], capture_output=True, text=True, check=True)
    assert float(ended.stdout) < 1.5
