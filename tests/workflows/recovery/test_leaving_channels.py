"""A recovery whose edition was terminated leaves its channel, and its place on the page, to who goes on with it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowFailureError, WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker
from temporalio.workflow import ParentClosePolicy

from devsync.contracts import names
from devsync.contracts.escalation import SubscriberLeft
from devsync.contracts.recovery import RecoveryReport, RecoveryRequest
from tests.workflows.recovery_channels import request
from tests.workflows.recovery_stage import EXPIRED, GONE, Escalation, Ground, Stage, stage
from workflows.recovery.recovery import Recovery


@workflow.defn(name="EditionThatIsGone", sandboxed=False)
class Gone:
    """It leaves its recovery behind. (The test server answers no signal to a run that was terminated.)"""

    @workflow.run
    async def run(self, message: RecoveryRequest) -> str:
        recovery = await workflow.start_child_workflow(
            names.RECOVERY,
            message,
            id=f"recovery-of:{workflow.info().workflow_id}",
            task_queue=workflow.info().task_queue.removeprefix("gone-"),
            parent_close_policy=ParentClosePolicy.ABANDON,
        )
        return recovery.id


@dataclass
class Left:
    """A recovery that asks people, without an edition."""

    on: Stage
    recovery: WorkflowHandle[Any, RecoveryReport]
    page: WorkflowHandle[Escalation, list[SubscriberLeft]]

    async def is_cancelled(self) -> None:
        """As the server cancels it, once its edition is terminated."""
        await self.recovery.cancel()
        with pytest.raises(WorkflowFailureError):
            await self.recovery.result()


@asynccontextmanager
async def left_behind(environment: WorkflowEnvironment, ground: Ground) -> AsyncIterator[Left]:
    async with (
        stage(environment, ground) as on,
        Worker(environment.client, task_queue=f"gone-{on.queue}", workflows=[Gone]),
    ):
        page = await on.with_escalation()
        with environment.auto_time_skipping_disabled():
            message = request(await on.now(), EXPIRED)
            recovery_id = await environment.client.execute_workflow(
                Gone.run, message, id=f"edition:{on.queue}", task_queue=f"gone-{on.queue}"
            )
            recovery: WorkflowHandle[Any, RecoveryReport] = environment.client.get_workflow_handle(recovery_id)
            while not (await recovery.query(Recovery.progress)).escalations:
                await asyncio.sleep(0.02)
            yield Left(on, recovery, page)


async def test_where_people_cannot_be_told_it_leaves_its_page(own_time: WorkflowEnvironment) -> None:
    ground = Ground()
    async with left_behind(own_time, ground) as left:
        ground.join_fails = GONE
        await left.is_cancelled()
        (said,) = await asyncio.wait_for(left.page.result(), 60)
    assert (said.workflow_id, said.is_healed) == (left.recovery.id, False)
