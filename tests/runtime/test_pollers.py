"""Who polls a task queue, asked of a real server, which keeps a queue in four parts."""

import asyncio
import uuid
from datetime import timedelta

from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import PollActivityTaskQueueRequest
from temporalio.client import Client

from devsync.runtime.pollers import queue_of
from sandbox.temporal_server import TemporalServer

PARTS = 4


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
