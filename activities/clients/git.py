"""git as a program, kept from everything that it might do besides: no questions, hooks, helpers, and no endless clone.

What it says on its error output is for the log only; its exit code, our own bounds and, over HTTP, the address itself
tell why it failed.
"""

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from temporalio import activity

from activities.clients.beats import Beat
from activities.collection import TimeIsUp
from devsync.runtime.failures.mirror import GitFailed, MirrorTooLarge

POLL_SECONDS: Final = 0.2
"""How often a running git is looked at: its folder's size, the time, a cancellation."""

_KILLED_SECONDS: Final = 5.0
_SHOWN_CHARACTERS: Final = 200

_KEPT: Final = ("PATH", "HOME", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "TMPDIR")
_PROXIES: Final = ("http_proxy", "https_proxy", "no_proxy", "all_proxy")

_SETTINGS: Final = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "credential.helper=",
    "gc.auto=0",
    "maintenance.auto=false",
    "http.lowSpeedLimit=1000",
    "http.lowSpeedTime=10",
    "advice.detachedHead=false",
)


class Git:
    """Runs git in one folder. `until` bounds each run, `largest_bytes` what the folder may grow to on the way."""

    def __init__(self, folder: Path, *, until: datetime, beat: Beat, schemes: str, largest_bytes: int) -> None:
        self._folder = folder
        self._until = until
        self._beat = beat
        self._largest_bytes = largest_bytes
        self._environment = _environment(os.environ, schemes)

    def run(self, *arguments: str, given: bytes = b"") -> bytes:
        """What it prints. Raises GitFailed, MirrorTooLarge, TimeIsUp, CancelledError, and OSError without a git."""
        settings = [part for setting in _SETTINGS for part in ("-c", setting)]
        command = ["git", *settings, *arguments]
        with (
            tempfile.TemporaryFile() as answer,
            tempfile.TemporaryFile() as words,
            tempfile.TemporaryFile() as question,
        ):
            question.write(given)
            question.seek(0)
            process = subprocess.Popen(
                command,
                cwd=self._folder,
                env=self._environment,
                stdin=question,
                stdout=answer,
                stderr=words,
                start_new_session=True,
            )
            with _killed_at_the_end(process):
                exit_code = self._wait(process)
            if exit_code != 0:
                words.seek(0)
                told = words.read(4096).decode(errors="replace").strip()[:_SHOWN_CHARACTERS]
                activity.logger.warning("git %s ended with %d: %s", arguments[0], exit_code, told)
                raise GitFailed(arguments[0], exit_code)
            answer.seek(0)
            return answer.read()

    def _wait(self, process: "subprocess.Popen[bytes]") -> int:
        while True:
            with suppress(subprocess.TimeoutExpired):
                return process.wait(POLL_SECONDS)
            self._beat()
            if datetime.now(UTC) >= self._until:
                raise TimeIsUp("no time is left for the mirror")
            if size_of(self._folder) > self._largest_bytes:
                raise MirrorTooLarge(self._largest_bytes)


@contextmanager
def _killed_at_the_end(process: "subprocess.Popen[bytes]") -> Iterator[None]:
    try:
        yield
    finally:
        if process.poll() is None:
            # Its helpers (git-remote-https, ssh) are in its group, and would go on without it.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(_KILLED_SECONDS)


def size_of(folder: Path) -> int:
    """Bytes in the folder's files; what vanishes meanwhile counts nothing."""
    total = 0
    for path, _, files in os.walk(folder):
        for name in files:
            with suppress(OSError):
                total += os.lstat(os.path.join(path, name)).st_size
    return total


def _environment(ours: Mapping[str, str], schemes: str) -> dict[str, str]:
    """Without our secrets, and without what somebody's own configuration of git would add."""
    kept = {name: value for name, value in ours.items() if name in _KEPT or name.lower() in _PROXIES}
    return kept | {
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "/bin/false",
        "SSH_ASKPASS": "/bin/false",
        "GIT_ALLOW_PROTOCOL": schemes,
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_SSH_COMMAND": "ssh -oBatchMode=yes -oStrictHostKeyChecking=yes -oConnectTimeout=10",
    }
