"""The workflow sandbox stays on: what is not deterministic does not run."""

import random
import uuid

import pytest
from temporalio import workflow
from temporalio.client import WorkflowFailureError
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import RestrictedWorkflowAccessError

from devsync.runtime.sandbox import ContextFreeSandbox


@workflow.defn
class Dice:
    @workflow.run
    async def run(self) -> float:
        return random.random()


async def test_a_workflow_that_is_not_deterministic_is_stopped(skipping_time: WorkflowEnvironment) -> None:
    queue = str(uuid.uuid4())
    failing = [RestrictedWorkflowAccessError]  # else the task would be tried for ever
    worker = Worker(skipping_time.client, task_queue=queue, workflows=[Dice], workflow_failure_exception_types=failing)
    assert isinstance(worker.config(active_config=True)["workflow_runner"], ContextFreeSandbox)
    async with worker:
        with pytest.raises(WorkflowFailureError) as failure:
            await skipping_time.client.execute_workflow(Dice.run, id=str(uuid.uuid4()), task_queue=queue)
    assert isinstance(failure.value.cause, ApplicationError)
    assert failure.value.cause.type == "RestrictedWorkflowAccessError"
