"""A program's own recovery workflow against everything real: followed by the product's worker, run by the program."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowExecutionStatus

from devsync.api.connection import Connection
from devsync.api.core import core_of
from devsync.api.executions import WorkflowExecution
from devsync.api.handler import ChangelogErrorHandler
from devsync.api.recovery_manager import ChangelogRecoveryWorkflowManager
from devsync.api.recovery_workflows import Action
from devsync.contracts.recovery import RecoveryReport
from devsync.domain.errors import ErrorContext, ErrorSeverity, RecoveryAction, RecoveryResult
from devsync.domain.program import WorkflowStatus
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.domain.recovery.plan import StepState
from tests.e2e.program_recovery.own_workflow import (
    COPY,
    DONE,
    Own,
    failed,
    gives,
    hangs,
    manager_of,
    raises,
    recent,
    step,
    the_only_one,
)
from tests.e2e.stage import Stage, eventually


async def test_it_is_a_recovery_like_any_other(stage: Stage, connection: Connection) -> None:
    seen: list[tuple[ErrorContext, WorkflowExecution]] = []

    async def look(context: ErrorContext, execution: WorkflowExecution) -> RecoveryResult:
        seen.append((context, execution))
        return DONE.model_copy(update={"metadata": {"status": "major"}})

    async def again(context: ErrorContext, execution: WorkflowExecution) -> RecoveryResult:
        seen.append((context, execution))
        return DONE

    manager = manager_of(connection, step("look", look, resolves=False), step("again", again, dependencies=["look"]))
    context = failed()
    execution = await manager.execute_recovery(context)
    assert (execution.status, execution.workflow_id) == (WorkflowStatus.SUCCESS, "own")
    assert execution.results == {"look": DONE.model_copy(update={"metadata": {"status": "major"}}), "again": DONE}
    assert execution.result is not None
    assert (execution.result.success, execution.result.action_taken) == (True, RecoveryAction.RETRY)
    assert execution.completed_steps == ("look", "again")
    assert [told is context for told, _ in seen] == [True, True], "the very error, in the process that met it"
    assert seen[1][1].results["look"].metadata == {"status": "major"}

    handle = stage.client.get_workflow_handle(execution.execution_id)
    description = await handle.describe()
    assert description.workflow_type == "Recovery"
    assert description.id.startswith(f"recovery:program:{connection.program}:")
    assert await description.static_summary() == f"{connection.program}: billing: billing:fetch_invoices"
    report = await handle.query("progress", result_type=RecoveryReport)
    assert (report.outcome, report.steps[1].healed) == (RecoveryOutcome.HEALED, ("billing:fetch_invoices",))
    metadata: WorkflowMetadata = await handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
    assert "2. again **resolved**" in metadata.current_details

    async def is_recorded() -> bool:
        return (await handle.describe()).status is WorkflowExecutionStatus.COMPLETED

    await eventually(is_recorded)
    (on_record,) = await asyncio.to_thread(manager.get_recent_executions, 10)
    assert (on_record.execution_id, on_record.status) == (execution.execution_id, WorkflowStatus.SUCCESS)
    assert on_record.steps == execution.steps


async def test_what_stands_in_comes_back_as_it_was_given(connection: Connection) -> None:
    again = step("again", gives(DONE.model_copy(update={"success": False, "message": "still away"})))
    execution = await manager_of(connection, again, step("copy", gives(COPY))).execute_recovery(failed())
    assert [(one.step_id, one.state, one.message) for one in execution.steps] == [
        ("again", StepState.FAILED, "still away"),
        ("copy", StepState.RESOLVED, "yesterday's"),
    ]
    assert execution.result is not None
    assert execution.result.fallback_data is COPY.fallback_data
    assert execution.results["copy"].fallback_data is COPY.fallback_data
    assert execution.result.action_taken is RecoveryAction.FALLBACK
    assert (execution.status, execution.failed_steps) == (WorkflowStatus.SUCCESS, ("again",))


async def test_people_are_told_of_what_nothing_recovers_at_the_level_of_its_severity(
    stage: Stage, connection: Connection
) -> None:
    manager = manager_of(connection, step("again", raises))
    execution = await manager.execute_recovery(failed(severity=ErrorSeverity.CRITICAL))
    assert execution.status == WorkflowStatus.ESCALATED
    assert execution.escalation_level.value == "incident_response"
    (escalation,) = execution.escalations
    assert escalation == f"escalation:program:{connection.program}:billing"
    assert (await stage.client.get_workflow_handle(escalation).describe()).status is WorkflowExecutionStatus.RUNNING
    assert execution.result is not None
    assert execution.result.escalation_required
    await stage.client.get_workflow_handle(escalation).terminate("its test is over")


@pytest.mark.parametrize(
    ("decision", "status"),
    [("retry", WorkflowStatus.SUCCESS), ("skip", WorkflowStatus.ESCALATED), ("abort", WorkflowStatus.ABORTED)],
)
async def test_a_person_decides_where_the_workflow_asks(
    stage: Stage, connection: Connection, decision: str, status: WorkflowStatus
) -> None:
    calls: list[WorkflowExecution] = []

    async def second_time(_context: ErrorContext, execution: WorkflowExecution) -> RecoveryResult:
        calls.append(execution)
        if len(calls) == 1:
            raise ConnectionError("not yet")
        return DONE

    manager = ChangelogRecoveryWorkflowManager(connection)
    own = Own(step("again", second_time))
    own.ask_people = True
    manager.register_workflow(own)
    waiting = asyncio.create_task(manager.execute_recovery(failed()))

    async def is_asked() -> bool:
        return any(one.escalations for one in await recent(manager))

    await eventually(is_asked)
    running = await the_only_one(manager)
    said = {"by": "anna", "decision": decision}
    await stage.client.get_workflow_handle(running.execution_id).signal("resolve", said)
    execution = await waiting
    assert (execution.status, execution.decision, execution.decided_by) == (status, decision, "anna")


async def test_who_stops_waiting_does_not_end_it(stage: Stage, connection: Connection) -> None:
    go, has_begun = asyncio.Event(), asyncio.Event()

    async def slow(context: ErrorContext, _execution: WorkflowExecution) -> RecoveryResult:
        has_begun.set()
        await go.wait()
        return DONE

    manager = manager_of(connection, step("slow", slow))
    waiting = asyncio.create_task(manager.execute_recovery(failed()))
    await has_begun.wait()
    running = await the_only_one(manager)
    assert (running.status, running.ended_at) == (WorkflowStatus.RUNNING, None)
    waiting.cancel()
    go.set()
    report: RecoveryReport = await stage.client.get_workflow_handle(
        running.execution_id, result_type=RecoveryReport
    ).result()
    assert report.outcome is RecoveryOutcome.HEALED


async def test_what_somebody_cancels_in_temporal_is_cancelled_for_the_program(
    stage: Stage, connection: Connection
) -> None:
    manager = manager_of(connection, step("slow", hangs, timeout=timedelta(seconds=30)))
    waiting = asyncio.create_task(manager.execute_recovery(failed()))
    running = await the_only_one(manager)
    await stage.client.get_workflow_handle(running.execution_id).cancel()
    execution = await waiting
    assert (execution.status, execution.execution_id) == (WorkflowStatus.CANCELLED, running.execution_id)


async def test_twenty_at_once_each_get_their_own_answer(connection: Connection) -> None:
    async def own(context: ErrorContext, _execution: WorkflowExecution) -> RecoveryResult:
        return COPY.model_copy(update={"fallback_data": context.metadata["number"]})

    manager = manager_of(connection, step("own", own))
    executions = await asyncio.gather(
        *(manager.execute_recovery(failed(metadata={"number": number})) for number in range(20))
    )
    assert [one.result.fallback_data for one in executions if one.result] == list(range(20))


async def test_what_no_workflow_of_its_own_handles_is_recovered_as_the_handler_would(connection: Connection) -> None:
    handler = ChangelogErrorHandler(connection=connection)

    async def cache() -> dict[str, list[int]]:
        return {"commits": [1, 2]}

    handler.register_fallback_data_source("crm", cache)
    manager = manager_of(connection, step("own", raises))
    execution = await manager.execute_recovery(failed(service="crm"))
    assert [(one.step_id, one.state) for one in execution.steps] == [
        ("retry", StepState.SKIPPED),
        ("source", StepState.RESOLVED),
    ]
    assert execution.result is not None
    assert (execution.status, execution.result.fallback_data) == (WorkflowStatus.SUCCESS, {"commits": [1, 2]})


async def test_two_programs_of_one_name_do_each_others_steps(stage: Stage, connection: Connection) -> None:
    ran: Counter[str] = Counter()

    def done_by(which: str) -> Action:
        async def action(context: ErrorContext, _execution: WorkflowExecution) -> RecoveryResult:
            ran[which] += 1
            await asyncio.sleep(0.1)
            return COPY.model_copy(update={"fallback_data": context.metadata["number"]})

        return action

    other = replace(connection, config_dir=stage.directory / "config")
    manager = manager_of(connection, step("own", done_by("first")))
    manager_of(other, step("own", done_by("second")))
    executions = await asyncio.gather(
        *(manager.execute_recovery(failed(metadata={"number": number})) for number in range(20))
    )
    assert [one.result.fallback_data for one in executions if one.result] == list(range(20))
    assert (set(ran), ran.total()) == ({"first", "second"}, 20)
    core_of(other).close()
