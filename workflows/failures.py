"""Reads what a failed activity says of itself, for gaps and delivery decisions."""

from temporalio.exceptions import ActivityError, ApplicationError, TimeoutType
from temporalio.exceptions import TimeoutError as TemporalTimeoutError

from devsync.domain.changelog.edition import Gap
from devsync.domain.errors import ErrorCategory, Failure

SILENCE = "silence"
"""The code of a failure that nobody has reported: no worker was there, or the one that was died of it."""


def failure_of(error: ActivityError) -> Failure:
    """The classified failure behind an activity that gave up.

    When the whole budget ran out, the server reports a time-out whose cause is the last attempt's failure: that
    one tells the reader why. A time-out with nothing behind it means that a worker or a service went silent.
    """
    timed_out: TemporalTimeoutError | None = None
    cause: BaseException | None = error.cause
    while cause is not None:
        if isinstance(cause, ApplicationError):
            return _classified(cause)
        if isinstance(cause, TemporalTimeoutError):
            timed_out = cause
        cause = cause.__cause__
    return _silence(timed_out)


def reason_of(error: BaseException) -> str:
    """One sentence for people: why a run ended."""
    return failure_of(error).message if isinstance(error, ActivityError) else str(error)


def gap_of(unit: str, service: str, failure: Failure) -> Gap:
    return Gap(unit=unit, service=service, reason=failure.message, category=failure.category.value)


def _classified(error: ApplicationError) -> Failure:
    if error.details:
        return Failure.model_validate(error.details[0])
    return Failure(
        category=ErrorCategory.SYSTEM, message=error.message or str(error.type), is_retryable=not error.non_retryable
    )


def _silence(error: TemporalTimeoutError | None) -> Failure:
    never_started = error is not None and error.type is TimeoutType.SCHEDULE_TO_START
    return Failure(
        category=ErrorCategory.SYSTEM,
        message="no worker took the work in time" if never_started else "no answer within the time allowed",
        is_retryable=True,
        may_have_taken_effect=not never_started,
        code=SILENCE,
    )
