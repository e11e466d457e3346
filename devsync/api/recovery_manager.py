"""`ChangelogRecoveryWorkflowManager`: a program's own recovery workflows, followed by the product."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from devsync.api.checks import expect, expect_or_none
from devsync.api.connection import Connection
from devsync.api.contexts import context_of
from devsync.api.core import core_of
from devsync.api.executions import WorkflowExecution, cancelled, reported
from devsync.api.handler import RECOVERS_WITHIN
from devsync.api.own_workflows import Begun, own_workflows_of
from devsync.api.recovery_workflows import RecoveryWorkflow, WorkflowStep, plan_of, time_for
from devsync.api.serving import worker_of
from devsync.api.shared import shared_by
from devsync.api.travelling import assessed, failed_unit
from devsync.api.unavailable import CalledOff
from devsync.contracts.names import program_recovery_id
from devsync.contracts.recovery import RecoveryRequest
from devsync.domain.errors import ErrorContext, Failure, RecoveryResult
from devsync.domain.recovery.builtin import PROGRAM as PHASE
from devsync.domain.recovery.plan import RecoveryPlan
from devsync.runtime.policies import PROGRAM as POLICIES

BUILT_WITHIN: Final = 30.0
"""Seconds that `build_steps` may take."""
MOST_EXECUTIONS: Final = 1_000
"""Of one call: each that is under way is asked how far it has come."""

_log = logging.getLogger("devsync.api")


class ChangelogRecoveryWorkflowManager:
    """May be used from any thread, the coroutines awaited in any loop. Every process of a program registers the same
    workflows, and has the same stable name (`Connection.program`, DEVSYNC_PROGRAM): then one goes on where another has
    died.
    """

    def __init__(self, connection: Connection | None = None) -> None:
        """Raises ConfigError for an environment that cannot be used; connects to nothing."""
        expect_or_none("connection", connection, Connection)
        self._core = core_of(connection)
        self._shared = shared_by(self._core)
        self._workflows: dict[str, RecoveryWorkflow] = {}

    def register_workflow(self, workflow: RecoveryWorkflow) -> None:
        """From now on errors that it can handle are recovered by it, and this process serves its steps, also those of
        recoveries that an earlier process of this program has begun. One of the same id is replaced. Raises TypeError
        for what is no `RecoveryWorkflow`, and for one whose `__init__` has left out that of its base; ValueError for
        a `time_limit` that is none.
        """
        expect("workflow", workflow, RecoveryWorkflow)
        if not hasattr(workflow, "workflow_id"):
            raise TypeError(f"{type(workflow).__name__} has no workflow_id; call super().__init__(…) in its __init__")
        expect_or_none("time_limit", workflow.time_limit, timedelta)
        if workflow.time_limit is not None and workflow.time_limit <= timedelta():
            raise ValueError(f"the time_limit of {workflow.workflow_id} is no time at all; write a longer one")
        self._workflows[workflow.workflow_id] = workflow
        own_workflows_of(self._core).add(workflow)
        self._core.start(worker_of(self._core).serve_when_possible())

    async def execute_recovery(self, error_context: ErrorContext) -> WorkflowExecution:
        """Recovers the error by the first registered workflow that can handle it, in a Recovery that the Web UI shows.

        Whatever goes wrong in the workflow's own code is a failed step. Who stops waiting does not end the recovery.
        Raises TypeError for what is no `ErrorContext`; TemporalUnreachable, and NoWorker where no worker of the product
        runs.
        """
        expect("error_context", error_context, ErrorContext)
        known = context_of(error_context.error, error_context)
        failure = assessed(known)
        execution_id = program_recovery_id(self._core.program, uuid4().hex)
        request = await self._request(error_context, known, failure, execution_id)
        following = self._shared.followed(request, failure, execution_id, asyncio.get_running_loop())
        try:
            report, result = await self._core.run(following)
        except CalledOff:
            return cancelled(request, execution_id)
        finally:
            own_workflows_of(self._core).end(execution_id)
        return reported(report, result)

    def get_recent_executions(self, limit: int = 10) -> list[WorkflowExecution]:
        """Of this program: those under way, then the last ones on record, the newest first.

        Blocks for a second at most; then it tells what it told last, as each one's `as_of` says. Raises NotInTime and
        DatabaseUnavailable where there is nothing to tell yet, ConfigError where no DATABASE_URL is set, and TypeError
        and ValueError for a limit that is none.
        """
        expect("limit", limit, int)
        if not 1 <= limit <= MOST_EXECUTIONS:
            raise ValueError(f"limit is {limit}; write 1 to {MOST_EXECUTIONS}")

        from devsync.api.history import recent_executions

        async def ask() -> dict[str, Any]:
            return {"executions": await recent_executions(self._core, limit)}

        answer = self._shared.snapshots.ask(f"executions {limit}", ask)
        return [one.model_copy(update={"as_of": answer["as_of"]}) for one in answer["executions"]]

    async def _request(
        self, own: ErrorContext, context: ErrorContext, failure: Failure, execution_id: str
    ) -> RecoveryRequest:
        """`own` is what the program's code is given, `context` what the product understands of it."""
        workflow = self._workflow_for(own)
        if workflow is None:
            return await self._core.run(self._shared.request(context, failure, execution_id, RECOVERS_WITHIN))
        steps, plan = await self._planned(workflow, own, context.service)
        own_workflows_of(self._core).begin(execution_id, Begun(own, steps))
        return RecoveryRequest(
            team=context.team_id,
            iso_week="",
            service=context.service,
            phase=PHASE,
            plan=plan,
            units=(failed_unit(context, failure, ":".join(filter(None, (context.service, context.operation)))),),
            deadline=datetime.now(UTC) + time_for(workflow, steps),
            policies=POLICIES,
            program=self._core.program,
        )

    def _workflow_for(self, context: ErrorContext) -> RecoveryWorkflow | None:
        for workflow in self._workflows.values():
            try:
                if workflow.can_handle(context):
                    return workflow
            except Exception:  # noqa: BLE001 (somebody else's code fails in any way)
                _log.exception("%s could not say whether it handles an error; it is passed over", workflow.workflow_id)
        return None

    async def _planned(
        self, workflow: RecoveryWorkflow, context: ErrorContext, service: str
    ) -> tuple[Sequence[WorkflowStep], RecoveryPlan]:
        program = self._core.program
        try:
            async with asyncio.timeout(BUILT_WITHIN):
                steps = await workflow.build_steps(context)
            return steps, plan_of(program, workflow, service, steps)
        except Exception as error:  # noqa: BLE001 (likewise)
            _log.exception("%s could not build its steps", workflow.workflow_id)
            steps = (_failing(error),)
            return steps, plan_of(program, workflow, service, steps)


def _failing(error: Exception) -> WorkflowStep:
    """In the place of steps that could not be built: everybody sees why there are none."""

    def fail(_context: ErrorContext, _execution: WorkflowExecution) -> RecoveryResult:
        raise error

    return WorkflowStep(step_id="build_steps", name="Build the steps", action=fail)
