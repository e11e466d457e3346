"""Runs servers as child processes: ready before they are used, gone afterwards, even when we are killed."""

from __future__ import annotations

import asyncio
import logging
import os
import pwd
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import psutil

from sandbox import process_guard

ReadinessProbe = Callable[[], Awaitable[bool]]

GRACE_SECONDS: Final = 10.0
"""How long a program that is told to stop may take."""

_POLL_SECONDS: Final = 0.02
_TAIL_LINES: Final = 20

_log: Final = logging.getLogger("sandbox.processes")

_CHOSEN_PORTS: Final = range(20_000, 32_768)
"""Below those that systems give to outgoing connections."""

# The shell becomes the command only when it is told to, which is after the guard knows its pid. Were we killed in
# between, it reads the end of the pipe instead and exits: there is no moment in which a child could be left behind.
_WAIT_FOR_THE_GUARD: Final = 'read -r go && exec "$@" </dev/null'


class ProcessFailed(Exception):
    """A child process ended, or did not become ready. The message holds the end of its log."""


class Started(Protocol):
    """What is known of a process to who has it: `subprocess.Popen` is one."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    def poll(self) -> int | None: ...
    def send_signal(self, sig: int, /) -> None: ...


@dataclass(frozen=True)
class ChildProcess:
    """A running program in a session of its own, so that Ctrl-C in the terminal reaches us, not it.

    Made by `start_process`; `running_process` also waits for it and stops it.
    """

    name: str
    log_file: Path
    popen: Started
    stop_signal: signal.Signals
    log_start: int
    """Where this run's output begins in the log, in bytes."""

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def is_running(self) -> bool:
        return self.popen.poll() is None

    def log_tail(self) -> str:
        """The last lines that this run has written."""
        with self.log_file.open("rb") as log:
            log.seek(self.log_start)
            lines = log.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-_TAIL_LINES:])

    async def wait(self) -> int:
        """Until it has ended; its exit code, negative for a signal. What it has started ends by force with it."""
        # Polled, since a subprocess of asyncio is bound to the loop that started it, and ours outlive loops.
        while (code := self.popen.poll()) is None:
            await asyncio.sleep(_POLL_SECONDS)
        if _GUARD.watches(self.pid):  # once: later the pid may be another's
            _kill_group(self.pid)
            _GUARD.forget(self.pid)
        return code

    async def wait_until(self, is_ready: ReadinessProbe, timeout_seconds: float = 30) -> None:
        """Asks `is_ready` again and again. Raises ProcessFailed when the process ends or the time is over."""
        deadline = time.monotonic() + timeout_seconds
        while not await self._answers(is_ready, deadline):
            if not self.is_running:
                raise ProcessFailed(self._told(f"ended with code {self.popen.returncode} before it was ready"))
            if time.monotonic() >= deadline:
                raise ProcessFailed(self._told(f"is not ready after {timeout_seconds:g} s"))
            await asyncio.sleep(_POLL_SECONDS)

    async def _answers(self, is_ready: ReadinessProbe, deadline: float) -> bool:
        """Asks once, for as long as the process runs: whoever else has its port may never answer."""
        asked = asyncio.ensure_future(is_ready())
        try:
            while not asked.done() and self.is_running and time.monotonic() < deadline:
                await asyncio.wait((asked,), timeout=_POLL_SECONDS)
            return asked.done() and await asked
        finally:
            asked.cancel()

    async def stop(self, grace_seconds: float = GRACE_SECONDS) -> int:
        """Ends it cleanly, or by force after the grace, which is logged; its exit code."""
        if self.is_running:
            self.popen.send_signal(self.stop_signal)
        try:
            return await asyncio.wait_for(self.wait(), grace_seconds)
        except TimeoutError:
            _log.warning("%s", self._told(f"did not end within {grace_seconds:g} s and was killed"))
            return await self.kill()

    async def kill(self) -> int:
        """Ends it and all of its process group at once, as `kill -9` does; its exit code."""
        if self.is_running:
            _kill_group(self.pid)
        return await self.wait()

    def _told(self, what: str) -> str:
        return f"{self.name} {what}; the end of {self.log_file}:\n{self.log_tail() or '(it wrote nothing)'}"


def start_process(
    name: str,
    command: Sequence[str | Path],
    log_file: Path,
    *,
    environment: Mapping[str, str] | None = None,
    user: str | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
) -> ChildProcess:
    """Starts `command`, its output appended to `log_file`.

    `environment` is the whole of it (None: ours); `user` needs root; `stop_signal` is what ends it cleanly.
    """
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with log_file.open("ab") as log:
        log_start = log.tell()
        popen = subprocess.Popen(
            ["/bin/sh", "-c", _WAIT_FOR_THE_GUARD, "sh", *command],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment,
            **as_user(user),
        )
    _GUARD.watch(popen.pid, stop_signal)
    assert popen.stdin is not None, "it is a pipe"
    with popen.stdin as go:
        go.write(b"go\n")
    return ChildProcess(name, log_file, popen, stop_signal, log_start)


@asynccontextmanager
async def running_process(
    name: str,
    command: Sequence[str | Path],
    log_file: Path,
    is_ready: ReadinessProbe,
    *,
    environment: Mapping[str, str] | None = None,
    start_timeout_seconds: float = 30,
    grace_seconds: float = GRACE_SECONDS,
) -> AsyncIterator[ChildProcess]:
    """The process from when it is ready until the end of the block. Raises ProcessFailed."""
    process = start_process(name, command, log_file, environment=environment)
    try:
        await process.wait_until(is_ready, start_timeout_seconds)
        yield process
    finally:
        await process.stop(grace_seconds)


def as_user(user: str | None) -> dict[str, Any]:
    """The arguments with which `subprocess` runs a command as that user, in its group alone; for None, as ourselves."""
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}


def has_ended(process: psutil.Process) -> bool:
    """Also true of a zombie: where process 1 does not bury the orphans, they stay in the list."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses now, and that no outgoing connection gets before it is bound."""
    while True:
        port = secrets.choice(_CHOSEN_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


async def accepts_connections(port: int) -> bool:
    """Whether somebody listens on that port of 127.0.0.1."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):  # macOS says the latter of a group of zombies
        os.killpg(pid, signal.SIGKILL)


class _Guard:
    """Our end of the pipe to process_guard.py, which is started with the first child and ends with us."""

    def __init__(self) -> None:
        self._script: subprocess.Popen[bytes] | None = None
        self._watched: dict[int, int] = {}

    def watch(self, pid: int, stop_signal: signal.Signals) -> None:
        self._watched[pid] = stop_signal
        if self._script is None or self._script.poll() is not None:
            self._begin()  # and tells the new one of all
        else:
            self._tell(f"+ {pid} {stop_signal}\n")

    def watches(self, pid: int) -> bool:
        return pid in self._watched

    def forget(self, pid: int) -> None:
        del self._watched[pid]
        self._tell(f"- {pid}\n")

    def _begin(self) -> None:
        # Python makes file descriptors close-on-exec: none of our other children keeps the pipe open.
        self._script = subprocess.Popen(
            [sys.executable, "-I", "-S", process_guard.__file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
        self._tell("".join(f"+ {pid} {stop_signal}\n" for pid, stop_signal in self._watched.items()))

    def _tell(self, lines: str) -> None:
        assert self._script is not None, "watch() starts it"
        assert self._script.stdin is not None, "it is a pipe"
        with suppress(BrokenPipeError):  # somebody ended it; the next watch() starts another
            # One write of less than PIPE_BUF bytes: the guard never reads half a line.
            os.write(self._script.stdin.fileno(), lines.encode())


_GUARD: Final = _Guard()
