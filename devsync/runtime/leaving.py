"""The end of a program that has used Temporal's SDK.

A thread of the SDK brings each answer into Python, and wakes the event loop that waits for it before it has left Python
itself. Where the program ends on that answer, the interpreter is torn down around the thread: SDK 1.35 then aborts the
process (exit 134 or 139), on a busy machine once in some eighty programs that had a worker.
"""

import sys
import threading
import time
from typing import Final

_PATIENCE: Final = 2.0
"""Seconds; another library's thread may be in Python for ever."""
_QUIET_FOR: Final = 0.1
_LOOKS_EVERY: Final = 0.01


def let_threads_of_the_sdk_leave() -> None:
    """Returns when for a moment no thread that Python has not started itself has been in Python; in two seconds at the
    latest. The last thing to do before the interpreter ends."""
    now = time.monotonic()
    give_up_at, quiet_since = now + _PATIENCE, now
    while now < give_up_at and now - quiet_since < _QUIET_FOR:
        time.sleep(_LOOKS_EVERY)
        now = time.monotonic()
        if _foreign_threads_in_python():
            quiet_since = now


def _foreign_threads_in_python() -> set[int]:
    own = {threading.get_ident(), *(thread.ident for thread in threading.enumerate())}
    return {ident for ident in sys._current_frames() if ident not in own}
