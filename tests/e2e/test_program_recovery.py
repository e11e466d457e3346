"""A program's own recovery workflow against everything real: followed by the product's worker, run by the program."""

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import WorkflowExecutionStatus

from commands.stack import ROOT
from devsync.api.core import Connection, core_of
from devsync.api.executions import WorkflowExecution
from devsync.api.handler import ChangelogErrorHandler
from devsync.api.recovery_manager import ChangelogRecoveryWorkflowManager
from devsync.api.recovery_workflows import Action, RecoveryWorkflow, WorkflowStep
from devsync.api.unavailable import NotInTime
from devsync.contracts.recovery import RecoveryReport
from devsync.domain.errors import ErrorCategory, ErrorContext, ErrorSeverity, RecoveryAction, RecoveryResult
from devsync.domain.exceptions import DataCollectionError
from devsync.domain.program import WorkflowStatus
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.domain.recovery.plan import StepState
from sandbox.worlds.demo import demo_world
from tests.api.a_program import WORKFLOW
from tests.e2e.stage import Stage, eventually, stage_for
from tests.servers import Servers

DONE = RecoveryResult(success=True, action_taken=RecoveryAction.RETRY, message="fetched")
COPY = RecoveryResult(
    success=True, action_taken=RecoveryAction.FALLBACK, message="yesterday's", fallback_data={"invoices": (7, 8)}
)
TOKEN = "ghp_" + "a1" * 18
FAST = timedelta(seconds=2)


@pytest.fixture(scope="module")
async def stage(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """The product, with one worker for all tests here."""
    async with (
        stage_for(demo_world("2026-W47"), servers, tmp_path_factory.mktemp("product")) as ready,
        ready.worker(),
    ):
        yield ready


@pytest.fixture
def connection(stage: Stage) -> Iterator[Connection]:
    """Of a program of its own for each test."""
    wanted = Connection(
        program=f"billing-{uuid.uuid4().hex[:8]}",
        temporal_address=stage.servers.temporal.address,
        database_url=stage.environment["DATABASE_URL"],
    )
    yield wanted
    core_of(wanted).close()


class Own(RecoveryWorkflow):
    """Steps as a test wants them."""

    def __init__(self, *steps: WorkflowStep) -> None:
        super().__init__("own", "Own workflow")
        self._steps = steps

    def can_handle(self, error_context: ErrorContext) -> bool:
        return error_context.service == "billing"

    async def build_steps(self, error_context: ErrorContext) -> Sequence[WorkflowStep]:
        return self._steps


def step(step_id: str, action: Action, **changes: Any) -> WorkflowStep:
    return WorkflowStep(step_id=step_id, name=step_id, action=action, **changes)


def gives(result: Any) -> Action:
    async def action(_context: ErrorContext, _execution: WorkflowExecution) -> Any:
        return result

    return action


def failed(**changes: Any) -> ErrorContext:
    values: dict[str, Any] = {"error": DataCollectionError("billing is away"), "service": "billing"}
    return ErrorContext(**values | {"operation": "fetch_invoices", "category": ErrorCategory.DATA_COLLECTION} | changes)


def manager_of(connection: Connection, *steps: WorkflowStep) -> ChangelogRecoveryWorkflowManager:
    manager = ChangelogRecoveryWorkflowManager(connection)
    manager.register_workflow(Own(*steps))
    return manager


async def recent(manager: ChangelogRecoveryWorkflowManager) -> list[WorkflowExecution]:
    """The first answer takes a connection."""
    with suppress(NotInTime):
        return await asyncio.to_thread(manager.get_recent_executions)
    return []


async def the_only_one(manager: ChangelogRecoveryWorkflowManager) -> WorkflowExecution:
    """Once it is listed."""
    found: list[WorkflowExecution] = []

    async def is_listed() -> bool:
        found[:] = await recent(manager)
        return bool(found)

    await eventually(is_listed)
    (only,) = found
    return only


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


async def raises(_context: ErrorContext, _execution: WorkflowExecution) -> RecoveryResult:
    raise KeyError("no such customer")


async def hangs(_context: ErrorContext, _execution: WorkflowExecution) -> RecoveryResult:
    await asyncio.sleep(60)
    return DONE


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


async def test_a_workflow_that_cannot_say_what_it_handles_is_passed_over(connection: Connection) -> None:
    class Broken(Own):
        def can_handle(self, error_context: ErrorContext) -> bool:
            raise KeyError(error_context.metadata["customer"])

    broken, manager = Broken(), ChangelogRecoveryWorkflowManager(connection)
    broken.workflow_id = "broken"
    manager.register_workflow(broken)
    manager.register_workflow(Own(step("own", gives(DONE))))
    assert (await manager.execute_recovery(failed())).workflow_id == "own"


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


# Processes that die, and their successors.


@contextmanager
def process(stage: Stage, program: str, traces: Path, task: str, *, hang: float) -> Iterator["subprocess.Popen[str]"]:
    environment = os.environ | {
        "DATABASE_URL": stage.environment["DATABASE_URL"],
        "TEMPORAL_ADDRESS": stage.servers.temporal.address,
        "DEVSYNC_PROGRAM": program,
        "PYTHONPATH": str(ROOT),
        "TRACES": str(traces),
        "HANG": str(hang),
    }
    command = [sys.executable, "-m", "tests.api.a_program", task]
    pipe = subprocess.PIPE
    running = subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True)
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def has_trace(traces: Path, name: str) -> Callable[[], Awaitable[bool]]:
    async def is_there() -> bool:
        return any(traces.glob(f"{name}-*"))

    return is_there


async def the_recovery(stage: Stage, program: str) -> RecoveryReport:
    """Of the one that this program has asked for."""
    query = f'WorkflowId STARTS_WITH "recovery:program:{program}:"'
    (run,) = [run async for run in stage.client.list_workflows(query)]
    report: RecoveryReport = await stage.client.get_workflow_handle(run.id, result_type=RecoveryReport).result()
    return report


async def test_a_program_that_is_killed_in_a_step_is_followed_by_the_next_of_its_name(
    stage: Stage, tmp_path: Path
) -> None:
    program = f"killed-{uuid.uuid4().hex[:8]}"
    with process(stage, program, tmp_path, "recover", hang=120) as first:
        await eventually(has_trace(tmp_path, "hang"))
        first.send_signal(signal.SIGKILL)
        await asyncio.to_thread(first.wait)
    with process(stage, program, tmp_path, "serve", hang=120) as second:
        report = await asyncio.wait_for(the_recovery(stage, program), 60)
        (copied,) = tmp_path.glob("copy-*")
        assert copied.name == f"copy-{second.pid}"
    hang, copy = report.steps
    assert (hang.state, copy.state, report.plan) == (StepState.TIMED_OUT, StepState.RESOLVED, WORKFLOW)
    assert hang.message == "the worker gave no sign of life any more"
    assert 8 < hang.duration.total_seconds() < 25
    assert report.answers["copy"].fallback_data == {"invoices": [7]}
    assert copied.read_text() == "ErrorElsewhere: the connection to billing broke (ConnectionError)"


async def test_a_program_that_ends_in_a_step_says_so_and_its_successor_goes_on(stage: Stage, tmp_path: Path) -> None:
    program = f"ended-{uuid.uuid4().hex[:8]}"
    with process(stage, program, tmp_path, "recover", hang=120) as first:
        await eventually(has_trace(tmp_path, "hang"))
        first.send_signal(signal.SIGINT)
        _, complaints = await asyncio.to_thread(first.communicate, timeout=20)
    with process(stage, program, tmp_path, "serve", hang=120):
        report = await asyncio.wait_for(the_recovery(stage, program), 60)
    hang, copy = report.steps
    assert hang.message == "hang was ended with the event loop that waited for it"
    assert (hang.state, copy.state) == (StepState.FAILED, StepState.RESOLVED)
    assert "never retrieved" not in complaints
    assert hang.duration.total_seconds() < 8
