"""Workers that serve at once: forked from a process that has imported all they need, `python -m tests.e2e.nursery`.

Imports, and the hash over them by which the SDK names a build, take three quarters of the processor time of a worker
that a test needs, and some three hundred are needed. Such a worker runs `worker.main` in a process and a session of its
own, with its own environment and log, and is stopped, killed and waited for as any. There are two nurseries, and a
stage's workers come from them in turn: who goes on with another's work keeps sets in another order, which a replay must
not depend on. What a worker leaves behind (git runs in a session of its own, which nobody reaches who kills the worker)
ends by force with it.
"""

import asyncio
import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, closing, suppress
from functools import partial
from pathlib import Path

import psutil
from temporalio.worker._worker import load_default_build_id

import worker
from commands.stack import ROOT, START_SECONDS, WORKER_GRACE_SECONDS
from devsync.runtime.worker_process import READY_LINE
from sandbox.processes import ChildProcess

FORKS = sys.platform == "linux"
"""Elsewhere nothing ends a process together with its parent, and forks of a process that loaded much may fail."""

_LONGEST_REQUEST = 1 << 17
_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


@asynccontextmanager
async def forked_worker(
    directory: Path, environment: Mapping[str, str], name: str, number: int
) -> AsyncIterator[ChildProcess]:
    """As `commands.stack.worker_process`, the one of that number on its stage."""
    log = directory / f"{name}.log"
    log.unlink(missing_ok=True)

    async def is_ready() -> bool:
        return READY_LINE in log.read_text(errors="replace")

    begin = partial(_nursery(number % 2).begin, log, os.environ | dict(environment) | {"LOG_LEVEL": "INFO"})
    forked = await asyncio.to_thread(begin)  # the first one waits for the imports, and a sandbox may live in this loop
    process = ChildProcess(name, log, forked, signal.SIGTERM, log_start=0)
    try:
        await process.wait_until(is_ready, START_SECONDS)
        yield process
    finally:
        await process.stop(WORKER_GRACE_SECONDS)


class Forked:
    """To who asked for it what `subprocess.Popen` is to who started a program."""

    def __init__(self, told: int) -> None:
        """`told` is read for its pid, and for its exit code when it has ended."""
        self.returncode: int | None = None
        self._told = os.fdopen(told)
        pid = self._told.readline()
        if not pid:
            raise RuntimeError("the nursery of workers has ended: see above why")
        self.pid = int(pid)

    def poll(self) -> int | None:
        if self.returncode is None and select.select([self._told], [], [], 0)[0]:
            with self._told:
                self.returncode = int(self._told.readline() or -signal.SIGKILL)  # the nursery died, and it with it
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


class Nursery:
    """Our end of the process that forks, by the arguments with which Python runs it; it ends with us."""

    def __init__(self, *program: str) -> None:
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, *program, str(theirs.fileno())],
                cwd=ROOT,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )

    @property
    def is_there(self) -> bool:
        return self._process.poll() is None

    def begin(self, log: Path, environment: Mapping[str, str]) -> Forked:
        told, telling = os.pipe()
        with log.open("ab") as output:
            message = json.dumps({"environment": dict(environment), "folder": os.getcwd()}).encode()
            socket.send_fds(self._requests, [message], [output.fileno(), telling])
        os.close(telling)
        return Forked(told)


_nurseries: dict[int, Nursery] = {}


def _nursery(number: int) -> Nursery:
    """Of this process, from the first test that needs it; another one where it has died."""
    if number not in _nurseries or not _nurseries[number].is_there:
        _nurseries[number] = Nursery("-m", "tests.e2e.nursery")
    return _nurseries[number]


def serve(requests: socket.socket) -> None:
    """Forks a worker for each request, and tells of each when it has ended. Returns when nobody can ask any more."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)  # whose parent has ended becomes our child
    woken, wake = socket.socketpair()
    wake.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake.fileno())
    telling: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([requests, woken], [], [])
        if woken in ready:
            woken.recv(4096)
            _tell_who_ended(telling)
        if requests in ready:
            message, files, _, _ = socket.recv_fds(requests, _LONGEST_REQUEST, 2)
            if not message:
                return
            output, told = files
            if pid := os.fork():
                telling[pid] = told
                os.write(told, f"{pid}\n".encode())
                os.close(output)
            else:
                sys.exit(_work(output, **json.loads(message)))


def _tell_who_ended(telling: dict[int, int]) -> None:
    ended = dict(_buried())
    with suppress(psutil.NoSuchProcess):  # one that ends meanwhile
        for child in psutil.Process().children():
            if child.pid not in telling:
                child.kill()  # a worker's own, left by it: we hear of its end, too, and then of its children
    for pid, code in ended.items():
        if pid in telling:
            with closing(os.fdopen(telling.pop(pid), "w")) as answer:
                answer.write(f"{code}\n")


def _buried() -> Iterator[tuple[int, int]]:
    """(pid, exit code) of each child that has ended."""
    with suppress(ChildProcessError):  # there is none
        while (told := os.waitpid(-1, os.WNOHANG))[0]:
            yield told[0], os.waitstatus_to_exitcode(told[1])


def _work(output: int, environment: dict[str, str], folder: str) -> int:
    """A worker in this process, which was just forked; its exit code."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(output, sys.stdout.fileno())
    os.dup2(output, sys.stderr.fileno())
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    return worker.main()


if __name__ == "__main__":
    load_default_build_id()  # a hash over all that is imported, which takes half of what is left to do
    serve(socket.socket(fileno=int(sys.argv[1])))
