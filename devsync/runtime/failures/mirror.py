"""git's failures: by exit code and by our own bounds. Its words are not read: they change with version and language."""

from datetime import datetime

from devsync.domain.errors import ErrorCategory, ErrorSeverity, Failure
from devsync.runtime.failures.verdict import Verdict


class GitFailed(Exception):
    """git ended with a code; almost everything that goes wrong with a remote is 128."""

    def __init__(self, operation: str, exit_code: int) -> None:
        super().__init__(f"git {operation} ended with exit code {exit_code}")
        self.operation = operation
        self.exit_code = exit_code


class MirrorTooLarge(Exception):
    """More than a clone without files may take."""

    def __init__(self, largest_bytes: int) -> None:
        super().__init__(f"more than {largest_bytes // 2**20} MB")


class MirrorEmpty(Exception):
    """Nothing stands in for a repository whose mirror has no commit: it was never filled, or its HEAD leads nowhere."""

    def __init__(self) -> None:
        super().__init__("the mirror has no commit on a default branch")


GIT_FAILED = Verdict(
    category=ErrorCategory.EXTERNAL_SERVICE,
    says="git could not read the mirror (git {operation}: {code}): check its address under mirrors in the team file,"
    " and over ssh the worker's key and known_hosts",
    is_retryable=True,
)
GIT_KILLED = Verdict(
    category=ErrorCategory.SYSTEM,
    says="git was ended by a signal while it read the mirror (git {operation}: {code}): look for memory limits",
    severity=ErrorSeverity.HIGH,
    is_retryable=True,
)
TOO_LARGE = Verdict(
    category=ErrorCategory.DATA_COLLECTION,
    says="the mirror is too large to be read as a stand-in ({words}): its server does not leave files out",
    code="too_large",
)


EMPTY = Verdict(
    category=ErrorCategory.DATA_COLLECTION,
    says="{words}: fill it, or let its HEAD name the branch",
    code="empty",
)


def git(error: GitFailed, service: str, _now: datetime) -> Failure:
    verdict = GIT_KILLED if error.exit_code < 0 else GIT_FAILED
    return verdict.failure(service, code=f"exit_{error.exit_code}", operation=error.operation)
