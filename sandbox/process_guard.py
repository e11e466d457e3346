"""Ends the processes of a program that is gone, however it died. A script; `sandbox.processes` starts it.

Standard input is a pipe whose other end the program alone holds: when it ends, the program has ended, be it by
`kill -9`. Lines on it: `+ PID SIGNAL`, a process group to end by sending the signal to its leader; `- PID`, no more.
"""

import os
import signal
import sys
import time
from collections.abc import Callable

GRACE_SECONDS = 10


def main() -> None:
    guarded: dict[int, int] = {}
    for line in sys.stdin:
        match line.split():
            case ["+", pid, stop_signal]:
                guarded[int(pid)] = int(stop_signal)
            case ["-", pid]:
                guarded.pop(int(pid), None)
    end(guarded)


def end(guarded: dict[int, int]) -> None:
    """Asks all at once, then forces those that have not ended within the grace."""
    for pid, stop_signal in guarded.items():
        send(os.kill, pid, stop_signal)
    deadline = time.monotonic() + GRACE_SECONDS
    while any(send(os.kill, pid, 0) for pid in guarded) and time.monotonic() < deadline:
        time.sleep(0.02)
    for pid in guarded:
        send(os.killpg, pid, signal.SIGKILL)


def send(kill: Callable[[int, int], None], pid: int, number: int) -> bool:
    """Whether there was somebody to send it to."""
    try:
        kill(pid, number)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
