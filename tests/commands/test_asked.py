"""Who is asked, where an escalation answers in a way that this build cannot read."""

from typing import Any
from uuid import uuid4

from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import Worker

from commands.asked import views_of
from devsync.runtime.connection import connect
from sandbox.temporal_server import TemporalServer


@workflow.defn(name="EscalationOfAnotherBuild", sandboxed=False)
class Another:
    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: False)

    @workflow.query
    def state(self) -> dict[str, Any]:
        return {"escalation_id": 7, "subscribers": "many"}


async def test_one_of_another_build_is_left_out(temporal: TemporalServer) -> None:
    client: Client = await connect(address=temporal.address)
    queue = f"another-{uuid4()}"
    async with Worker(client, task_queue=queue, workflows=[Another]):
        handle = await client.start_workflow(Another.run, id=queue, task_queue=queue)
        assert await views_of(client, [handle.id]) == {}
        await handle.terminate("its test is over")
