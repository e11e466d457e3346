"""Runs the steps of a program's own recovery workflows in its process, also those that another process has begun."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from weakref import WeakKeyDictionary

from temporalio import activity
from temporalio.exceptions import ApplicationError

from devsync.api import own_code
from devsync.api.core import Core
from devsync.api.executions import under_way
from devsync.api.recovery_workflows import RecoveryWorkflow, WorkflowStep, step_name
from devsync.api.travelling import NotGiven, answer, rebuilt
from devsync.contracts.recovery import StepRequest, StepResult
from devsync.domain.errors import ErrorCategory, ErrorContext, ErrorSeverity, Failure, RecoveryResult
from devsync.domain.redaction import bounded
from devsync.runtime.activity_errors import to_application_error
from devsync.runtime.classification import assess

_log = logging.getLogger("devsync.api")


@dataclass
class Begun:
    """A recovery that this process has begun, and waits for: with the error itself."""

    context: ErrorContext
    steps: Sequence[WorkflowStep]


class OwnWorkflows:
    """What the worker of a core runs, for all managers that share it."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._begun: dict[str, Begun] = {}

    def add(self, workflow: RecoveryWorkflow) -> None:
        """One of the same id is replaced."""
        self._core.steps.add(step_name(workflow.workflow_id), partial(self._run, workflow))

    def begin(self, execution_id: str, begun: Begun) -> None:
        self._begun[execution_id] = begun

    def end(self, execution_id: str) -> None:
        """Nobody here waits for it any more."""
        self._begun.pop(execution_id, None)

    async def _run(self, workflow: RecoveryWorkflow, request: StepRequest) -> StepResult:
        """In an activity. Whatever goes wrong is a failure of the step, which is tried as often as it says."""
        execution_id = activity.info().workflow_id or ""
        context: ErrorContext | None = None
        try:
            begun = self._begun.get(execution_id) or await _taken_over(workflow, request)
            context = begun.context
            step = _step(begun.steps, request.step)
            execution = under_way(request, execution_id, workflow.workflow_id)
            given = await own_code.call(step.action, context, execution, loop=self._core.waiting.get(execution_id))
            told = answer(given)
        # Without its cause, which may have anything in it: the history would keep that.
        except NotGiven as error:
            raise _failed(workflow, request, _wrong(request, str(error))) from None
        except own_code.CutShort as error:
            raise _failed(workflow, request, _wrong(request, str(error), is_retryable=True)) from None
        except Exception as error:  # noqa: BLE001 (told, classified)
            raise _failed(workflow, request, _failure(error, context, request), error) from None
        if not told.success:
            raise _failed(workflow, request, _unsuccessful(told, request))
        if step.resolves and execution_id in self._core.waiting:
            self._core.kept[execution_id] = told, given.fallback_data
        healed = tuple(unit.unit for unit in request.units) if step.resolves else ()
        return StepResult(
            healed_without_data=healed, answer=told, message=told.message, attempts=activity.info().attempt
        )


def own_workflows_of(core: Core) -> OwnWorkflows:
    return _of_cores.setdefault(core, OwnWorkflows(core))


_of_cores: WeakKeyDictionary[Core, OwnWorkflows] = WeakKeyDictionary()


async def _taken_over(workflow: RecoveryWorkflow, request: StepRequest) -> Begun:
    context = rebuilt(request.units[0])
    steps = await own_code.call(workflow.build_steps, context, loop=None)
    return Begun(context, steps)


def _step(steps: Sequence[WorkflowStep], step_id: str) -> WorkflowStep:
    found = next((step for step in steps if step.step_id == step_id), None)
    if found is None:
        there = ", ".join(step.step_id for step in steps)
        raise NotGiven(f"has no step {step_id!r} for this error in this process; there are {there}")
    return found


def _failed(
    workflow: RecoveryWorkflow, request: StepRequest, failure: Failure, error: Exception | None = None
) -> ApplicationError:
    """Told to who runs the program; with a traceback where it may be a mistake of theirs."""
    mistake = error if failure.category is ErrorCategory.SYSTEM else None
    _log.warning("step %s of %s failed: %s", request.step, workflow.workflow_id, failure.message, exc_info=mistake)
    return to_application_error(failure, failure.retry_after)


def _wrong(request: StepRequest, why: str, *, is_retryable: bool = False) -> Failure:
    return Failure(
        category=ErrorCategory.SYSTEM,
        message=bounded(f"{request.step} {why}"),
        is_retryable=is_retryable,
        severity=ErrorSeverity.HIGH,
        code="program",
    )


def _failure(error: Exception, context: ErrorContext | None, request: StepRequest) -> Failure:
    """Classified as the same error is anywhere; whether it is tried again, the step's `attempts` say."""
    known = context or rebuilt(request.units[0])
    about = ErrorContext(error=error, service=known.service, operation=request.step, team_id=known.team_id)
    return assess(about, datetime.now(UTC)).model_copy(update={"is_retryable": True})


def _unsuccessful(told: RecoveryResult, request: StepRequest) -> Failure:
    was = request.units[0].failure
    return Failure(
        category=was.category,
        message=told.message or f"{request.step} did not recover it",
        is_retryable=True,
        retry_after=told.retry_after,
        severity=was.severity,
        code="program",
    )
