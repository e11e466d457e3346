"""Temporal's own failures: its time-outs by their type, its refusals of a call by gRPC status.

Workflow code uses it as well, so that it imports no client library.
"""

from collections.abc import Mapping
from datetime import datetime

from temporalio.exceptions import TimeoutError as TemporalTimeoutError
from temporalio.exceptions import TimeoutType
from temporalio.service import RPCError, RPCStatusCode

from devsync.domain.errors import ErrorCategory, ErrorSeverity, Failure
from devsync.runtime.failures.verdict import Verdict

_SYSTEM = ErrorCategory.SYSTEM


def _late(says: str, *, code: str = "timeout", may_have_taken_effect: bool = True) -> Verdict:
    return Verdict(
        category=_SYSTEM, says=says, code=code, is_retryable=True, may_have_taken_effect=may_have_taken_effect
    )


NO_ANSWER = _late("no answer within the time allowed")

BY_TIMEOUT: Mapping[TimeoutType, Verdict] = {
    TimeoutType.START_TO_CLOSE: NO_ANSWER,
    TimeoutType.SCHEDULE_TO_CLOSE: NO_ANSWER,
    TimeoutType.HEARTBEAT: _late("the worker gave no sign of life any more", code="heartbeat"),
    TimeoutType.SCHEDULE_TO_START: _late(
        "no worker took the work in time", code="no_worker", may_have_taken_effect=False
    ),
}
"""Which service was slow, the server cannot know: none is counted for a breaker."""

SILENT = frozenset(verdict.code for verdict in BY_TIMEOUT.values())
"""Codes of `system` failures that nobody has reported: no worker was there, or the one that was died of it."""

_AWAY = Verdict(
    category=_SYSTEM,
    says="Temporal does not answer ({code}): check TEMPORAL_ADDRESS and the server",
    severity=ErrorSeverity.HIGH,
    is_retryable=True,
)
_REFUSED = Verdict(category=_SYSTEM, says="Temporal refused a call ({code}): {words}", severity=ErrorSeverity.HIGH)
_NOT_KNOWN = Verdict(
    category=ErrorCategory.AUTHENTICATION,
    says="Temporal does not let us ({code}): check TEMPORAL_API_KEY or the TLS certificate, and the namespace's rights",
    severity=ErrorSeverity.HIGH,
)
_BUSY = Verdict(
    category=ErrorCategory.RATE_LIMITING,
    says="Temporal limits our rate ({code})",
    severity=ErrorSeverity.LOW,
    is_retryable=True,
    is_expected=True,
)

BY_STATUS: Mapping[RPCStatusCode, Verdict] = {
    **dict.fromkeys(
        (
            RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED, RPCStatusCode.ABORTED,
            RPCStatusCode.INTERNAL, RPCStatusCode.UNKNOWN,
        ),
        _AWAY,
    ),
    **dict.fromkeys((RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNAUTHENTICATED), _NOT_KNOWN),
    RPCStatusCode.RESOURCE_EXHAUSTED: _BUSY,
}  # fmt: skip


def timed_out(error: TemporalTimeoutError | None) -> Failure:
    """The failure behind a time-out of Temporal's that nothing explains; None: it said not even which."""
    verdict = BY_TIMEOUT[error.type] if error is not None and error.type is not None else NO_ANSWER
    return verdict.failure("temporal")


def time_out(error: TemporalTimeoutError, _service: str, _now: datetime) -> Failure:
    return timed_out(error)


def call(error: RPCError, service: str, _now: datetime) -> Failure:
    verdict = BY_STATUS.get(error.status, _REFUSED)
    return verdict.failure(service, code=error.status.name.lower(), words=error.message[:200])
