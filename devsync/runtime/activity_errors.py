"""Turns whatever an activity raises into an ApplicationError that carries its classification and the next delay.

Activities therefore raise plain exceptions of their client libraries; the retry decision is made here, once, from
the failure's class, the server's hint and the policy that the workflow declared for the activity. Each failed attempt
is told to `keep`, for the records.
"""

import logging
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio import activity
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory, FailureError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from devsync.contracts import names
from devsync.contracts.activities import contract_of
from devsync.contracts.errors import ErrorRecord
from devsync.contracts.policies import Jitter
from devsync.contracts.recovery import StepResult
from devsync.domain.backoff import next_delay
from devsync.domain.errors import ErrorCategory, ErrorContext, Failure, assessed
from devsync.domain.redaction import bounded, redacted
from devsync.runtime.declared_retry import jitter_of
from devsync.runtime.owners import owner_of

KeepError = Callable[[ErrorRecord], None]

_DEEPEST_CAUSE = 3


class ErrorTranslation(Interceptor):
    """`secrets` are values that stand in no message, whatever a service quotes. `keep` must not wait."""

    def __init__(self, *, keep: KeepError | None = None, secrets: Sequence[str] = ()) -> None:
        self._keep = keep
        self._secrets = tuple(secrets)

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 (the SDK's name)
        return _Translate(next, self._keep, self._secrets)


class _Translate(ActivityInboundInterceptor):
    def __init__(self, inner: ActivityInboundInterceptor, keep: KeepError | None, secrets: Sequence[str]) -> None:
        super().__init__(inner)
        self._keep = keep
        self._secrets = secrets

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 (the SDK's name)
        owner = owner_of(input.headers)
        try:
            result = await super().execute_activity(input)
        except ApplicationError as error:
            if not (error.details and isinstance(error.details[0], Failure)):
                raise  # no failure: work handed back at a shutdown
            context = _context(error)
            failure = assessed(self._clean(error.details[0]), context)
            self._tell(failure, owner)
            raise to_application_error(failure, error.next_retry_delay) from error.__cause__
        except FailureError:
            raise  # cancellation
        except Exception as error:  # noqa: BLE001 (raised again, classified)
            # Imported here: it knows every client library, and the plugin is loaded by programs that use none.
            from devsync.runtime.classification import assess

            context = _context(error)
            failure = self._clean(assess(context, datetime.now(UTC)))
            self._tell(failure, owner)
            delay = _delay(failure, activity.info(), jitter_of(input.headers))
            raise to_application_error(failure, delay) from self._brief(error)
        return self._told(result, owner) if isinstance(result, StepResult) else result

    def _told(self, result: StepResult, owner: str | None) -> StepResult:
        """A step answers although some of its units failed; each of these failures is told as a raised one is."""
        failures = {unit: self._clean(failure) for unit, failure in result.failures.items()}
        for unit, failure in failures.items():
            self._tell(failure, owner, unit)
        return result.model_copy(update={"failures": failures, "message": redacted(result.message, self._secrets)})

    def _clean(self, failure: Failure) -> Failure:
        return failure.model_copy(update={"message": bounded(redacted(failure.message, self._secrets))})

    def _tell(self, failure: Failure, owner: str | None, unit: str = "") -> None:
        info = activity.info()
        activity.logger.info("attempt %d failed: %s", info.attempt, failure.message)
        if self._keep is not None:
            service, _, operation = info.activity_type.partition(".")
            record = ErrorRecord(
                run_id=info.workflow_run_id or "",
                activity_id=f"{info.activity_id} {unit}".strip(),
                attempt=info.attempt,
                workflow_id=info.workflow_id or "",
                team=names.team_of(info.workflow_id or ""),
                service=service,
                operation=operation,
                category=failure.category,
                severity=failure.severity,
                code=failure.code,
                fingerprint=failure.fingerprint,
                message=failure.message,
                occurred_at=datetime.now(UTC),
                owner_run_id=owner,
            )
            self._keep(record)

    def _brief(self, error: BaseException, depth: int = 0) -> ApplicationError:
        """The cause as histories and logs may keep it: type, one line, traceback.

        Client libraries put whole answers into their messages: pages of HTML, and headers with session cookies.
        """
        from devsync.runtime.classification import first_line

        words = redacted(first_line(error), self._secrets)
        brief = ApplicationError(words, type=type(error).__name__).with_traceback(error.__traceback__)
        if error.__cause__ is not None and depth < _DEEPEST_CAUSE:
            brief.__cause__ = self._brief(error.__cause__, depth + 1)
        return brief


def _context(error: Exception) -> ErrorContext:
    info = activity.info()
    service, _, operation = info.activity_type.partition(".")
    contract = contract_of(info.activity_type)
    return ErrorContext(
        error=error,
        service=service,
        operation=operation,
        team_id=names.team_of(info.workflow_id or ""),
        user_facing=contract is not None and contract.is_user_facing,
        critical=contract is not None and contract.is_critical,
    )


def to_application_error(failure: Failure, delay: timedelta | None) -> ApplicationError:
    """The failure as Temporal carries it: type = category, first detail = the `Failure` itself."""
    return ApplicationError(
        failure.message,
        failure,
        type=failure.category.value,
        non_retryable=not failure.is_retryable,
        next_retry_delay=delay if failure.is_retryable else None,
        category=ApplicationErrorCategory.BENIGN if failure.is_expected else ApplicationErrorCategory.UNSPECIFIED,
    )


def _delay(failure: Failure, info: activity.Info, jitter: Jitter) -> timedelta | None:
    """The wait before the next attempt; None: as long as the server's own backoff, which has no jitter."""
    policy = info.retry_policy
    if policy is None or (jitter is Jitter.NONE and not failure.retry_after):
        return failure.retry_after
    return next_delay(
        info.attempt,
        hint=failure.retry_after,
        initial=policy.initial_interval,
        factor=policy.backoff_coefficient,
        maximum=longest_wait(policy),
        uniform=random.uniform if jitter is Jitter.FULL else _lowest,
    )


def longest_wait(policy: RetryPolicy) -> timedelta:
    """The declared maximum between attempts; by Temporal's own rule a hundred first waits where none is declared."""
    return policy.maximum_interval or policy.initial_interval * 100


def _lowest(low: float, _high: float) -> float:
    """Without jitter a hint is taken as it is."""
    return low


class ToldAlready(logging.Filter):
    """For the logger `temporalio.activity`: drops what the SDK says, with a traceback, of a failure told in one line.

    A mistake of ours keeps its traceback.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        failure = error.details[0] if isinstance(error, ApplicationError) and error.details else None
        return not (isinstance(failure, Failure) and failure.category is not ErrorCategory.SYSTEM)
