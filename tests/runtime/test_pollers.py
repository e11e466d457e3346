"""Who polls a task queue, asked of a real server, which keeps a queue in four parts."""

import asyncio
import uuid
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import PollActivityTaskQueueRequest
from temporalio.client import Client
from temporalio.worker import Worker

from devsync.contracts import names
from devsync.runtime.pollers import queue_of, until_polled
from sandbox.temporal_server import TemporalServer

PARTS = 4


@activity.defn
async def work() -> None:
    """None is asked for."""


@workflow.defn(name="NothingToDo", sandboxed=False)
class Nothing:
    @workflow.run
    async def run(self) -> None:
        pass


async def test_the_last_of_many_pollers_is_known_whichever_part_of_the_queue_it_polls(temporal: TemporalServer) -> None:
    client = await Client.connect(temporal.address)
    queue = f"queue-{uuid.uuid4().hex[:8]}"

    async def poll(identity: str) -> None:
        ask = PollActivityTaskQueueRequest(
            namespace=client.namespace, task_queue=TaskQueue(name=queue), identity=identity
        )
        await client.workflow_service.poll_activity_task_queue(ask, timeout=timedelta(seconds=60))

    async def until_known(identities: set[str]) -> None:
        while not identities <= {poller.identity for poller in (await queue_of(client, queue)).pollers}:
            await asyncio.sleep(0.05)

    polls = []
    try:
        async with asyncio.timeout(20):
            for number in range(3 * PARTS):
                polls.append(asyncio.create_task(poll(f"poller-{number}")))
                await until_known({f"poller-{earlier}" for earlier in range(number + 1)})
    finally:
        for one in polls:
            one.cancel()
        await asyncio.gather(*polls, return_exceptions=True)


async def test_who_serves_a_queue_of_workflows_serves_the_activities_on_it_too(temporal: TemporalServer) -> None:
    client = await Client.connect(temporal.address, identity=f"worker-{uuid.uuid4()}")
    serving = asyncio.create_task(until_polled(client, [names.EDITIONS_QUEUE]))
    async with Worker(client, task_queue=names.EDITIONS_QUEUE, workflows=[Nothing]):
        while client.identity not in {one.identity for one in (await queue_of(client, names.EDITIONS_QUEUE)).pollers}:
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        assert not serving.done()
    async with Worker(client, task_queue=names.EDITIONS_QUEUE, activities=[work]):
        await asyncio.wait_for(serving, 60)
