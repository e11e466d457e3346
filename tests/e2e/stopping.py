"""Starts workers, stops each as soon as it serves, prints their exit codes: `python -m tests.e2e.stopping FOLDER N`.

Each is forked from this process, which has imported everything, and has the SDK's hash over it: these take ten times as
long as all else that such a worker does. The end of the interpreter, where an exit code can be lost, is the same.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

from temporalio.worker._worker import load_default_build_id

import worker
from devsync.runtime.worker_process import READY_LINE

AT_ONCE = 5


def begin(log: Path) -> int:
    """The pid of a worker that writes to that file."""
    output = os.open(log, os.O_CREAT | os.O_WRONLY)
    pid = os.fork()
    if not pid:
        os.dup2(output, sys.stdout.fileno())
        os.dup2(output, sys.stderr.fileno())
        sys.exit(worker.main())
    os.close(output)
    return pid


def stopped(folder: Path, count: int) -> list[int]:
    """The exit code of each; negative for a signal."""
    codes: list[int] = []
    serving: dict[int, Path] = {}
    begun = 0
    while len(codes) < count:
        if begun < count and len(serving) < AT_ONCE:
            log = folder / f"stopped-{begun}.log"
            serving[begin(log)] = log
            begun += 1
        for pid, log in list(serving.items()):
            if log.exists() and READY_LINE in log.read_text():
                os.kill(pid, signal.SIGTERM)
                log.unlink()
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                codes.append(os.waitstatus_to_exitcode(status))
                del serving[pid]
        time.sleep(0.01)
    return codes


if __name__ == "__main__":
    load_default_build_id()
    print(json.dumps(stopped(Path(sys.argv[1]), int(sys.argv[2]))))
