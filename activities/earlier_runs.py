"""What earlier runs of a workflow know, asked of Temporal: their results, or what they knew when they were ended."""

import asyncio
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from temporalio import activity
from temporalio.client import (
    Client,
    WorkflowExecution,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowQueryFailedError,
)
from temporalio.service import RPCError, RPCStatusCode

from devsync.contracts.activities import SEND_SLACK_PART
from devsync.contracts.amendment import AmendmentProgress
from devsync.contracts.delivery import DeliveryOutcome, Recalled
from devsync.contracts.edition import EditionResult

QUERY_TIMEOUT = timedelta(seconds=10)
LIST_TRIES = 50
LIST_LAG_SECONDS = 0.1
"""How often, and how far apart, the list of runs is asked until it has the run that asks."""

_NO_ANSWER = {RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED}


class ListLags(Exception):
    """Temporal's list of runs is behind. Trying again helps."""


PATIENT_ATTEMPTS = 3
"""How often a run that gives no answer is asked; its worker may be starting, or gone with its build."""


class CannotTell(Exception):
    """A run does not answer queries any more: no worker of today can replay it, or it was ended before it began."""


class AmendmentKnown(NamedTuple):
    """`made` is None where there was no amendment, or it does not answer."""

    made: AmendmentProgress | None = None
    is_open: bool = False


class EarlierRuns:
    """Raises RPCError when Temporal cannot be asked; what it has forgotten is None."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def edition(self, workflow_id: str) -> EditionResult | None:
        """The result of the newest run that completed; the others left no edition."""
        query = f'WorkflowId = "{workflow_id}" AND ExecutionStatus = "Completed"'
        async for run in self._client.list_workflows(query, limit=1):
            handle = self._client.get_workflow_handle(run.id, run_id=run.run_id, result_type=EditionResult)
            try:
                result: EditionResult = await handle.result(follow_runs=False)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                activity.logger.info("run %s is gone: %s", run.run_id, error.message)
            else:
                return result
        return None

    async def amendment(self, workflow_id: str) -> AmendmentKnown:
        """What the newest run has made, however it ended. One that is open and does not answer is only known to be so:
        whoever wants to number a revision asks it to stand by, and it says then what it has made."""
        handle = self._client.get_workflow_handle(workflow_id, result_type=AmendmentProgress)
        try:
            status = (await handle.describe()).status
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return AmendmentKnown()
            raise
        is_open = status is WorkflowExecutionStatus.RUNNING
        try:
            if status is WorkflowExecutionStatus.COMPLETED:
                return AmendmentKnown(await handle.result())
            made = await handle.query("progress", result_type=AmendmentProgress, rpc_timeout=QUERY_TIMEOUT)
        except (WorkflowQueryFailedError, RPCError) as error:
            activity.logger.warning("%s does not say what it has made: %s", workflow_id, error)
            return AmendmentKnown(is_open=is_open)
        return AmendmentKnown(made, is_open)

    async def open_run(self, workflow_id: str) -> str:
        """The `original_execution_run_id` of the run that is open, empty where none is."""
        try:
            description = await self._client.get_workflow_handle(workflow_id).describe()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return ""
            raise
        if description.status is not WorkflowExecutionStatus.RUNNING:
            return ""
        return description.raw_description.workflow_execution_info.first_run_id or description.run_id

    async def delivery(self, workflow_id: str, before_run_id: str) -> Recalled:
        """What stands in the channel by the newest run before that one that can tell, however it ended.

        A run that sent something and cannot tell what (its build is gone) makes everything uncertain from then on.
        """
        unknown_since: datetime | None = None
        for run in await self._before(workflow_id, before_run_id):
            handle = self._client.get_workflow_handle(run.id, run_id=run.run_id, result_type=DeliveryOutcome)
            try:
                outcome = await _outcome(handle, run)
            except CannotTell as reason:
                if await _has_sent(handle):
                    activity.logger.warning("run %s cannot tell what it sent: %s", run.run_id, reason)
                    unknown_since = run.start_time
                continue
            if outcome is not None and outcome.has_recalled:
                return Recalled(outcome=outcome, unknown_since=unknown_since)
        return Recalled(unknown_since=unknown_since)

    async def _before(self, workflow_id: str, run_id: str) -> list[WorkflowExecution]:
        """Newest first. Waits until the list has the run that asks: until then it may lack the one before, too."""
        for _ in range(LIST_TRIES):
            runs = [run async for run in self._client.list_workflows(f'WorkflowId = "{workflow_id}"')]
            if any(run.run_id == run_id for run in runs):
                earlier = [run for run in runs if run.run_id != run_id]
                return sorted(earlier, key=lambda run: run.start_time, reverse=True)
            await asyncio.sleep(LIST_LAG_SECONDS)
        raise ListLags(f"Temporal's list of runs does not have run {run_id} of {workflow_id} yet")


async def _outcome(handle: WorkflowHandle[Any, DeliveryOutcome], run: WorkflowExecution) -> DeliveryOutcome | None:
    """None when Temporal has forgotten the run. Raises CannotTell, and RPCError where another attempt may help."""
    try:
        if run.status is WorkflowExecutionStatus.COMPLETED:
            return await handle.result(follow_runs=False)
        answer: DeliveryOutcome = await handle.query("outcome", result_type=DeliveryOutcome, rpc_timeout=QUERY_TIMEOUT)
    except WorkflowQueryFailedError as error:
        raise CannotTell(str(error)) from error
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        # Closed before its first task, or while its last one failed; the status does not say which.
        is_over = error.status is RPCStatusCode.FAILED_PRECONDITION
        if is_over or (error.status in _NO_ANSWER and activity.info().attempt >= PATIENT_ATTEMPTS):
            raise CannotTell(error.message) from error
        raise
    return answer


async def _has_sent(handle: WorkflowHandle[Any, Any]) -> bool:
    async for event in handle.fetch_history_events():
        scheduled = event.activity_task_scheduled_event_attributes
        if scheduled.activity_type.name == SEND_SLACK_PART.name:
            return True
    return False
