"""A run of pytest whose tests leave what does not end: it ends all the same, and says what that was."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.temporal_server import TemporalServer
from tests.command_line import ROOT

SETTINGS = """
[pytest]
timeout = 2
patience = 1
asyncio_mode = auto
asyncio_default_fixture_loop_scope = session
asyncio_default_test_loop_scope = session
addopts = -p tests.bounds --dist loadfile
"""

DEAF = """
import asyncio
import os
import re
from contextlib import suppress

import pytest
from temporalio import activity
from temporalio.client import Client
from temporalio.worker import Worker


async def deaf():
    while True:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
"""

A_WORKER_THAT_DOES_NOT_END = f"""
{DEAF}
from datetime import timedelta
from temporalio import workflow

call = activity.defn(name="call")(deaf)


@workflow.defn(sandboxed=False)
class Calls:
    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity("call", start_to_close_timeout=timedelta(hours=1))


async def test_it_never_ends():
    client = await Client.connect(os.environ["TEMPORAL_ADDRESS"])
    async with Worker(client, task_queue="deaf", workflows=[Calls], activities=[call]):
        await client.execute_workflow(Calls.run, id=f"deaf-{{os.getpid()}}", task_queue="deaf")


async def test_what_comes_after_it():
    pass
"""

AN_END_THAT_DOES_NOT_END = f"""
{DEAF}

@pytest.fixture(scope="session")
async def server():
    yield
    await deaf()


@pytest.fixture(scope="session")
def another(server):
    yield
    print("the end of another is not left out")


async def test_it_fails(another):
    raise AssertionError
"""

NOT_TO_BE_INTERRUPTED = """
import signal
import time


def test_it_hears_no_alarm():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
    time.sleep(3600)
"""

OTHERS = """
import time

def test_of_another_file():
    time.sleep(0.5)
"""


def ran(folder: Path, *arguments: str, **variables: str) -> str:
    (folder / "pytest.ini").write_text(SETTINGS)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
        check=False,
    ).stdout


@pytest.mark.parametrize("processes", [(), ("-n", "2")], ids=["alone", "side by side"])
def test_a_worker_whose_shutdown_never_returns_is_named_and_the_run_goes_on(
    temporal: TemporalServer, tmp_path: Path, processes: tuple[str, ...]
) -> None:
    (tmp_path / "test_worker.py").write_text(A_WORKER_THAT_DOES_NOT_END)
    (tmp_path / "test_z.py").write_text(OTHERS)
    told = ran(tmp_path, *processes, TEMPORAL_ADDRESS=temporal.address)
    assert "the 2 s are over that test_worker.py::test_it_never_ends may take" in told
    assert re.search(r"deaf \(test_worker\.py:\d+\)", told)
    assert "Worker.__aexit__ (_worker.py" in told
    assert "the end of the fixture _session_scoped_runner" in told
    assert "1 failed, 2 passed, 1 error" in told


def test_after_a_failure_too_each_end_is_bounded_and_the_others_follow(tmp_path: Path) -> None:
    (tmp_path / "test_end.py").write_text(AN_END_THAT_DOES_NOT_END)
    told = ran(tmp_path, "-s")
    assert "the end of the fixture server" in told
    assert "the end of the fixture _session_scoped_runner" in told
    assert "the end of another is not left out" in told
    assert "1 failed, 1 error" in told


def test_the_process_of_what_cannot_be_interrupted_ends_and_another_goes_on(tmp_path: Path) -> None:
    (tmp_path / "test_blocked.py").write_text(NOT_TO_BE_INTERRUPTED)
    for number in range(3):
        (tmp_path / f"test_other_{number}.py").write_text(OTHERS)
    told = ran(tmp_path, "-n", "1")
    assert "in test_it_hears_no_alarm" in told
    assert "1 failed, 3 passed" in told
