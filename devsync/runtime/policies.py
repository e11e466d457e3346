"""Turns declared policies into activity options: no retry number stands in a workflow file."""

from datetime import timedelta

from temporalio import workflow
from temporalio.workflow import ActivityCancellationType, ActivityConfig

from devsync.contracts.activities import (
    BREAKER_SETTINGS,
    FIND_DUE_WEEK,
    JOIN_ESCALATION,
    KEEP_RECORDS,
    LOOK,
    PLAN_EDITION,
    PLAN_REFRESH,
    RECORD_ALERTS,
    RECORD_BREAKER,
    RECORD_RECOVERY,
    RELEASE_WAITING,
    ActivityContract,
    In,
    Out,
)
from devsync.contracts.names import LOCAL, service_queue
from devsync.contracts.policies import OperationPolicy, Policies, RetryDeclaration
from devsync.contracts.recovery import StepRequest, StepResult
from devsync.domain.recovery.plan import PlanStep
from devsync.runtime.declared_retry import DeclaredRetry

NEVER_RETRYABLE = ("PayloadsTooLarge",)
"""Too large stays too large; the SDK would retry it for ever."""

CATCH_UP = timedelta(days=6)
"""A week is still started this long after it was due: late beats missing, and the next week is due after that."""

BOOTSTRAP: Policies = {
    # As long as a schedule catches up, too: without a plan there is no deadline, and a late edition beats none.
    PLAN_EDITION.name: OperationPolicy(
        retry=RetryDeclaration(initial=timedelta(seconds=1), factor=2, maximum=timedelta(seconds=30)),
        start_to_close=timedelta(seconds=10),
        schedule_to_close=CATCH_UP,
    ),
    # As long as a schedule catches up: a mistake in config/ that is mended in time costs no week.
    FIND_DUE_WEEK.name: OperationPolicy(
        retry=RetryDeclaration(initial=timedelta(seconds=1), factor=2, maximum=timedelta(minutes=2)),
        start_to_close=timedelta(seconds=10),
        schedule_to_close=CATCH_UP,
    ),
    # The next refresh reads the file anew, hours later.
    PLAN_REFRESH.name: OperationPolicy(
        retry=RetryDeclaration(initial=timedelta(seconds=1), factor=2, maximum=timedelta(seconds=30)),
        start_to_close=timedelta(seconds=10),
        schedule_to_close=timedelta(minutes=10),
    ),
    # Likewise: the next one notes newer heads, and removes what this one has left.
    KEEP_RECORDS.name: OperationPolicy(
        retry=RetryDeclaration(initial=timedelta(seconds=5), factor=2, maximum=timedelta(minutes=1)),
        start_to_close=timedelta(minutes=4),
        schedule_to_close=timedelta(minutes=10),
    ),
}
"""The policies that are not in config/services.yaml: the activities that read it cannot wait for it."""

ENTITY: Policies = {
    BREAKER_SETTINGS.name: OperationPolicy(
        retry=RetryDeclaration(initial=timedelta(seconds=1), factor=2, maximum=timedelta(minutes=1)),
        start_to_close=timedelta(seconds=10),
    ),
    RECORD_BREAKER.name: OperationPolicy(
        retry=RetryDeclaration(initial=timedelta(seconds=1), factor=2, maximum=timedelta(minutes=1)),
        start_to_close=timedelta(seconds=10),
        schedule_to_close=timedelta(days=7),
    ),
    # The next look is a minute away: a worker that dies costs one.
    LOOK.name: OperationPolicy(
        retry=RetryDeclaration(initial=timedelta(seconds=1), factor=2, maximum=timedelta(seconds=10)),
        start_to_close=timedelta(seconds=30),
        schedule_to_close=timedelta(minutes=1),
    ),
    RECORD_ALERTS.name: OperationPolicy(
        retry=RetryDeclaration(initial=timedelta(seconds=1), factor=2, maximum=timedelta(minutes=1)),
        start_to_close=timedelta(seconds=10),
        schedule_to_close=timedelta(days=7),
    ),
    # Later than that it helps nobody: who waits for a breaker comes back by itself.
    RELEASE_WAITING.name: OperationPolicy(
        retry=RetryDeclaration(initial=timedelta(seconds=1), factor=2, maximum=timedelta(minutes=1)),
        start_to_close=timedelta(minutes=1),
        schedule_to_close=timedelta(minutes=10),
    ),
}
"""Likewise, of workflows that live for months: what the file said when they were started would be long out of date."""

PROGRAM: Policies = {
    # Who asked waits for no longer than the deadline of its recovery.
    JOIN_ESCALATION.name: OperationPolicy(
        retry=RetryDeclaration(initial=timedelta(seconds=1), factor=2, maximum=timedelta(seconds=30)),
        start_to_close=timedelta(seconds=20),
        schedule_to_close=timedelta(hours=1),
    ),
    # The program has its answer before that.
    RECORD_RECOVERY.name: OperationPolicy(
        retry=RetryDeclaration(initial=timedelta(seconds=1), factor=2, maximum=timedelta(minutes=1)),
        start_to_close=timedelta(seconds=10),
        schedule_to_close=timedelta(days=7),
    ),
}
"""Likewise, of recoveries that another program asks for: it has the library alone, and no config/."""

UNDECLARED = OperationPolicy(
    retry=RetryDeclaration(initial=timedelta(seconds=1), factor=2, maximum=timedelta(minutes=1)),
    start_to_close=timedelta(minutes=1),
    schedule_to_close=timedelta(hours=1),
)
"""For an activity that the recorded policies do not name: an older build has planned the run, or nothing is planned
yet. It repeats what it is given for; what must not be repeated blindly may not rely on it."""


def activity_options(
    contract: ActivityContract[In, Out],
    policy: OperationPolicy,
    *,
    time_left: timedelta | None = None,
    cancellation: ActivityCancellationType = ActivityCancellationType.TRY_CANCEL,
) -> ActivityConfig:
    """Options for one call; `time_left` bounds the whole of it, retries included.

    What is local goes to the run's own queue: the worker that asks for it begins it at once, and tells the server of
    both in one request. A queue of its own would cost the server a fifth more for each edition (bench/fleet.py).
    """
    schedule_to_close = policy.schedule_to_close
    if time_left is not None:
        schedule_to_close = max(min(schedule_to_close or time_left, time_left), timedelta(seconds=1))
    retry = policy.retry
    return ActivityConfig(
        task_queue=None if contract.service == LOCAL else service_queue(contract.service),
        start_to_close_timeout=min(policy.start_to_close, schedule_to_close or policy.start_to_close),
        schedule_to_close_timeout=schedule_to_close,
        heartbeat_timeout=policy.heartbeat,
        retry_policy=DeclaredRetry(
            initial_interval=retry.initial,
            backoff_coefficient=retry.factor,
            maximum_interval=retry.maximum,
            maximum_attempts=1 if contract.is_tried_once else retry.attempts or 0,
            non_retryable_error_types=[*retry.non_retryable, *NEVER_RETRYABLE],
            jitter=retry.jitter,
        ),
        cancellation_type=cancellation,
    )


async def call(
    contract: ActivityContract[In, Out],
    message: In,
    policies: Policies,
    *,
    summary: str,
    time_left: timedelta | None = None,
    cancellation: ActivityCancellationType = ActivityCancellationType.TRY_CANCEL,
) -> Out:
    """Runs an activity under its declared policy, else under UNDECLARED. Call it from workflow code only.

    Raises ActivityError when the policy is used up or the failure is not retryable.
    """
    options = activity_options(
        contract, policies.get(contract.name, UNDECLARED), time_left=time_left, cancellation=cancellation
    )
    options["summary"] = summary
    result: Out = await workflow.execute_activity(
        contract.name, arg=message, result_type=contract.output_type, **options
    )
    return result


SERVED_WITHIN = timedelta(seconds=30)
"""A step of a recovery that no worker has taken by then has failed: the next one must have its time."""


def step_options(step: PlanStep, timeout: timedelta) -> ActivityConfig:
    """Options for a step of a recovery plan, which is its own policy; `timeout` bounds the whole of it."""
    retry = step.retry
    policy = OperationPolicy(
        retry=RetryDeclaration(
            initial=retry.initial,
            factor=retry.factor,
            maximum=max(timeout, retry.initial),  # less than the first wait is no policy to the SDK
            attempts=retry.attempts,
        ),
        start_to_close=timeout,
        heartbeat=step.heartbeat,
    )
    options = activity_options(step_contract(step), policy, time_left=timeout)
    options["schedule_to_start_timeout"] = min(SERVED_WITHIN, timeout)
    if step.task_queue:
        options["task_queue"] = step.task_queue
    return options


def step_contract(step: PlanStep) -> ActivityContract[StepRequest, StepResult]:
    """Any activity may be a step that takes and gives this, of whatever package it is."""
    return ActivityContract(step.activity, StepRequest, StepResult)
