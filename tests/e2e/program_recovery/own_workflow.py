"""A recovery workflow of a program, with steps as a test wants them, and what it comes to."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from devsync.api.connection import Connection
from devsync.api.executions import WorkflowExecution
from devsync.api.recovery_manager import ChangelogRecoveryWorkflowManager
from devsync.api.recovery_workflows import Action, RecoveryWorkflow, WorkflowStep
from devsync.api.unavailable import NotInTime
from devsync.domain.errors import ErrorCategory, ErrorContext, RecoveryAction, RecoveryResult
from devsync.domain.exceptions import DataCollectionError
from tests.e2e.stage import eventually

DONE = RecoveryResult(success=True, action_taken=RecoveryAction.RETRY, message="fetched")

COPY = RecoveryResult(
    success=True, action_taken=RecoveryAction.FALLBACK, message="yesterday's", fallback_data={"invoices": (7, 8)}
)


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


async def raises(_context: ErrorContext, _execution: WorkflowExecution) -> RecoveryResult:
    raise KeyError("no such customer")


async def hangs(_context: ErrorContext, _execution: WorkflowExecution) -> RecoveryResult:
    await asyncio.sleep(60)
    return DONE
