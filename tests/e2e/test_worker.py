"""The worker as a process: what it needs to start, and how it ends."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest

from commands.stack import ROOT
from sandbox.processes import start_process
from tests.e2e.stage import Stage

RUNS = 50


async def test_a_worker_told_to_stop_exits_0_fifty_times_of_fifty(stage: Stage) -> None:
    command: list[str | Path] = [sys.executable, "-m", "tests.e2e.stopping", stage.directory, str(RUNS)]
    environment = os.environ | stage.environment | {"LOG_LEVEL": "INFO", "PYTHONPATH": str(ROOT)}
    stopping = start_process("stopping", command, stage.directory / "stopping.log", environment=environment)
    try:
        assert await stopping.wait() == 0, stopping.log_tail()
    finally:
        await stopping.kill()
    assert json.loads(stopping.log_tail()) == [0] * RUNS


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
    _, stderr = await asyncio.wait_for(process.communicate(), 60)
    text = stderr.decode()
    assert process.returncode == 1
    assert message in text
    assert "Traceback" not in text
