"""Child processes are ready before they are used and gone afterwards, even when their owner is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import urllib.request
from pathlib import Path

import pytest

from sandbox import process_guard
from sandbox.processes import (
    ProcessFailed,
    accepts_connections,
    free_port,
    running_process,
    start_process,
)
from tests.sandbox.owners import all_end, owner

PYTHON = sys.executable

FAMILY = """\
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""
"""Prints the pid of a child of its own."""


async def never() -> bool:
    return False


async def at_once() -> bool:
    return True


async def test_a_server_answers_within_the_block_and_is_gone_after_it(tmp_path: Path) -> None:
    port = free_port()
    command = [PYTHON, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
    async with running_process("a server", command, tmp_path / "log", lambda: accepts_connections(port)) as server:
        answer = await asyncio.to_thread(urllib.request.urlopen, f"http://127.0.0.1:{port}/")
        assert answer.status == 200
        answer.close()
    assert not server.is_running
    assert not await accepts_connections(port)


async def test_a_process_that_ends_too_early_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("of an earlier run\n")
    command = ["/bin/sh", "-c", "seq 1 100; echo no such disk >&2; exit 3"]
    with pytest.raises(ProcessFailed) as failed:
        async with running_process("the server", command, log, never):
            pytest.fail("it is not ready")
    message = str(failed.value)
    assert message.startswith(f"the server ended with code 3 before it was ready; the end of {log}:\n82\n")
    assert message.endswith("\n100\nno such disk")


async def test_a_process_that_is_never_ready_is_told_and_ended(tmp_path: Path) -> None:
    process = start_process("the server", ["sleep", "600"], tmp_path / "log")
    with pytest.raises(ProcessFailed, match=r"^the server is not ready after 0 s; .*\n\(it wrote nothing\)$"):
        await process.wait_until(never, timeout_seconds=0)
    await process.stop()
    assert process.popen.returncode == -signal.SIGTERM


async def test_a_program_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProcessFailed, match=r"code 127(.|\n)*no-such-program"):
        async with running_process("it", ["/no-such-program"], tmp_path / "log", never):
            pytest.fail("it is not ready")


async def test_a_process_that_ignores_the_request_is_ended_by_force(tmp_path: Path) -> None:
    log = tmp_path / "log"
    process = start_process("deaf", ["/bin/sh", "-c", "trap '' TERM; echo deaf; sleep 600 & wait"], log)
    while "deaf" not in log.read_text():
        await asyncio.sleep(0.01)
    await process.stop(grace_seconds=0.1)
    assert process.popen.returncode == -signal.SIGKILL


@pytest.mark.parametrize("how", ["stop", "kill", "wait"])
async def test_what_a_process_has_started_ends_with_it(tmp_path: Path, how: str) -> None:
    log = tmp_path / "log"
    process = start_process("family", [PYTHON, "-c", FAMILY], log)
    while not log.read_text().endswith("\n"):
        await asyncio.sleep(0.01)
    if how == "wait":
        process.popen.send_signal(signal.SIGTERM)
    await getattr(process, how)()
    await all_end(process.pid, int(log.read_text()))


async def test_ctrl_c_in_the_terminal_does_not_reach_it(tmp_path: Path) -> None:
    async with running_process("it", ["sleep", "600"], tmp_path / "log", at_once) as process:
        assert os.getsid(process.pid) == process.pid != os.getsid(0)


async def test_its_environment_is_the_given_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "secret")
    log = tmp_path / "log"
    process = start_process("it", ["/usr/bin/env"], log, environment={"GIVEN": "yes"})
    await process.wait()
    assert "GIVEN=yes" in log.read_text()
    assert "SOME_TOKEN" not in log.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody else")
async def test_root_gives_all_its_rights_away_for_a_user(tmp_path: Path) -> None:
    log = tmp_path / "log"
    await start_process("it", ["/usr/bin/id", "-un"], log, user="nobody").wait()
    await start_process("it", ["/usr/bin/id", "-G"], log, user="nobody").wait()
    name, groups = log.read_text().splitlines()
    assert name == "nobody"
    assert len(groups.split()) == 1


OWNER = """\
import json, signal, sys, time
from pathlib import Path
from sandbox import processes
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where a shell runs the tests in its background
log, command = Path(sys.argv[1]), sys.argv[2:]
children = [processes.start_process(str(n), command, log.with_suffix(f".{n}")) for n in range(2)]
while not all(child.log_tail() for child in children):
    time.sleep(0.01)
print(json.dumps({
    "children": [child.pid for child in children],
    "grandchildren": [int(child.log_tail()) for child in children],
    "guard": processes._GUARD._script.pid,
}), flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("death", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
async def test_nothing_survives_its_owner(tmp_path: Path, death: signal.Signals) -> None:
    async with owner(OWNER, tmp_path / "log", PYTHON, "-c", FAMILY) as (process, pids):
        process.send_signal(death)
        process.wait()
        await all_end(*pids["children"], *pids["grandchildren"], pids["guard"])


async def test_a_stopped_process_is_no_longer_watched(tmp_path: Path) -> None:
    script = OWNER.replace("print(", "import asyncio\nasyncio.run(children[0].stop())\nprint(")
    async with owner(script, tmp_path / "log", PYTHON, "-c", FAMILY) as (process, pids):
        await all_end(pids["children"][0], pids["grandchildren"][0])
        process.kill()
        process.wait()
        await all_end(pids["children"][1], pids["guard"])


async def test_an_owner_killed_between_start_and_guard_leaves_nothing(tmp_path: Path) -> None:
    script = """\
import json, os, signal, sys
from pathlib import Path
from sandbox import processes
def killed(pid, stop_signal):
    print(json.dumps(pid), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
processes._GUARD.watch = killed
processes.start_process("it", ["/bin/sh", "-c", "touch $0; sleep 600", sys.argv[1]], Path(sys.argv[2]))
"""
    began = tmp_path / "began"
    async with owner(script, began, tmp_path / "log") as (process, pid):
        process.wait()
        await all_end(pid)
    assert not began.exists()


async def test_a_guard_that_was_ended_is_replaced(tmp_path: Path) -> None:
    script = OWNER.replace(
        "while not all",
        "import os, signal\nold = processes._GUARD._script\nold.kill(); old.wait()\n"
        "children.append(processes.start_process('2', command, log.with_suffix('.2')))\nwhile not all",
    )
    async with owner(script, tmp_path / "log", PYTHON, "-c", FAMILY) as (process, pids):
        process.kill()
        process.wait()
        assert len(pids["children"]) == 3
        await all_end(*pids["children"], *pids["grandchildren"], pids["guard"])


async def test_the_guard_forces_what_ignores_its_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_guard, "GRACE_SECONDS", 0.1)
    log = tmp_path / "log"
    process = start_process("deaf", ["/bin/sh", "-c", "trap '' TERM; echo deaf; sleep 600 & wait"], log)
    while "deaf" not in log.read_text():
        await asyncio.sleep(0.01)
    process_guard.end({process.pid: signal.SIGTERM})
    assert await process.wait() == -signal.SIGKILL
