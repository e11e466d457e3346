"""Reads what a failed activity says of itself, for gaps and delivery decisions."""

from typing import TypeGuard

from pydantic import ValidationError
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.exceptions import TimeoutError as TemporalTimeoutError

from devsync.domain.errors import ErrorCategory, Failure
from devsync.runtime.failures.temporal import timed_out

MESSAGE_DELETED = "message_not_found"
"""Slack's code where somebody deleted the message that was to be updated."""


def failure_of(error: ActivityError) -> Failure:
    """The classified failure behind an activity that gave up.

    When the whole budget ran out, the server reports a time-out whose cause is the last attempt's failure: that
    one tells the reader why. A time-out with nothing behind it means that a worker or a service went silent.
    """
    silence: TemporalTimeoutError | None = None
    cause: BaseException | None = error.cause
    while cause is not None:
        if isinstance(cause, ApplicationError):
            return _classified(cause)
        if isinstance(cause, TemporalTimeoutError):
            silence = cause
        cause = cause.__cause__
    return timed_out(silence)


def reason_of(error: BaseException) -> str:
    """One sentence for people: why a run ended."""
    return failure_of(error).message if isinstance(error, ActivityError) else str(error)


def _classified(error: ApplicationError) -> Failure:
    """From its first detail; the type alone is left of a failure that was too large for the server to keep."""
    try:
        return Failure.model_validate(error.details[0])
    except (IndexError, ValidationError):
        known = set(ErrorCategory)
        category = ErrorCategory(error.type) if error.type in known else ErrorCategory.SYSTEM
        message = error.message or str(error.type)
        return Failure(category=category, message=message, is_retryable=not error.non_retryable)


def is_refusal(answer: object) -> TypeGuard[Failure]:
    """Whether a breaker refused: no call was made, and one may be from `retry_at` on."""
    return isinstance(answer, Failure) and answer.retry_at is not None
