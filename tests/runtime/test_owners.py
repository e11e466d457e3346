"""Whose work an activity is: what its worker keeps of it names the run that it was done for."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from temporalio import activity, workflow
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import Worker

from devsync.contracts.errors import ErrorRecord
from devsync.contracts.operations import OperationRecord
from devsync.runtime.plugin import DevSyncPlugin
from sandbox.temporal_server import TemporalServer


@activity.defn(name="local.try_once")
async def try_once() -> None:
    if activity.info().attempt == 1:
        raise ConnectionError("reset by peer")


async def work() -> None:
    await workflow.execute_activity("local.try_once", start_to_close_timeout=timedelta(seconds=10))


@workflow.defn(sandboxed=False)
class Free:
    @workflow.run
    async def run(self, _owner: str) -> None:
        await work()


@workflow.defn(sandboxed=False)
class ForAnother:
    @workflow.init
    def __init__(self, owner: str) -> None:
        self.owner_run_id = owner

    @workflow.run
    async def run(self, _owner: str) -> None:
        await work()


class Kept:
    def __init__(self) -> None:
        self.errors: list[ErrorRecord] = []
        self.operations: list[OperationRecord] = []

    @property
    def owners(self) -> set[str | None]:
        return {one.owner_run_id for one in self.errors} | {one.owner_run_id for one in self.operations}


async def started(client: Client, kind: type[Any], owner: str) -> WorkflowHandle[Any, Any]:
    return await client.start_workflow(kind.__name__, owner, id=f"owned-{uuid.uuid4()}", task_queue="owned")


@pytest.mark.parametrize(("kind", "owner"), [(Free, None), (ForAnother, "edition"), (ForAnother, "")])
async def test_what_is_kept_of_an_activity_names_the_run_that_asked_for_it(
    temporal: TemporalServer, kind: type[Any], owner: str | None
) -> None:
    kept = Kept()
    plugin = DevSyncPlugin(keep_error=kept.errors.append, keep_operation=kept.operations.append)
    client = await Client.connect(temporal.address, plugins=[plugin])
    async with Worker(client, task_queue="owned", workflows=[Free, ForAnother], activities=[try_once]):
        await (await started(client, kind, owner or "")).result()
    assert (len(kept.errors), len(kept.operations)) == (1, 2)
    assert kept.owners == {owner or None}


async def test_after_a_reset_it_is_the_run_that_was_reset(temporal: TemporalServer) -> None:
    kept = Kept()
    plugin = DevSyncPlugin(keep_error=kept.errors.append, keep_operation=kept.operations.append)
    client = await Client.connect(temporal.address, plugins=[plugin])
    async with Worker(client, task_queue="owned", workflows=[Free, ForAnother], activities=[try_once]):
        first = await started(client, Free, "")
        await first.result()
        description = await first.describe()
        await client.workflow_service.reset_workflow_execution(
            ResetWorkflowExecutionRequest(
                namespace=client.namespace,
                workflow_execution=description.raw_description.workflow_execution_info.execution,
                reason="a test",
                workflow_task_finish_event_id=4,
                request_id=str(uuid.uuid4()),
            )
        )
        await client.get_workflow_handle(first.id).result()
    own, again = kept.operations[:2], kept.operations[2:]
    assert {one.owner_run_id for one in own} == {None}
    assert {one.run_id for one in own} == {first.result_run_id}
    assert [one.owner_run_id for one in again] == [first.result_run_id] * 2
    assert {one.run_id for one in again} != {first.result_run_id}
