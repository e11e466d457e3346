"""A server's hint that is longer than a retry may wait pauses the service: no attempt is burnt on waiting."""

from datetime import UTC, datetime
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from devsync.domain.errors import Failure
from devsync.runtime.activity_errors import longest_wait, to_application_error
from devsync.runtime.breaker.gate import Gate
from devsync.runtime.failures.breaker import refused


class PauseForLongHints(Interceptor):
    """For the worker of one service. Outside `ErrorTranslation`: what a plugin brings comes after a worker's own."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 (the SDK's name)
        return _Pause(next, self._gate)


class _Pause(ActivityInboundInterceptor):
    def __init__(self, inner: ActivityInboundInterceptor, gate: Gate) -> None:
        super().__init__(inner)
        self._gate = gate

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 (the SDK's name)
        try:
            return await super().execute_activity(input)
        except ApplicationError as error:
            paused = self._paused_by(error)
            if paused is None:
                raise
            raise paused from error

    def _paused_by(self, error: ApplicationError) -> ApplicationError | None:
        failure = error.details[0] if error.details else None
        if not isinstance(failure, Failure) or not failure.is_retryable or failure.retry_after is None:
            return None
        policy = activity.info().retry_policy
        if policy is None or failure.retry_after <= longest_wait(policy):
            return None
        now = datetime.now(UTC)
        paused = self._gate.pause(now + failure.retry_after, failure.message)
        return None if paused is None else to_application_error(refused(paused, self._gate.service, now), None)
