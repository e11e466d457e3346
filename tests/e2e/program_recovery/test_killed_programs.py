"""A program that dies in a step of its own recovery workflow, and its successor."""

import asyncio
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from commands.stack import ROOT
from devsync.contracts.recovery import RecoveryReport
from devsync.domain.recovery.plan import StepState
from tests.api.a_program import WORKFLOW
from tests.e2e.stage import Stage, eventually


@contextmanager
def process(stage: Stage, program: str, traces: Path, task: str, *, hang: float) -> Iterator["subprocess.Popen[str]"]:
    environment = os.environ | {
        "DATABASE_URL": stage.environment["DATABASE_URL"],
        "TEMPORAL_ADDRESS": stage.servers.temporal.address,
        "DEVSYNC_PROGRAM": program,
        "PYTHONPATH": str(ROOT),
        "TRACES": str(traces),
        "HANG": str(hang),
    }
    command = [sys.executable, "-m", "tests.api.a_program", task]
    pipe = subprocess.PIPE
    running = subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True)
    try:
        yield running
    finally:
        running.kill()
        running.communicate()


def has_trace(traces: Path, name: str) -> Callable[[], Awaitable[bool]]:
    async def is_there() -> bool:
        return any(traces.glob(f"{name}-*"))

    return is_there


async def the_recovery(stage: Stage, program: str) -> RecoveryReport:
    """Of the one that this program has asked for."""
    query = f'WorkflowId STARTS_WITH "recovery:program:{program}:"'
    found: list[str] = []

    async def is_listed() -> bool:
        found[:] = [run.id async for run in stage.client.list_workflows(query)]
        return bool(found)

    await eventually(is_listed)
    (recovery,) = found
    report: RecoveryReport = await stage.client.get_workflow_handle(recovery, result_type=RecoveryReport).result()
    return report


async def test_a_program_that_is_killed_in_a_step_is_followed_by_the_next_of_its_name(
    stage: Stage, tmp_path: Path
) -> None:
    program = f"killed-{uuid.uuid4().hex[:8]}"
    with process(stage, program, tmp_path, "recover", hang=120) as first:
        await eventually(has_trace(tmp_path, "hang"))
        first.send_signal(signal.SIGKILL)
        await asyncio.to_thread(first.wait)
    with process(stage, program, tmp_path, "serve", hang=120) as second:
        report = await asyncio.wait_for(the_recovery(stage, program), 60)
        (copied,) = tmp_path.glob("copy-*")
        assert copied.name == f"copy-{second.pid}"
    hang, copy = report.steps
    assert (hang.state, copy.state, report.plan) == (StepState.TIMED_OUT, StepState.RESOLVED, WORKFLOW)
    assert hang.message == "the worker gave no sign of life any more"
    assert 8 < hang.duration.total_seconds() < 25
    assert report.answers["copy"].fallback_data == {"invoices": [7]}
    assert copied.read_text() == "ErrorElsewhere: the connection to billing broke (ConnectionError)"


async def test_a_program_that_ends_in_a_step_says_so_and_its_successor_goes_on(stage: Stage, tmp_path: Path) -> None:
    program = f"ended-{uuid.uuid4().hex[:8]}"
    with process(stage, program, tmp_path, "recover", hang=120) as first:
        await eventually(has_trace(tmp_path, "hang"))
        first.send_signal(signal.SIGINT)
        _, complaints = await asyncio.to_thread(first.communicate, timeout=20)
    with process(stage, program, tmp_path, "serve", hang=120):
        report = await asyncio.wait_for(the_recovery(stage, program), 60)
    hang, copy = report.steps
    assert hang.message == "hang was ended with the event loop that waited for it"
    assert (hang.state, copy.state) == (StepState.FAILED, StepState.RESOLVED)
    assert "never retrieved" not in complaints
    assert hang.duration.total_seconds() < 8
