"""Our own machine's failures: by errno, which no text of an exception can imitate."""

import errno
import os
import socket
from collections.abc import Mapping
from datetime import datetime

from devsync.domain.errors import ErrorCategory, ErrorSeverity, Failure
from devsync.runtime.failures.verdict import BROKEN, TIMED_OUT, UNREACHABLE, Verdict, chain


def _ours(says: str, code: str, severity: ErrorSeverity, *, is_retryable: bool = True) -> Verdict:
    return Verdict(
        category=ErrorCategory.SYSTEM, says=says, code=code, severity=severity, is_retryable=is_retryable
    )  # fmt: skip


_DISK_FULL = _ours(
    "this machine's disk is full{where}: free space, or give the volume more", "disk_full", ErrorSeverity.CRITICAL
)
_NOT_ALLOWED = _ours(
    "this process may not do that{where}: give its user the right, or name another folder",
    "permission",
    ErrorSeverity.HIGH,
    is_retryable=False,
)
_TOO_MANY_FILES = _ours(
    "this process has too many files and connections open{where}: raise its limit (ulimit -n), or lower slots and"
    " concurrency in services.yaml",
    "too_many_files",
    ErrorSeverity.HIGH,
)
OUT_OF_MEMORY = _ours(
    "this process has no memory left: give it more, or lower slots in services.yaml", "memory", ErrorSeverity.CRITICAL
)
_DEVICE = _ours("a device of this machine fails{where} ({name}): look into its log", "device", ErrorSeverity.CRITICAL)
_NO_FILE = _ours(
    "a file or folder is not there{where} ({name}): the installation is incomplete, or a folder is named wrongly",
    "no_file",
    ErrorSeverity.HIGH,
    is_retryable=False,
)
_OTHER = _ours("the operating system refused{where} ({name})", "os", ErrorSeverity.HIGH)

BY_ERRNO: Mapping[int, Verdict] = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), _DISK_FULL),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), _NOT_ALLOWED),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL), _TOO_MANY_FILES),
    **dict.fromkeys((errno.ENOMEM, errno.ENOBUFS), OUT_OF_MEMORY),
    **dict.fromkeys((errno.EIO, errno.ENXIO, errno.ENODEV), _DEVICE),
    **dict.fromkeys((errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP), _NO_FILE),
    **dict.fromkeys((errno.EHOSTUNREACH, errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTDOWN), UNREACHABLE),
    **dict.fromkeys((errno.ECONNABORTED, errno.ECONNRESET, errno.EPIPE, errno.ENOTCONN), BROKEN),
    errno.ECONNREFUSED: UNREACHABLE,
    errno.ETIMEDOUT: TIMED_OUT,
}

_EXHAUSTED = (_DISK_FULL, _TOO_MANY_FILES, OUT_OF_MEMORY)
"""What also makes connections fail, which the libraries then wrap as if the service were away."""


def operating_system(error: OSError, service: str, _now: datetime) -> Failure:
    return _failure(BY_ERRNO.get(error.errno or 0, _OTHER), error, service)


def exhausted(error: BaseException, service: str) -> Failure | None:
    """The failure where our own machine has run out of something, whatever a library made of it; else None.

    A service must not be blamed for it: its breaker would open for a healthy service.
    """
    found = [cause for cause in chain(error) if isinstance(cause, OSError)]
    for cause in found:
        # The numbers of a name that is not known are no errno.
        verdict = None if isinstance(cause, socket.gaierror) else BY_ERRNO.get(cause.errno or 0)
        if verdict in _EXHAUSTED:
            return _failure(verdict, cause, service)
    # A resolver that could open no file says anything: that the name is unknown, or that a device is busy.
    if found and not _can_open_a_file():
        return _failure(_TOO_MANY_FILES, OSError(errno.EMFILE, ""), service)
    return None


def _can_open_a_file() -> bool:
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        return False
    return True


def _failure(verdict: Verdict, error: OSError, service: str) -> Failure:
    name = errno.errorcode.get(error.errno or 0, type(error).__name__)
    where = f" ({error.filename})" if isinstance(error.filename, str) else ""
    return verdict.failure(service, where=where, name=name, type=type(error).__name__)
