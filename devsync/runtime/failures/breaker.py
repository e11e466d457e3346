"""A call that was not made, since the service's circuit breaker is open or the service is paused."""

from datetime import datetime

from devsync.domain.breaker.refusals import CallRefused, ServicePaused
from devsync.domain.errors import ErrorCategory, ErrorSeverity, Failure
from devsync.runtime.failures.verdict import Verdict

CIRCUIT_OPEN = Verdict(
    category=ErrorCategory.EXTERNAL_SERVICE,
    says="{words}",
    code="circuit_open",
    severity=ErrorSeverity.LOW,
    is_expected=True,
)
SERVICE_PAUSED = Verdict(
    category=ErrorCategory.RATE_LIMITING,
    says="{words}",
    code="service_paused",
    severity=ErrorSeverity.LOW,
    is_expected=True,
)
"""No attempt is spent on either: the workflow waits, once for all that want the service."""


def refused(error: CallRefused, service: str, _now: datetime) -> Failure:
    verdict = SERVICE_PAUSED if isinstance(error, ServicePaused) else CIRCUIT_OPEN
    failure = verdict.failure(service, words=str(error))
    return failure.model_copy(
        update={
            "retry_at": error.retry_at,
            "probes_allowed": error.probes_allowed,
            "is_open_ended": error.is_open_ended,
        }
    )
