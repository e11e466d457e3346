"""One attempt of a real activity, with everything that stands around it in a worker, and what comes of its failure."""

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from devsync.contracts.activities import ActivityContract
from devsync.domain.errors import Failure
from devsync.runtime.activity_errors import ErrorTranslation
from devsync.runtime.breaker.gate import Gate
from devsync.runtime.breaker.pause import PauseForLongHints

POLICY = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(minutes=1)
)
"""As services.yaml declares it for GitHub and JIRA."""


@dataclass(frozen=True)
class Failed:
    """How an attempt failed, as the server is told."""

    failure: Failure
    delay: timedelta | None
    """What the next attempt waits for; None: there is none."""
    error: ApplicationError


class _Runs(ActivityInboundInterceptor):
    """The innermost one: calls the activity, in a thread if it blocks."""

    def __init__(self) -> None:
        pass

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        if inspect.iscoroutinefunction(input.fn):
            return await input.fn(*input.args)
        return await asyncio.to_thread(input.fn, *input.args)


async def attempt(name: str, activity: Callable[..., Any], *arguments: Any, gate: Gate | None = None) -> Failed | None:
    """The first attempt of the activity of that name; None: it succeeded. `gate` is the one of its service, if any."""
    environment = ActivityEnvironment()
    environment.info = replace(
        environment.info, activity_type=name, attempt=1, retry_policy=POLICY, workflow_id="changelog:payments:2026-W47"
    )

    async def run() -> None:
        arguments_ = ExecuteActivityInput(fn=activity, args=arguments, executor=None, headers={})
        inner = ErrorTranslation().intercept_activity(_Runs())
        outer = PauseForLongHints(gate).intercept_activity(inner) if gate else inner
        await outer.execute_activity(arguments_)

    try:
        await environment.run(run)
    except ApplicationError as error:
        failure = error.details[0]
        assert isinstance(failure, Failure)
        return Failed(failure, error.next_retry_delay, error)
    return None


async def attempt_of(
    contract: ActivityContract[Any, Any], activity: Callable[..., Any], message: Any, *, gate: Gate | None = None
) -> Failed | None:
    return await attempt(contract.name, activity, message, gate=gate)
