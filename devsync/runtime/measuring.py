"""Measures every attempt of an activity: how long, how it ended, its API calls, and the memory that it needed."""

from collections.abc import Callable, Sequence
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
from devsync.runtime.measured_calls import MeasuredCall, calls_of_attempt
from devsync.runtime.resident import Peak, ResidentMemory

KeepOperation = Callable[[OperationRecord], None]


class Measuring(Interceptor):
    """`keep` gets each attempt that ended, well or not, and its calls; it must not wait.

    It stands outside of what classifies errors. What was interrupted (cancelled, handed back at a shutdown) has not
    ended, and is not told.
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
        began = perf_counter()
        with calls_of_attempt() as calls, self._memory.watched() as peak:
            try:
                result = await super().execute_activity(input)
            except ApplicationError as error:
                if error.details and isinstance(error.details[0], Failure):
                    self._tell(calls, perf_counter() - began, peak, succeeded=False)
                raise
            self._tell(calls, perf_counter() - began, peak, succeeded=True, result=result)
        return result

    def _tell(
        self, calls: Sequence[MeasuredCall], seconds: float, peak: Peak, *, succeeded: bool, result: object = None
    ) -> None:
        peak.see(self._memory.now())
        attempt = _attempt(calls, seconds, peak.megabytes, succeeded=succeeded, result=result)
        self._keep(attempt)
        for number, call in enumerate(calls, 1):
            self._keep(_call(attempt, number, call))


def _attempt(
    calls: Sequence[MeasuredCall], seconds: float, peak_memory_mb: float | None, *, succeeded: bool, result: object
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
        api_calls=len(calls),
        api_seconds=sum(call.seconds for call in calls),
        peak_memory_mb=peak_memory_mb,
        was_remembered=result.is_unchanged if looked_back and isinstance(result, UnitCollected) else None,
    )


def _call(attempt: OperationRecord, number: int, call: MeasuredCall) -> OperationRecord:
    return OperationRecord(
        workflow_id=attempt.workflow_id,
        run_id=attempt.run_id,
        activity_id=attempt.activity_id,
        attempt=attempt.attempt,
        number=number,
        kind=OperationKind.CALL,
        team=attempt.team,
        service=call.service,
        operation=attempt.operation,
        ended_at=call.ended_at,
        seconds=call.seconds,
        succeeded=call.succeeded,
    )
