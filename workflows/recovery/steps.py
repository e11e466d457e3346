"""Runs one step of a plan, an activity or the wait for a breaker, and says how it went."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception
from temporalio.exceptions import TimeoutError as TemporalTimeoutError

from devsync.contracts.recovery import StepResult
from devsync.domain.backoff import patience
from devsync.domain.errors import Failure
from devsync.domain.recovery.climbing import SHORTEST_STEP
from devsync.domain.recovery.plan import PlanStep, StepState
from devsync.runtime.failures.temporal import SILENT
from devsync.runtime.policies import step_options
from workflows.recovery.course import Course, StepEnd
from workflows.recovery.hearing import Hearing
from workflows.shared.failures import failure_of

NOT_TAKEN = "no_worker"
_SHOWN = 3


class StepFailed(Exception):
    """A step that did not come to its end, and why."""

    def __init__(self, failure: Failure, state: StepState, attempts: int, healed: tuple[str, ...] = ()) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.state = state
        self.end = StepEnd(healed=healed, attempts=attempts, message=failure.message)


async def call_step(course: Course, step: PlanStep, units: Sequence[str], timeout: timedelta) -> StepEnd:
    """One activity, however many units; the course takes what it brings. Raises StepFailed."""
    message = course.message(step, units, workflow.now() + timeout)
    options = step_options(step, timeout)
    options["summary"] = f"{step.id}: {named(units)}"[:200]
    try:
        result: StepResult = await workflow.execute_activity(
            step.activity, arg=message, result_type=StepResult, **options
        )
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        failed = _failed(step, error)
        if course.is_again(step) and failed.failure.code not in SILENT:
            for unit in units:
                course.note_failure(unit, failed.failure)
        raise failed from None
    return course.take(step, result)


async def wait_for_breaker(course: Course, hearing: Hearing, again: PlanStep, limit: datetime) -> StepEnd | None:
    """One timer for all units that a breaker refused, then the operation again for them, until `limit`; units that
    failed otherwise are left alone. None where none was refused.

    Calls that cannot go out before `limit` are not waited for: the next step may have something at once, and whoever
    lets calls out early reaches the recovery while people are asked, or the edition's amendment. Raises StepFailed.
    """
    healed: tuple[str, ...] = ()
    calls = 0
    while refused := course.refused():
        refusals = [course.failure(unit) for unit in refused]
        latest = max(refusals, key=lambda failure: (failure.is_open_ended, failure.retry_at or limit))
        if not await _wait_for_release(hearing, latest, limit, calls):
            message = latest.message
            if not latest.is_open_ended:
                message = f"no call can go out by {limit:%H:%M:%S} UTC: {message}"
            state = StepState.TIMED_OUT if calls else StepState.SKIPPED
            raise StepFailed(latest.model_copy(update={"message": message}), state, calls, healed)
        calls += 1
        try:
            healed += (await call_step(course, again, refused, min(again.timeout, limit - workflow.now()))).healed
        except StepFailed as failed:
            if failed.failure.retry_at is None:
                raise StepFailed(failed.failure, failed.state, calls, healed) from None
    return StepEnd(healed=healed, attempts=calls, message="calls went out again") if calls else None


async def _wait_for_release(hearing: Hearing, refusal: Failure, limit: datetime, calls: int) -> bool:
    """Waits until the breaker may let a call through, or has done so early; at once False where that is too late."""
    now = workflow.now()
    until = max(refusal.retry_at or now, now + patience(calls))
    if (refusal.is_open_ended or limit - until < SHORTEST_STEP) and not hearing.is_released:
        return False
    with suppress(TimeoutError):
        await workflow.wait_condition(
            lambda: hearing.is_released,
            timeout=max(until - now, timedelta(0)),
            timeout_summary=f"Until calls may go out: {refusal.message}"[:200],
        )
    hearing.is_released = False
    return limit - workflow.now() >= SHORTEST_STEP


def named(units: Sequence[str]) -> str:
    """`github:acme/ledger, github:acme/web and 4 more`."""
    more = f" and {len(units) - _SHOWN} more" if len(units) > _SHOWN else ""
    return ", ".join(units[:_SHOWN]) + more


def _failed(step: PlanStep, error: ActivityError) -> StepFailed:
    failure = failure_of(error)
    is_late = isinstance(error.cause, TemporalTimeoutError) and failure.code != NOT_TAKEN
    used_up = error.retry_state is not None and error.retry_state.name == "MAXIMUM_ATTEMPTS_REACHED"
    attempts = 0 if failure.code == NOT_TAKEN else step.retry.attempts if used_up else 1
    return StepFailed(failure, StepState.TIMED_OUT if is_late else StepState.FAILED, attempts)
