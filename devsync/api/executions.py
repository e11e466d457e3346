"""A recovery that a program has asked for, as the program sees it: while it runs, when it is over, and on record."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from devsync.contracts.recovery import RecoveryReport, RecoveryRequest, StepRequest
from devsync.domain.errors import RecoveryAction, RecoveryResult
from devsync.domain.model import Model
from devsync.domain.program import EscalationLevel, WorkflowStatus
from devsync.domain.recovery.decision import Decision
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.domain.recovery.plan import StepState

if TYPE_CHECKING:
    from devsync.storage.recoveries import RecordedRecovery

_BY_OUTCOME: Mapping[RecoveryOutcome | None, WorkflowStatus] = {
    None: WorkflowStatus.RUNNING,
    RecoveryOutcome.HEALED: WorkflowStatus.SUCCESS,
    RecoveryOutcome.STAND_IN: WorkflowStatus.SUCCESS,
    RecoveryOutcome.PARTIAL: WorkflowStatus.PARTIAL,
    RecoveryOutcome.FAILED: WorkflowStatus.FAILED,
    RecoveryOutcome.ABORTED: WorkflowStatus.ABORTED,
}


class StepExecution(Model):
    """What became of one step."""

    step_id: str
    state: StepState
    message: str = ""
    """Why, where it failed or was skipped; else what it told."""
    attempts: int = 0
    """How often it was tried."""
    duration: timedelta = timedelta()
    """Of all attempts, the waits between them included."""


class WorkflowExecution(Model):
    """One recovery: what `execute_recovery` gives, and, as far as it has come, what each step is given."""

    execution_id: str
    """The id of its Recovery in Temporal."""
    workflow_id: str = ""
    """That of the `RecoveryWorkflow`, or the name of the plan."""
    status: WorkflowStatus = WorkflowStatus.RUNNING
    service: str = ""
    steps: tuple[StepExecution, ...] = ()
    """In the order in which they ran, or were skipped."""
    results: dict[str, RecoveryResult] = {}
    """What the steps that did their work gave, by their ids; with `fallback_data` only the one that stands."""
    result: RecoveryResult | None = None
    """Of a recovery that was waited for: what it came to, in the words of `handle_error`."""
    escalation_level: EscalationLevel = EscalationLevel.NONE
    escalations: tuple[str, ...] = ()
    """The ids of their workflows."""
    decision: Decision | None = None
    """What a person decided, where one was asked."""
    decided_by: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    as_of: datetime | None = None
    """Of one that `get_recent_executions` tells: when it was so."""

    @property
    def completed_steps(self) -> tuple[str, ...]:
        return tuple(step.step_id for step in self.steps if step.state in {StepState.RESOLVED, StepState.SUCCEEDED})

    @property
    def failed_steps(self) -> tuple[str, ...]:
        return tuple(step.step_id for step in self.steps if step.state in {StepState.FAILED, StepState.TIMED_OUT})


def under_way(request: StepRequest, execution_id: str, workflow_id: str) -> WorkflowExecution:
    """What a step that is about to run may know of those before it."""
    return WorkflowExecution(
        execution_id=execution_id, workflow_id=workflow_id, service=request.service, results=request.answers
    )


def cancelled(request: RecoveryRequest, execution_id: str) -> WorkflowExecution:
    """Of one that somebody has ended in Temporal."""
    return WorkflowExecution(
        execution_id=execution_id,
        workflow_id=request.plan.name,
        status=WorkflowStatus.CANCELLED,
        service=request.service,
        result=RecoveryResult(success=False, action_taken=RecoveryAction.ABORT, message="somebody has called it off"),
    )


def reported(report: RecoveryReport, result: RecoveryResult | None = None) -> WorkflowExecution:
    """`result` is what it came to, with the data as the program knows them."""
    answers = report.answers
    if result is not None and result.fallback_data is not None:
        own = {"fallback_data": result.fallback_data}
        answers = {
            name: answer.model_copy(update=own) if answer.fallback_data is not None else answer
            for name, answer in answers.items()
        }
    return WorkflowExecution(
        execution_id=report.workflow_id,
        workflow_id=report.plan,
        status=_status(report.outcome, is_escalated=bool(report.escalations)),
        service=report.service,
        steps=tuple(
            StepExecution(
                step_id=step.id,
                state=step.state,
                message=step.message,
                attempts=step.attempts,
                duration=step.duration,
            )
            for step in report.steps
        ),
        results=answers,
        result=result,
        escalation_level=EscalationLevel(report.escalation_level if report.escalations else EscalationLevel.NONE),
        escalations=report.escalations,
        decision=report.decision,
        decided_by=report.decided_by,
        started_at=report.started_at,
        ended_at=report.ended_at,
    )


def recorded(row: "RecordedRecovery") -> WorkflowExecution:
    """On record stands what happened, not the data, nor the level."""
    return WorkflowExecution(
        execution_id=row.workflow_id,
        workflow_id=row.plan,
        status=_status(row.outcome, is_escalated=bool(row.escalation_id)),
        service=row.service,
        steps=tuple(
            StepExecution(
                step_id=step.step,
                state=step.state,
                message=step.message,
                attempts=step.attempts,
                duration=timedelta(seconds=step.seconds),
            )
            for step in row.steps
        ),
        escalations=tuple(filter(None, row.escalation_id.split(", "))),
        decision=Decision(row.decision) if row.decision else None,
        decided_by=row.decided_by,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )


def _status(outcome: RecoveryOutcome | None, *, is_escalated: bool) -> WorkflowStatus:
    if outcome is RecoveryOutcome.FAILED and is_escalated:
        return WorkflowStatus.ESCALATED
    return _BY_OUTCOME[outcome]
