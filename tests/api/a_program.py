"""A program of somebody else, as a process: `python -m tests.api.a_program serve` or `… recover`.

Its workflow has a step that never ends, and one that has the data. What it does stands in the folder TRACES.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from devsync.api.executions import WorkflowExecution
from devsync.api.recovery_manager import ChangelogRecoveryWorkflowManager
from devsync.api.recovery_workflows import RecoveryWorkflow, WorkflowStep
from devsync.domain.errors import ErrorContext, RecoveryAction, RecoveryResult

WORKFLOW = "invoices"


class Invoices(RecoveryWorkflow):
    def __init__(self, traces: Path) -> None:
        super().__init__(WORKFLOW, "Invoices", "Brings invoices although billing is away")
        self._traces = traces

    def can_handle(self, error_context: ErrorContext) -> bool:
        return error_context.service == "billing"

    async def build_steps(self, error_context: ErrorContext) -> Sequence[WorkflowStep]:
        never_ends = WorkflowStep(
            step_id="hang", name="Never ends", action=self._hang, timeout=timedelta(seconds=float(os.environ["HANG"]))
        )
        copy = WorkflowStep(step_id="copy", name="Yesterday's copy", action=self._copy)
        return [never_ends, copy]

    async def _hang(self, error_context: ErrorContext, execution: WorkflowExecution) -> RecoveryResult:
        (self._traces / f"hang-{os.getpid()}").touch()
        await asyncio.sleep(3600)
        raise AssertionError

    async def _copy(self, error_context: ErrorContext, execution: WorkflowExecution) -> RecoveryResult:
        (self._traces / f"copy-{os.getpid()}").write_text(
            f"{type(error_context.error).__name__}: {error_context.error}"
        )
        return RecoveryResult(
            success=True,
            action_taken=RecoveryAction.FALLBACK,
            message="yesterday's invoices",
            fallback_data={"invoices": [error_context.metadata["customer"]]},
        )


async def main(task: str) -> None:
    manager = ChangelogRecoveryWorkflowManager()
    manager.register_workflow(Invoices(Path(os.environ["TRACES"])))
    if task == "recover":
        error = ConnectionError("billing is away")
        context = ErrorContext(error=error, service="billing", operation="fetch_invoices", metadata={"customer": 7})
        execution = await manager.execute_recovery(context)
        sys.stdout.write(execution.model_dump_json())
    else:
        await asyncio.sleep(3600)


if __name__ == "__main__":
    # Where the tests run in the background, Ctrl-C is ignored, and whoever they start would ignore it as well.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    asyncio.run(main(sys.argv[1]))
