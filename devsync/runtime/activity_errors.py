"""Turns whatever an activity raises into an ApplicationError that carries its classification and the next delay.

Activities therefore raise plain exceptions of their client libraries; the retry decision is made here, once, from
the failure's class, the server's hint and the policy that the workflow declared for the activity.
"""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory, TemporalError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from devsync.domain.backoff import next_delay
from devsync.domain.errors import Failure


class ErrorTranslation(Interceptor):
    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 (the SDK's name)
        return _Translate(next)


class _Translate(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 (the SDK's name)
        try:
            return await super().execute_activity(input)
        except TemporalError:
            raise  # cancellation, and what an activity classified itself
        except Exception as error:  # noqa: BLE001 (raised again, classified)
            # Imported here: it knows every client library, and the plugin is loaded by programs that use none.
            from devsync.runtime.classification import classify, first_line

            info = activity.info()
            service = info.activity_type.split(".", 1)[0]
            failure = classify(error, service, datetime.now(UTC))
            activity.logger.info("attempt %d failed: %s", info.attempt, failure.message)
            raise to_application_error(failure, _delay(failure, info)) from _brief(error, first_line)


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


def _brief(error: BaseException, words: Callable[[BaseException], str]) -> ApplicationError:
    """The cause as histories and logs may keep it: type, one line, traceback.

    Client libraries put whole answers into their messages: pages of HTML, and headers with session cookies.
    """
    brief = ApplicationError(words(error), type=type(error).__name__).with_traceback(error.__traceback__)
    if error.__cause__ is not None:
        brief.__cause__ = _brief(error.__cause__, words)
    return brief


def _delay(failure: Failure, info: activity.Info) -> timedelta | None:
    policy = info.retry_policy
    if policy is None:
        return failure.retry_after
    return next_delay(
        info.attempt,
        hint=failure.retry_after,
        initial=policy.initial_interval,
        factor=policy.backoff_coefficient,
        maximum=policy.maximum_interval or policy.initial_interval * 100,
        uniform=random.uniform,
    )
