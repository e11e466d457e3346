"""Whatever a step of a program's own recovery workflow does, the recovery goes on and says what it was."""

import time
from datetime import timedelta

import pytest

from devsync.api.connection import Connection
from devsync.api.executions import WorkflowExecution
from devsync.api.recovery_manager import ChangelogRecoveryWorkflowManager
from devsync.api.recovery_workflows import Action
from devsync.contracts.recovery import RecoveryReport
from devsync.domain.errors import ErrorContext, ErrorSeverity, RecoveryResult
from devsync.domain.exceptions import DataCollectionError
from devsync.domain.program import WorkflowStatus
from devsync.domain.recovery.plan import StepState
from tests.e2e.program_recovery.own_workflow import COPY, DONE, Own, failed, gives, hangs, manager_of, raises, step
from tests.e2e.stage import Stage

TOKEN = "ghp_" + "a1" * 18

FAST = timedelta(seconds=2)


async def stalls(_context: ErrorContext, _execution: WorkflowExecution) -> RecoveryResult:
    """The loop of the caller itself."""
    time.sleep(4)  # noqa: ASYNC251
    return DONE


def blocks(_context: ErrorContext, _execution: WorkflowExecution) -> RecoveryResult:
    time.sleep(6)
    return DONE


BROKEN: list[tuple[Action, StepState, str]] = [
    (raises, StepState.FAILED, "billing: KeyError: 'no such customer'"),
    (hangs, StepState.TIMED_OUT, "no answer within the time allowed"),
    (stalls, StepState.TIMED_OUT, "no answer within the time allowed"),
    (blocks, StepState.TIMED_OUT, "no answer within the time allowed"),
    (gives(None), StepState.FAILED, "broken gave a NoneType; give a RecoveryResult"),
    (
        gives(COPY.model_copy(update={"fallback_data": "x" * 3_000_000})),
        StepState.FAILED,
        "broken gave 2929 KB of fallback_data, and 256 KB may be: store it, and give a reference to it",
    ),
    (gives(COPY.model_copy(update={"fallback_data": object()})), StepState.FAILED, "cannot be written as JSON"),
]


@pytest.mark.parametrize(
    ("action", "state", "why"), BROKEN, ids=["raises", "hangs", "stalls", "blocks", "none", "large", "odd"]
)
async def test_whatever_a_step_does_the_next_one_runs(
    connection: Connection, action: Action, state: StepState, why: str
) -> None:
    manager = manager_of(connection, step("broken", action, timeout=FAST), step("copy", gives(COPY)))
    execution = await manager.execute_recovery(failed())
    broken, copy = execution.steps
    assert (broken.state, copy.state) == (state, StepState.RESOLVED)
    assert why in broken.message


async def test_what_depends_on_a_failed_step_is_skipped_and_a_failed_one_is_tried_as_often_as_it_says(
    connection: Connection,
) -> None:
    manager = manager_of(
        connection,
        step("first", raises, attempts=2, timeout=timedelta(seconds=20)),
        step("second", gives(DONE), dependencies=["first"]),
        step("third", gives(COPY)),
    )
    first, second, third = (await manager.execute_recovery(failed())).steps
    assert (first.state, first.attempts) == (StepState.FAILED, 2)
    assert (second.state, second.message) == (StepState.SKIPPED, "it depends on first, which failed")
    assert third.state is StepState.RESOLVED


async def test_steps_that_cannot_be_built_are_a_failed_step_that_says_why(connection: Connection) -> None:
    manager = manager_of(connection, step("first", gives(DONE)), step("first", gives(DONE)))
    execution = await manager.execute_recovery(failed(severity=ErrorSeverity.LOW))
    (only,) = execution.steps
    assert (only.step_id, only.state) == ("build_steps", StepState.FAILED)
    assert 'a step "first" is there already; give it another step_id' in only.message
    assert execution.status in {WorkflowStatus.FAILED, WorkflowStatus.ESCALATED}


async def test_no_secret_of_an_error_or_an_answer_stands_in_the_history(stage: Stage, connection: Connection) -> None:
    async def asks(_context: ErrorContext, _execution: WorkflowExecution) -> RecoveryResult:
        try:
            raise KeyError(TOKEN)
        except KeyError as error:
            raise ConnectionError(f"Authorization: token {TOKEN}") from error

    told = DONE.model_copy(update={"message": f"asked with {TOKEN}", "metadata": {"by": TOKEN}})
    manager = manager_of(connection, step("asks", asks), step("told", gives(told)))
    context = failed(error=DataCollectionError(f"refused {TOKEN}"), metadata={"header": f"Bearer {TOKEN}"})
    execution = await manager.execute_recovery(context)
    history = await stage.client.get_workflow_handle(execution.execution_id).fetch_history()
    written = "".join(event.SerializeToString().decode(errors="replace") for event in history.events)
    assert "asked with [redacted]" in written
    assert TOKEN not in written


async def test_odd_names_recover_as_well(stage: Stage, connection: Connection) -> None:
    class All(Own):
        def can_handle(self, error_context: ErrorContext) -> bool:
            return True

    manager = ChangelogRecoveryWorkflowManager(connection)
    manager.register_workflow(All(step("own", raises)))
    odd = failed(service="bill\ning`" * 500, operation="{x}\0" + "y" * 3000, team_id="a:b\r\n" * 100)
    execution = await manager.execute_recovery(odd)
    assert execution.status is WorkflowStatus.ESCALATED
    await stage.client.get_workflow_handle(execution.escalations[0]).terminate("its test is over")
    report: RecoveryReport = await stage.client.get_workflow_handle(
        execution.execution_id, result_type=RecoveryReport
    ).result()
    assert report.is_recorded


async def test_a_workflow_that_cannot_say_what_it_handles_is_passed_over(connection: Connection) -> None:
    class Broken(Own):
        def can_handle(self, error_context: ErrorContext) -> bool:
            raise KeyError(error_context.metadata["customer"])

    broken, manager = Broken(), ChangelogRecoveryWorkflowManager(connection)
    broken.workflow_id = "broken"
    manager.register_workflow(broken)
    manager.register_workflow(Own(step("own", gives(DONE))))
    assert (await manager.execute_recovery(failed())).workflow_id == "own"
