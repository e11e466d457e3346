"""The yardstick of `bench.fleet`: a worker whose workflows run activities that do nothing, as any program would."""

import asyncio
import sys
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

QUEUE = "bare-fleet"
READY = "ready"


@activity.defn
async def nothing() -> None:
    """Answers at once."""


@workflow.defn(sandboxed=False)
class Bare:
    @workflow.run
    async def run(self, rounds: list[int]) -> None:
        """That many activities side by side in each round, one round after another."""
        for count in rounds:
            await asyncio.gather(
                *(
                    workflow.execute_activity(nothing, start_to_close_timeout=timedelta(seconds=60))
                    for _ in range(count)
                )
            )


async def serve(address: str) -> None:
    client = await Client.connect(address)
    async with Worker(client, task_queue=QUEUE, workflows=[Bare], activities=[nothing]):
        print(READY, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
