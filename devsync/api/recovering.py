"""Has an error recovered: a `Recovery` in Temporal, awaited until it has concluded, and its report as a result."""

import asyncio
import json
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowFailureError,
    WorkflowUpdateFailedError,
    WorkflowUpdateHandle,
    WorkflowUpdateRPCTimeoutOrCancelledError,
    WorkflowUpdateStage,
)
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from devsync.api.core import Core
from devsync.api.unavailable import CalledOff, NotInTime, NoWorker
from devsync.contracts import names
from devsync.contracts.recovery import RecoveryReport, RecoveryRequest
from devsync.domain.changelog.edition import ProvenanceKind
from devsync.domain.errors import ErrorSeverity, Failure, RecoveryAction, RecoveryResult
from devsync.domain.recovery.decision import Decision
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.domain.recovery.plan import StepState
from devsync.runtime.connection import NamespaceUnusable, TemporalUnreachable, missing_namespace, namespace_problem
from devsync.runtime.pollers import queue_of
from devsync.storage.connection import DatabaseUnavailable
from devsync.storage.content import unpack

BEYOND_THE_DEADLINE: Final = timedelta(seconds=10)
"""A recovery that a worker follows has concluded this long after its deadline at the latest."""
TAKEN_WITHIN: Final = 30.0
"""Seconds; a worker that is being replaced is back by then."""
_ASKED_WITHIN: Final = timedelta(seconds=5)
"""Of one question to the server."""
_STILL_SERVED: Final = 10.0
"""Seconds for which a queue that was polled needs no second look."""

_HEALED: Final = (RecoveryOutcome.HEALED, RecoveryOutcome.STAND_IN)
_NOT_HEALED: Final = {
    StepState.SUCCEEDED: "succeeded and brought nothing",
    StepState.FAILED: "failed",
    StepState.TIMED_OUT: "timed out",
}


class Recovering:
    """Lives on the core's loop."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._served_until = 0.0

    async def recover(self, request: RecoveryRequest, workflow_id: str) -> RecoveryReport:
        """Its report. Raises TemporalUnreachable, NamespaceUnusable and CalledOff; NoWorker where none takes it, which
        ends it; and NotInTime where none has followed it to its end: it goes on without the program then.
        """
        client = await self._core.client()
        await self._expect_a_worker(client)
        start: WithStartWorkflowOperation[Any, Any] = WithStartWorkflowOperation(
            names.RECOVERY,
            request,
            id=workflow_id,
            task_queue=names.EDITIONS_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            static_summary=f"{request.program}: {request.service}: {request.units[0].unit}"[:200],
            result_type=RecoveryReport,
        )
        patience = request.deadline - datetime.now(UTC) + BEYOND_THE_DEADLINE
        try:
            taken = await self._taken(client, start, workflow_id)
            async with asyncio.timeout(max(patience.total_seconds(), 1)):
                return await taken.result()
        except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):
            await _heard(start)
            _go_if_cancelled()
            raise NotInTime(
                f"{workflow_id} has not ended by its deadline, and goes on: look at it in Temporal, "
                "and whether a worker runs"
            ) from None
        except WorkflowUpdateFailedError as error:
            return await _end_of(client, workflow_id, error)
        except RPCError as error:
            await _heard(start)
            if error.status is RPCStatusCode.NOT_FOUND and not missing_namespace(error):
                return await _end_of(client, workflow_id, error)
            raise _meaning(error, client) from error

    async def _taken(
        self, client: Client, start: WithStartWorkflowOperation[Any, Any], workflow_id: str
    ) -> WorkflowUpdateHandle[RecoveryReport]:
        """Raises NoWorker: the server lists one that has died for some minutes more. What nobody has begun is ended: it
        would begin when nobody waits for it."""
        try:
            async with asyncio.timeout(TAKEN_WITHIN):
                return await client.start_update_with_start_workflow(
                    "conclusion",
                    start_workflow_operation=start,
                    wait_for_stage=WorkflowUpdateStage.ACCEPTED,
                    result_type=RecoveryReport,
                )
        except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):
            await _heard(start)
            _go_if_cancelled()
            why = f"no worker has taken {workflow_id} within {TAKEN_WITHIN:g} s"
            with suppress(RPCError):
                await client.get_workflow_handle(workflow_id).terminate(f"{why}, and the program has gone on")
            raise NoWorker(f"{why}, and it is ended: look whether `python worker.py` runs") from None

    async def data_of(self, report: RecoveryReport) -> tuple[Any, datetime | None]:
        """What stands in, or is live again, and as of when. What the program's own step has brought in this process is
        the very object. Raises StorageError."""
        kept = self._core.kept.get(report.workflow_id)
        if not report.healed:
            told = next((one for one in report.answers.values() if one.fallback_data is not None), None)
            if kept is not None and kept[0] == told:
                return kept[1], None
            return (told.fallback_data, None) if told else (None, None)
        unit = report.healed[0]
        as_of = unit.provenance.as_of or unit.collected_at
        if kept is not None and kept[0] == unit.artifact:
            return kept[1], as_of
        if (inline := unit.artifact.inline_content) is not None:
            return json.loads(unpack(inline, size=unit.artifact.size, digest=None)), as_of
        if not self._core.has_database:
            raise DatabaseUnavailable("DATABASE_URL is not set, and the data lies in the database")
        return json.loads(await self._core.artifacts.get(unit.artifact)), as_of

    async def _expect_a_worker(self, client: Client) -> None:
        if time.monotonic() < self._served_until:
            return
        try:
            async with asyncio.timeout(_ASKED_WITHIN.total_seconds()):
                queue = await queue_of(client, names.EDITIONS_QUEUE)
        except TimeoutError:
            raise TemporalUnreachable("the Temporal server does not answer; is it still there?") from None
        except RPCError as error:
            raise _meaning(error, client) from error
        if not queue.pollers:
            raise NoWorker(
                f"no worker serves the task queue {names.EDITIONS_QUEUE!r} of namespace {client.namespace!r}: "
                "start one with `python worker.py`"
            )
        self._served_until = time.monotonic() + _STILL_SERVED


def _go_if_cancelled() -> None:
    """The SDK has one exception for a call that was late and one that nobody waits for any more."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _end_of(client: Client, workflow_id: str, error: Exception) -> RecoveryReport:
    """Of one that ended before it could answer."""
    try:
        report: RecoveryReport = await client.get_workflow_handle(workflow_id, result_type=RecoveryReport).result()
    except WorkflowFailureError as failed:
        raise CalledOff(f"{workflow_id} was called off: {failed.cause}") from error
    return report


def result_of(
    report: RecoveryReport, failure: Failure, data: Any, as_of: datetime | None, now: datetime
) -> RecoveryResult:
    """The report in the words of the API."""
    is_success = report.outcome in _HEALED and report.decision is not Decision.ABORT
    return RecoveryResult(
        success=is_success,
        action_taken=_action(report, failure),
        message=_message(report, failure),
        retry_after=None if is_success else _retry_after(failure, now),
        fallback_data=data,
        escalation_required=not is_success and failure.severity is not ErrorSeverity.LOW,
        metadata={
            "workflow_id": report.workflow_id,
            "run_id": report.run_id,
            "plan": report.plan,
            "outcome": report.outcome.value if report.outcome else "",
            "category": failure.category.value,
            "severity": failure.severity.value,
            "code": failure.code,
            "fingerprint": failure.fingerprint,
            "error": failure.message,
            "steps": {step.id: step.state.value for step in report.steps},
            "escalations": list(report.escalations),
            "escalation_level": report.escalation_level,
            "as_of": as_of,
            "age": max(now - as_of, timedelta()) if as_of is not None else None,
            "source": _source(report),
        },
    )


def _source(report: RecoveryReport) -> str:
    """`live`; `program`, where the program's own function stands in; else what stands in, as editions name it."""
    if not report.healed:
        return ""
    kind, artifact = report.healed[0].provenance.kind, report.healed[0].artifact
    is_own = kind is not ProvenanceKind.LIVE and artifact.kind == names.PROGRAM
    return names.PROGRAM if is_own else kind.value


def _action(report: RecoveryReport, failure: Failure) -> RecoveryAction:
    by_outcome = {
        RecoveryOutcome.HEALED: RecoveryAction.RETRY,
        RecoveryOutcome.STAND_IN: RecoveryAction.FALLBACK,
        RecoveryOutcome.ABORTED: RecoveryAction.ABORT,
    }
    if report.outcome in by_outcome:
        return by_outcome[report.outcome]
    if report.escalations:
        return RecoveryAction.ESCALATE
    return RecoveryAction.CIRCUIT_BREAK if failure.retry_at is not None else RecoveryAction.SKIP


def _message(report: RecoveryReport, failure: Failure) -> str:
    healing = [step for step in report.steps if step.healed]
    if report.outcome in _HEALED and healing:
        words = f": {healing[-1].message}" if healing[-1].message else ""
        return f"{healing[-1].id} healed it{words}"
    tried = [f"{step.id} {_NOT_HEALED[step.state]}" for step in report.steps if step.state in _NOT_HEALED]
    told = f"; people are told: {', '.join(report.escalations)}" if report.escalations else ""
    return f"{failure.message}; not healed: {', '.join(tried) or 'there was nothing to try'}{told}"


def _retry_after(failure: Failure, now: datetime) -> timedelta | None:
    if failure.retry_at is not None:
        return max(failure.retry_at - now, timedelta())
    return failure.retry_after


def _meaning(error: RPCError, client: Client) -> Exception:
    if missing := missing_namespace(error):
        return namespace_problem(error, missing)
    problem = namespace_problem(error, client.namespace)
    if isinstance(problem, NamespaceUnusable):
        return problem
    return TemporalUnreachable(f"Temporal did not take the recovery: {error.message}")


async def _heard(start: WithStartWorkflowOperation[Any, Any]) -> None:
    """It holds the same error, and asyncio complains if nobody looks."""
    hearing = asyncio.ensure_future(start.workflow_handle())
    await asyncio.wait({hearing}, timeout=0.1)
    if not hearing.cancel() and not hearing.cancelled():
        hearing.exception()
