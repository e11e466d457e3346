"""A program whose product does not run: what works without a worker, and what is said where one is needed."""

import asyncio
from collections.abc import Sequence

import pytest

from devsync.api.connection import Connection
from devsync.api.core import core_of
from devsync.api.executions import WorkflowExecution
from devsync.api.recovery_manager import ChangelogRecoveryWorkflowManager
from devsync.api.recovery_workflows import RecoveryWorkflow, WorkflowStep
from devsync.api.unavailable import NoWorker
from devsync.domain.errors import ErrorContext, RecoveryAction, RecoveryResult
from devsync.runtime.connection import TemporalUnreachable
from devsync.settings.problems import ConfigError
from tests.e2e.stage import Stage, eventually

CONTEXT = ErrorContext(error=ConnectionError("billing is away"), service="billing")


class Own(RecoveryWorkflow):
    def __init__(self) -> None:
        super().__init__("own", "Own workflow")

    def can_handle(self, error_context: ErrorContext) -> bool:
        return True

    async def build_steps(self, error_context: ErrorContext) -> Sequence[WorkflowStep]:
        return [WorkflowStep(step_id="own", name="own", action=self._own)]

    async def _own(self, error_context: ErrorContext, execution: WorkflowExecution) -> RecoveryResult:
        return RecoveryResult(success=True, action_taken=RecoveryAction.RETRY, message="done")


async def test_a_worker_that_has_died_is_missed_and_nothing_is_left_behind(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server still lists it."""
    monkeypatch.setattr("devsync.api.recovering.TAKEN_WITHIN", 2.0)
    connection = Connection(
        program="alone",
        temporal_address=stage.servers.temporal.address,
        database_url=stage.environment["DATABASE_URL"],
    )
    async with stage.worker():
        pass
    manager = ChangelogRecoveryWorkflowManager(connection)
    manager.register_workflow(Own())
    with pytest.raises(NoWorker, match=r"within 2 s, and it is ended: look whether `python worker.py` runs"):
        await manager.execute_recovery(CONTEXT)
    ended = 'WorkflowId STARTS_WITH "recovery:program:alone:" AND ExecutionStatus = "Terminated"'

    async def is_ended() -> bool:
        return len([run async for run in stage.client.list_workflows(ended)]) == 1

    await eventually(is_ended)
    assert await asyncio.to_thread(manager.get_recent_executions) == [], "the records need no worker"
    core_of(connection).close()


async def test_without_temporal_it_says_so_and_what_is_registered_waits_for_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    connection = Connection(program="alone", temporal_address="127.0.0.1:1")
    manager = ChangelogRecoveryWorkflowManager(connection)
    manager.register_workflow(Own())
    with pytest.raises(TemporalUnreachable, match=r"127\.0\.0\.1:1"):
        await manager.execute_recovery(CONTEXT)
    assert "recovery steps of alone are not served yet" in caplog.text
    with pytest.raises(ConfigError, match="DATABASE_URL"):
        await asyncio.to_thread(manager.get_recent_executions)
    core_of(connection).close()
