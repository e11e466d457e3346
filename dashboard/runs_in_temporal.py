"""What Temporal says of the runs of a team's week: those that are open, how others ended, and which it keeps."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Final, TypeVar

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryReverseRequest
from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus, WorkflowQueryFailedError
from temporalio.service import RPCError, RPCStatusCode

from dashboard.run_picture import RUNNING, EndedRun, OpenRun
from devsync.contracts import names
from devsync.contracts.amendment import AmendmentProgress
from devsync.contracts.edition import EditionProgress
from devsync.contracts.recovery import RecoveryReport
from devsync.domain.model import Model
from devsync.runtime.payload_codec import KeyMissing, unreadable
from devsync.storage.runs import RunRecord

M = TypeVar("M", bound=Model)
Progress = type[EditionProgress] | type[AmendmentProgress]

PATIENCE: Final = timedelta(seconds=2)


class RunsInTemporal:
    """All raise RPCError and TimeoutError while Temporal does not answer."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def of_week(self, team: str, iso_week: str) -> list[OpenRun | EndedRun]:
        """The newest of the edition, of a dry run, of an amendment."""
        found = await asyncio.gather(
            self._newest(team, iso_week, names.edition_id(team, iso_week), EditionProgress),
            self._newest(team, iso_week, names.preview_id(team, iso_week), EditionProgress),
            self._newest(team, iso_week, names.amendment_id(team, iso_week), AmendmentProgress),
        )
        return [run for run in found if run is not None]

    async def keeps(self, record: RunRecord) -> bool:
        """Whether it still has the run: after its retention it forgets."""
        return await self._described(record.workflow_id, record.run_id) is not None

    async def reports(self, progress: EditionProgress | None) -> dict[str, RecoveryReport]:
        """Of the recoveries that run, as far as they answer."""
        ids = [one.workflow_id for one in progress.recoveries if one.outcome == RUNNING] if progress else []
        told = await asyncio.gather(*map(self._report, ids))
        return {one: report for one, report in zip(ids, told, strict=True) if report is not None}

    async def _newest(self, team: str, iso_week: str, workflow_id: str, kind: Progress) -> OpenRun | EndedRun | None:
        run = await self._described(workflow_id)
        if run is None:
            return None
        original_id = run.raw_description.workflow_execution_info.first_run_id or run.run_id  # a reset keeps it
        if run.status is not WorkflowExecutionStatus.RUNNING:
            return await self._ended(team, iso_week, run, original_id)
        try:
            progress, why = await self._progress(workflow_id, kind), ""
        except KeyMissing as error:
            progress, why = None, unreadable(error)
        return OpenRun(workflow_id, run.run_id, run.start_time, progress, why, original_id)

    async def _ended(
        self, team: str, iso_week: str, run: WorkflowExecutionDescription, original_id: str
    ) -> EndedRun | None:
        if run.status is None or run.close_time is None:
            return None
        return EndedRun(
            workflow_id=run.id,
            run_id=original_id,
            team=team,
            iso_week=iso_week,
            status=run.status.name.lower().replace("canceled", "cancelled"),
            started_at=run.start_time,
            ended_at=run.close_time,
            terminated_because=await self._reason(run) if run.status is WorkflowExecutionStatus.TERMINATED else "",
        )

    async def _reason(self, run: WorkflowExecutionDescription) -> str:
        """That stands in its last event; empty where Temporal has forgotten the run meanwhile."""
        asked = GetWorkflowExecutionHistoryReverseRequest(
            namespace=self._client.namespace,
            execution=WorkflowExecution(workflow_id=run.id, run_id=run.run_id),
            maximum_page_size=1,
        )
        service = self._client.workflow_service
        try:
            told = await service.get_workflow_execution_history_reverse(asked, timeout=PATIENCE)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return ""
            raise
        last = next(iter(told.history.events), None)
        return last.workflow_execution_terminated_event_attributes.reason if last is not None else ""

    async def _described(self, workflow_id: str, run_id: str | None = None) -> WorkflowExecutionDescription | None:
        handle = self._client.get_workflow_handle(workflow_id, run_id=run_id)
        try:
            async with asyncio.timeout(2 * PATIENCE.total_seconds()):
                return await handle.describe(rpc_timeout=PATIENCE)
        except RPCError as error:
            if error.status in {RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT}:  # no run id of Temporal's
                return None
            raise

    async def _report(self, workflow_id: str) -> RecoveryReport | None:
        with suppress(KeyMissing):  # of another key than the edition's, which says the rest
            return await self._progress(workflow_id, RecoveryReport)
        return None

    async def _progress(self, workflow_id: str, kind: type[M]) -> M | None:
        """None: no worker answers, or the run is just over. Raises KeyMissing."""
        handle = self._client.get_workflow_handle(workflow_id)
        try:
            progress: M = await handle.query("progress", result_type=kind, rpc_timeout=PATIENCE)
        except (RPCError, WorkflowQueryFailedError):
            return None
        return progress
