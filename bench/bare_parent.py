"""The yardstick of bench/api.py: a workflow that starts a child with one activity, and nothing else, without a sandbox.

Run as a worker.
"""

import asyncio
import sys
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

QUEUE = "bare"


@activity.defn
async def answer(number: int) -> dict[str, int]:
    return {"number": number}


@workflow.defn
class Child:
    @workflow.run
    async def run(self, number: int) -> dict[str, int]:
        return await workflow.execute_activity(answer, number, start_to_close_timeout=timedelta(seconds=30))


@workflow.defn
class Parent:
    @workflow.run
    async def run(self, number: int) -> dict[str, int]:
        child = f"{workflow.info().workflow_id}:child"
        return await workflow.execute_child_workflow(Child.run, number, id=child)


async def serve(address: str) -> None:
    client = await Client.connect(address)
    async with Worker(
        client,
        task_queue=QUEUE,
        workflows=[Parent, Child],
        activities=[answer],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        print("ready", flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
