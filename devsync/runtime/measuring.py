"""Measures every attempt of an activity: how long, how it ended, its API calls, and the memory that it needed."""

from collections.abc import Callable
from datetime import UTC, datetime
from time import perf_counter
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from devsync.contracts import names
from devsync.contracts.activities import contract_of
from devsync.contracts.collection import UnitCollected
from devsync.contracts.operations import OperationKind, OperationRecord
from devsync.domain.errors import Failure
from devsync.runtime.measured_calls import CallsOfAttempt, MeasuredCall, RefusedCall, calls_of_attempt
from devsync.runtime.owners import owner_of
from devsync.runtime.resident import ResidentMemory

KeepOperation = Callable[[OperationRecord], None]


class Measuring(Interceptor):
    """`keep` gets each attempt that ended, well or not, its calls, and those that were refused; it must not wait.

    It stands outside of what classifies errors. What was interrupted (cancelled, handed back at a shutdown) has not
    ended, and is not told; nor is an attempt that a breaker or a pause refused before it could make a call: it says
    nothing about the service. What was refused is told for itself.
    """

    def __init__(self, keep: KeepOperation) -> None:
        self._keep = keep
        self._memory = ResidentMemory()

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002 (the SDK's name)
        return _Measure(next, self._keep, self._memory)


class _Measure(ActivityInboundInterceptor):
    def __init__(self, inner: ActivityInboundInterceptor, keep: KeepOperation, memory: ResidentMemory) -> None:
        super().__init__(inner)
        self._keep = keep
        self._memory = memory

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002 (the SDK's name)
        began, owner = perf_counter(), owner_of(input.headers)
        with calls_of_attempt() as calls, self._memory.watched() as peak:
            try:
                result = await super().execute_activity(input)
            except ApplicationError as error:
                failure = error.details[0] if error.details else None
                if isinstance(failure, Failure):
                    peak.see(self._memory.now())
                    failed = _attempt(owner, calls, perf_counter() - began, peak.megabytes, succeeded=False)
                    self._tell(failed, calls, was_tried=bool(calls.made) or failure.retry_at is None)
                raise
            peak.see(self._memory.now())
            attempt = _attempt(owner, calls, perf_counter() - began, peak.megabytes, succeeded=True, result=result)
            self._tell(attempt, calls)
        return result

    def _tell(self, attempt: OperationRecord, calls: CallsOfAttempt, *, was_tried: bool = True) -> None:
        if was_tried:
            self._keep(attempt)
        for number, call in enumerate(calls.made, 1):
            self._keep(_call(attempt, number, call))
        for number, refused in enumerate(calls.refused, len(calls.made) + 1):
            self._keep(_refusal(attempt, number, refused))


def _attempt(
    owner: str | None,
    calls: CallsOfAttempt,
    seconds: float,
    peak_memory_mb: float | None,
    *,
    succeeded: bool,
    result: object = None,
) -> OperationRecord:
    info = activity.info()
    service, _, operation = info.activity_type.partition(".")
    contract = contract_of(info.activity_type)
    looked_back = contract is not None and contract.is_conditional
    return OperationRecord(
        workflow_id=info.workflow_id or "",
        run_id=info.workflow_run_id or "",
        activity_id=info.activity_id,
        attempt=info.attempt,
        kind=OperationKind.ATTEMPT,
        team=names.team_of(info.workflow_id or ""),
        service=service,
        operation=operation,
        ended_at=datetime.now(UTC),
        seconds=seconds,
        succeeded=succeeded,
        api_calls=len(calls.made),
        api_seconds=sum(call.seconds for call in calls.made),
        peak_memory_mb=peak_memory_mb,
        was_remembered=result.is_unchanged if looked_back and isinstance(result, UnitCollected) else None,
        owner_run_id=owner,
    )


def _call(attempt: OperationRecord, number: int, call: MeasuredCall) -> OperationRecord:
    return _part_of(
        attempt,
        number=number,
        kind=OperationKind.CALL,
        service=call.service,
        ended_at=call.ended_at,
        seconds=call.seconds,
        succeeded=call.succeeded,
    )


def _refusal(attempt: OperationRecord, number: int, refused: RefusedCall) -> OperationRecord:
    return _part_of(
        attempt,
        number=number,
        kind=OperationKind.REFUSAL,
        service=refused.service,
        ended_at=refused.at,
        seconds=0.0,
        succeeded=False,
    )


def _part_of(attempt: OperationRecord, **own: Any) -> OperationRecord:
    return attempt.model_copy(
        update={"api_calls": 0, "api_seconds": 0.0, "peak_memory_mb": None, "was_remembered": None, **own}
    )
