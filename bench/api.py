"""`python -m bench.api`: what the Python API costs a program.

Row L of the targets: an error whose first step heals it, side by side with a bare parent and child workflow with one
activity on the same server, each served by one worker process; and a block that is measured.
"""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

from temporalio.client import Client

from bench.bare_parent import QUEUE, Parent
from bench.report import Figure, Spread, print_report
from bench.scene import Scene, WorldSize, scene
from commands.stack import ROOT
from devsync import ChangelogErrorHandler, Connection, DataCollectionError

REPETITIONS = 60
BLOCKS = 2_000
WARM_UP = 5
SIZE = WorldSize(repositories=1, projects=1, pull_requests=10, issues=10)


@asynccontextmanager
async def bare_worker(address: str) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.bare_parent",
        address,
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    await process.stdout.readline()
    try:
        yield
    finally:
        process.stdin.close()
        await process.wait()


async def bare_seconds(client: Client, number: int) -> float:
    began = time.perf_counter()
    await client.execute_workflow(Parent.run, number, id=f"bare:{uuid4().hex}", task_queue=QUEUE)
    return time.perf_counter() - began


async def handled_seconds(handler: ChangelogErrorHandler, number: int) -> float:
    began = time.perf_counter()
    result = await handler.handle_error(
        DataCollectionError("it did not come"), {"service": "billing", "operation": "fetch"}
    )
    seconds = time.perf_counter() - began
    if not result.success or result.metadata["steps"] != {"retry": "resolved"}:
        raise RuntimeError(f"the first step did not heal it: {result}")
    return seconds


async def block_milliseconds(handler: ChangelogErrorHandler) -> tuple[float, ...]:
    taken = []
    for _ in range(BLOCKS):
        began = time.perf_counter()
        async with handler.performance_monitor("block", "billing"):
            pass
        taken.append(1000 * (time.perf_counter() - began))
        await asyncio.sleep(0)
    return tuple(taken)


def handler_on(on: Scene) -> ChangelogErrorHandler:
    handler = ChangelogErrorHandler(
        connection=Connection(
            program="bench",
            temporal_address=on.environment["TEMPORAL_ADDRESS"],
            database_url=on.environment["DATABASE_URL"],
            config_dir=Path(on.environment["CONFIG_DIR"]),
        )
    )

    async def fetch() -> dict[str, int]:
        return {"number": 1}

    handler.register_operation("billing", "fetch", fetch)
    return handler


async def run(repetitions: int) -> tuple[list[Figure], dict[str, Any]]:
    bare, handled = [], []
    async with scene(SIZE) as on, on.worker(), bare_worker(on.environment["TEMPORAL_ADDRESS"]):
        client = await Client.connect(on.environment["TEMPORAL_ADDRESS"])
        handler = handler_on(on)
        for number in range(WARM_UP + repetitions):
            both = await bare_seconds(client, number), await handled_seconds(handler, number)
            if number >= WARM_UP:
                bare.append(both[0])
                handled.append(both[1])
        blocks = Spread(await block_milliseconds(handler))
        handler.close()
    error, yardstick = Spread(tuple(handled)), Spread(tuple(bare))
    figures = [
        Figure("L", "handle_error whose first step heals ÷ bare parent and child", error.median / yardstick.median, "×",
               at_most=3),
        Figure("L", "performance_monitor, a block", blocks.median, "ms", at_most=1),
    ]  # fmt: skip
    details = {"handle_error": str(error), "bare": str(yardstick), "block_ms": str(blocks)}
    return figures, details


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.api", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    options = parser.parse_args()
    figures, details = asyncio.run(run(options.repetitions))
    print_report("api", figures, details)


if __name__ == "__main__":
    main()
