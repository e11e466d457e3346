"""Approvals from outside of workflows: what a person says to an edition that waits for its reviewers, and which do."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Final, NamedTuple

from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.service import RPCError, RPCStatusCode

from devsync.contracts import names
from devsync.contracts.approval import ApprovalProgress, ApprovalState, Approve, Edit, Reject
from devsync.contracts.edition import EditionProgress
from devsync.runtime.connection import missing_namespace
from devsync.runtime.open_runs import open_runs
from devsync.runtime.pollers import is_polled
from devsync.runtime.refusals import NotDone, NotThere, refusal

PATIENCE: Final = timedelta(seconds=10)
"""How long a decision waits for a worker that takes it. Later it may be taken all the same."""

LOOK_PATIENCE: Final = timedelta(seconds=3)

_RUNNING: Final = open_runs(names.WEEKLY_CHANGELOG)


class EditionNotUnderWay(NotThere):
    """No run of that id, or not that run any more."""

    def __init__(self, workflow_id: str) -> None:
        super().__init__(f"{workflow_id} is not under way; what is: python starter.py status")


class ApprovalRefused(NotDone):
    """The edition refused what was said, and nothing has changed."""


class ApprovalSilent(NotDone):
    """No worker answers for the edition."""


class WaitingEdition(NamedTuple):
    """An edition that is posted when somebody agrees."""

    team: str
    iso_week: str
    approval: ApprovalProgress


class ApprovalOperations:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def say(self, workflow_id: str, said: Approve | Reject | Edit, *, run_id: str = "") -> ApprovalProgress:
        """Sends it as an update, which answers; with `run_id` to that run alone. Raises what stands above."""
        if not await self.is_running(workflow_id, run_id=run_id):
            raise EditionNotUnderWay(workflow_id)
        if not await is_polled(self._client, names.EDITIONS_QUEUE):
            raise ApprovalSilent("no worker runs that could take it; start one: python worker.py")
        handle = self._client.get_workflow_handle(workflow_id, run_id=run_id or None)
        name = type(said).__name__.lower()
        try:
            answer: ApprovalProgress = await handle.execute_update(
                name, said, result_type=ApprovalProgress, rpc_timeout=PATIENCE
            )
        except WorkflowUpdateFailedError as error:
            raise refusal(error, ApprovalRefused) from error
        except WorkflowUpdateRPCTimeoutOrCancelledError as error:
            raise ApprovalSilent(
                f"{workflow_id} has not answered in {PATIENCE.seconds} s; it may still take it"
            ) from error
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            raise EditionNotUnderWay(workflow_id) from error
        return answer

    async def running(self, team: str) -> list[str]:
        """Ids of the team's editions that are under way; one that began this second may not be listed yet."""
        runs = [run.id async for run in self._client.list_workflows(_RUNNING)]
        return [run for run in runs if (key := names.week_key(run)) is not None and key.team == team]

    async def is_running(self, workflow_id: str, *, run_id: str = "") -> bool:
        try:
            described = await self._client.get_workflow_handle(workflow_id, run_id=run_id or None).describe()
        except RPCError as error:
            if error.status in {RPCStatusCode.NOT_FOUND, RPCStatusCode.INVALID_ARGUMENT}:
                return False
            raise
        return described.status is WorkflowExecutionStatus.RUNNING

    async def progress(self, workflow_id: str) -> ApprovalProgress | None:
        """Where the approval of the newest run stands; None where nobody is asked. Raises ApprovalSilent."""
        silent = ApprovalSilent(f"no worker answers for {workflow_id}; start one, or look at its log")
        try:
            answer: EditionProgress = await self._client.get_workflow_handle(workflow_id).query(
                "progress", result_type=EditionProgress, rpc_timeout=LOOK_PATIENCE
            )
        except WorkflowQueryFailedError as error:
            raise silent from error
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND and not missing_namespace(error):
                return None
            if error.status in {RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.CANCELLED}:
                raise silent from error
            raise
        return answer.approval

    async def waiting(self, teams: Iterable[str]) -> list[WaitingEdition]:
        """Of those teams, the editions that somebody is asked about; those that no worker answers for are left out."""
        asked = set(teams)
        if not asked:
            return []
        keys = [names.week_key(run.id) async for run in self._client.list_workflows(_RUNNING)]
        weeks = [(key.team, key.iso_week) for key in keys if key and key.team in asked]
        found = await asyncio.gather(*(self._waiting(team, week) for team, week in weeks))
        return sorted(one for one in found if one is not None)

    async def _waiting(self, team: str, iso_week: str) -> WaitingEdition | None:
        with suppress(ApprovalSilent):
            approval = await self.progress(names.edition_id(team, iso_week))
            if approval is not None and approval.state is ApprovalState.WAITING:
                return WaitingEdition(team, iso_week, approval)
        return None
