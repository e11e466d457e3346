"""The runs on a server that a new build has to be able to go on with, or could have."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import VersioningBehavior
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus

from commands.replay.verdicts import Subject
from devsync.runtime.open_runs import open_runs
from workflows.registry import WORKFLOWS, workflow_type


@dataclass(frozen=True)
class LiveRuns:
    """Every open run of our workflow types, and the closed ones that ended last."""

    client: Client
    open_count: int
    closed_count: int
    """All that ended in time; at most `limit` of them are replayed."""
    limit: int
    _open: str
    _closed: str

    @classmethod
    async def of(cls, client: Client, since: timedelta, limit: int) -> "LiveRuns":
        """Counts them. The server's list of runs is up to a few seconds old."""
        types = ", ".join(f"'{workflow_type(served)}'" for served in WORKFLOWS)
        is_open = open_runs(*map(workflow_type, WORKFLOWS))
        ended = datetime.now(UTC) - since
        is_closed = (
            f"WorkflowType IN ({types}) AND ExecutionStatus != 'Running' AND CloseTime >= '{ended:%Y-%m-%dT%H:%M:%SZ}'"
        )
        open_count = (await client.count_workflows(is_open)).count
        closed_count = (await client.count_workflows(is_closed)).count if limit else 0
        return cls(client, open_count, closed_count, limit, is_open, is_closed)

    @property
    def count(self) -> int:
        return self.open_count + min(self.closed_count, self.limit)

    async def subjects(self) -> AsyncIterator[Subject]:
        """Open runs first: they are the ones that would break. Listed page by page."""
        async for run in self.client.list_workflows(self._open):
            yield _subject(run)
        if self.limit:
            async for run in self.client.list_workflows(self._closed, limit=self.limit):
                yield _subject(run)


def _subject(run: WorkflowExecution) -> Subject:
    versioning = run.raw_info.versioning_info
    is_pinned = versioning.behavior == VersioningBehavior.VERSIONING_BEHAVIOR_PINNED
    return Subject(
        workflow_id=run.id,
        run_id=run.run_id,
        workflow_type=run.workflow_type,
        state=(run.status or WorkflowExecutionStatus.RUNNING).name.lower(),
        pinned_to=versioning.deployment_version.build_id if is_pinned else "",
    )
