"""Webhooks' failures: any answer but 2xx is one, and tried again by the schedule, as Standard Webhooks wants it."""

from collections.abc import Container, Mapping
from datetime import datetime

from devsync.domain.errors import ErrorCategory, ErrorSeverity, Failure
from devsync.runtime.failures.verdict import Verdict
from devsync.runtime.server_hints import retry_after


class WebhookAnswered(Exception):
    """The receiver did not take the event. `headers` may say when to come back."""

    def __init__(self, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(f"the webhook answered {status}")
        self.status = status
        self.headers = headers


BY_STATUS: tuple[tuple[Container[int], Verdict], ...] = (
    (
        {410},
        Verdict(
            category=ErrorCategory.CONFIGURATION,
            says="{service}: the receiver has switched this address off (410): take it out of the team file, or replay"
            " the delivery when it is back",
            severity=ErrorSeverity.HIGH,
        ),
    ),
    (
        {429},
        Verdict(
            category=ErrorCategory.RATE_LIMITING,
            says="{service}: the receiver makes us wait (429)",
            severity=ErrorSeverity.LOW,
            is_retryable=True,
            is_expected=True,
        ),
    ),
    (
        range(300, 400),
        Verdict(
            category=ErrorCategory.DISTRIBUTION,
            says="{service}: the receiver sends us elsewhere ({code}), where we do not follow: write the address itself"
            " into the team file",
            is_retryable=True,
        ),
    ),
    (
        range(400, 500),
        Verdict(
            category=ErrorCategory.DISTRIBUTION,
            says="{service}: the receiver refuses the event ({code}): check its address and its secret",
            is_retryable=True,
        ),
    ),
    (
        range(1000),
        Verdict(
            category=ErrorCategory.EXTERNAL_SERVICE,
            says="{service}: the receiver answered {code}",
            is_retryable=True,
            counts_for_breaker=True,
            may_have_taken_effect=True,
        ),
    ),
)
"""The first row that holds the status decides."""


def answered(error: WebhookAnswered, service: str, now: datetime) -> Failure:
    """By status; a Retry-After is honoured wherever another try is made."""
    verdict = next(verdict for statuses, verdict in BY_STATUS if error.status in statuses)
    hint = retry_after(error.headers, now) if verdict.is_retryable else None
    return verdict.failure(service, code=str(error.status), retry_after=hint)
