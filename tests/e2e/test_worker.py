"""The worker as a process: what it needs to start, and how it ends."""

import asyncio
import os
import signal
import sys

import pytest

from commands.stack import ROOT
from tests.e2e.stage import Stage

RUNS = 50
AT_ONCE = 2


@pytest.mark.timeout(600)
async def test_a_worker_told_to_stop_exits_0_fifty_times_of_fifty(stage: Stage) -> None:
    turn = asyncio.Semaphore(AT_ONCE)

    async def stop_one(number: int) -> int:
        async with turn, stage.worker(f"worker-{number}") as worker:
            worker.popen.send_signal(signal.SIGTERM)
            return await asyncio.wait_for(worker.wait(), 40)

    codes = await asyncio.gather(*(stop_one(number) for number in range(RUNS)))
    assert codes == [0] * RUNS


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("GITHUB_TOKEN", "", "GITHUB_TOKEN is not set"),
        ("DATABASE_URL", "", "DATABASE_URL is not set"),
        ("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none", "does not answer"),
        ("TEMPORAL_ADDRESS", "127.0.0.1:1", "no Temporal server answers at 127.0.0.1:1"),
        ("TEMPORAL_NAMESPACE", "nowhere", "Temporal has no namespace 'nowhere'"),
        ("CONFIG_DIR", "/nowhere", "/nowhere: is not a directory"),
    ],
)
async def test_what_is_missing_at_the_start_is_one_clear_message(
    stage: Stage, variable: str, value: str, message: str
) -> None:
    environment = os.environ | stage.environment | {variable: value}
    process = await asyncio.create_subprocess_exec(
        sys.executable, ROOT / "worker.py", env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, stderr = await asyncio.wait_for(process.communicate(), 30)
    text = stderr.decode()
    assert process.returncode == 1
    assert message in text
    assert "Traceback" not in text
