"""The core: one thread's loop for everybody, and a clear word where a server is away or the process was forked."""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from devsync.api.connection import Connection
from devsync.api.core import Core, core_of
from devsync.api.unavailable import Closed, NotInTime
from devsync.runtime.connection import TemporalUnreachable
from devsync.settings.problems import ConfigError
from sandbox.temporal_server import TemporalServer
from tests.configuration import SHIPPED, shipped_settings
from tests.servers import Servers, new_database


@pytest.fixture
def core() -> Iterator[Core]:
    core = core_of(Connection(program="tests", temporal_address="127.0.0.1:1"))
    yield core
    core.close()


async def thread_name() -> str:
    return threading.current_thread().name


async def test_work_is_done_on_one_thread_whoever_asks(core: Core) -> None:
    from_here = await core.run(thread_name())
    blocking = await asyncio.to_thread(lambda: core.wait(thread_name()))
    from_another_loop = await asyncio.to_thread(lambda: asyncio.run(core.run(thread_name())))
    assert {from_here, blocking, from_another_loop} == {"devsync-tests"}


async def test_two_loops_and_four_threads_at_once_get_their_own_answers(core: Core) -> None:
    async def doubled(number: int) -> int:
        await asyncio.sleep(0.001)
        return 2 * number

    def ask(first: int) -> list[int]:
        return [core.wait(doubled(number), 5) for number in range(first, first + 50)]

    found = await asyncio.gather(*(asyncio.to_thread(ask, 100 * number) for number in range(4)), core.run(doubled(7)))
    assert found == [*([2 * n for n in range(100 * k, 100 * k + 50)] for k in range(4)), 14]


async def test_who_stops_waiting_cancels_the_work(core: Core) -> None:
    has_begun, cancelled = threading.Event(), threading.Event()

    async def long() -> None:
        has_begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    waiting = asyncio.create_task(core.run(long()))
    assert await asyncio.to_thread(has_begun.wait, 30)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await asyncio.to_thread(cancelled.wait, 30)


def test_a_blocking_call_ends_in_time(core: Core) -> None:
    began = time.monotonic()
    with pytest.raises(NotInTime):
        core.wait(asyncio.sleep(60), 0.2)
    assert time.monotonic() - began < 2


async def test_a_blocking_call_on_the_own_loop_is_refused_and_waits_for_nothing(core: Core) -> None:
    async def blocks() -> None:
        core.wait(asyncio.sleep(0))

    with pytest.raises(RuntimeError, match="await the async one"):
        await core.run(blocks())


async def test_after_closing_it_says_so_and_another_one_can_be_made(core: Core) -> None:
    await core.run(thread_name())
    core.close()
    with pytest.raises(Closed, match="make a new handler"):
        await core.run(thread_name())
    again = core_of(Connection(program="tests", temporal_address="127.0.0.1:1"))
    assert await again.run(thread_name()) == "devsync-tests"
    again.close()


async def test_a_server_that_is_away_is_named_with_the_cure(core: Core) -> None:
    with pytest.raises(TemporalUnreachable, match=r"127\.0\.0\.1:1 .*connection refused.*starter\.py up"):
        await core.run(core.client())


async def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devsync.api.core.CONNECTS_WITHIN", 0.5)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        core = core_of(Connection(program="tests", temporal_address=f"127.0.0.1:{silent.getsockname()[1]}"))
        with pytest.raises(TemporalUnreachable):
            await core.run(core.client())
        monkeypatch.setattr("devsync.api.core.CONNECTS_WITHIN", 60)
        for _ in range(2):  # these are not waited for
            with pytest.raises(TemporalUnreachable):
                await asyncio.wait_for(core.run(core.client()), 2)
        core.close()


async def test_the_client_is_one_for_all(temporal: TemporalServer) -> None:
    core = core_of(Connection(program="tests", temporal_address=temporal.address))
    first, second = await asyncio.gather(core.run(core.client()), core.run(core.client()))
    assert first is second
    core.close()


async def test_without_a_database_it_says_which_variable_is_missing(core: Core) -> None:
    async def database() -> object:
        return core.database

    with pytest.raises(ConfigError, match="DATABASE_URL"):
        await core.run(database())


async def test_no_folder_means_no_configuration_and_a_named_one_must_be_right(
    core: Core, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert await core.run(core.configuration()) is None
    named = core_of(Connection(program="tests", config_dir=tmp_path / "nothing"))
    with pytest.raises(ConfigError, match="is not a directory"):
        await named.run(named.configuration())
    named.close()


async def test_a_mistake_in_one_teams_file_is_none_of_a_programs_business(tmp_path: Path) -> None:
    config = shipped_settings(tmp_path / "config")
    shutil.copy(SHIPPED / "teams" / "payments.yaml", config / "teams")
    (config / "teams" / "ledger.yaml").write_text("team: ledger\n")
    own = core_of(Connection(program="tests", config_dir=config))
    read = await own.run(own.configuration())
    assert read is not None
    assert list(read.teams) == ["payments"]
    own.close()


FORKING = """
import multiprocessing, threading
from devsync.api.connection import Connection
from devsync.api.core import core_of
from devsync.api.unavailable import AfterFork

core = core_of(Connection(program="preloaded", temporal_address="127.0.0.1:1"))

async def thread_name():
    return threading.current_thread().name

def ask():
    try:
        print(core.wait(thread_name()), flush=True)
    except AfterFork as error:
        print(error, flush=True)

def fork():
    child = multiprocessing.get_context("fork").Process(target=ask)
    child.start()
    child.join()
    print(child.exitcode, flush=True)
"""
"""A program of its own, since a fork has of its parent's threads only the locks that they held just then."""


async def what_it_prints(program: str) -> list[str]:
    ended = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", FORKING + program], capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.splitlines()


async def test_a_forked_process_is_told_why_it_cannot() -> None:
    first, told, exitcode = await what_it_prints("ask()\nfork()")
    assert first == "devsync-preloaded"
    assert "after the fork" in told
    assert exitcode == "0"


async def test_what_was_only_made_before_the_fork_works_after_it() -> None:
    """As a module does that is loaded before a server forks its workers."""
    printed = await what_it_prints("fork()\nask()")
    assert printed == ["devsync-preloaded", "0", "devsync-preloaded"], "and in the process that has forked"


PROGRAM = """
import asyncio
from devsync.api.core import core_of
from devsync.contracts.errors import ErrorRecord
from datetime import UTC, datetime
core = core_of()
record = ErrorRecord(run_id=core.instance, activity_id="1", attempt=1, workflow_id="program:x", team="", service="x",
    operation="y", category="system", severity="low", code="", fingerprint="f", message="m",
    occurred_at=datetime.now(UTC))
async def main():
    await core.run(core.client())
    core.start(keep())
async def keep():
    core.errors.keep(record)
asyncio.run(main())
"""


async def test_a_program_that_ends_writes_what_it_has_and_exits_cleanly(servers: Servers) -> None:
    url = servers.postgres.url(new_database(servers.postgres))
    variables = os.environ | {
        "DATABASE_URL": url,
        "TEMPORAL_ADDRESS": servers.temporal.address,
        "DEVSYNC_PROGRAM": "ends-at-once",
    }
    ended = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", PROGRAM], env=variables, capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    core = core_of(Connection(program="reader", database_url=url))

    async def rows() -> int:
        return len(await core.database.execute(text("SELECT 1 FROM errors")))

    assert await core.run(rows()) == 1
    core.close()


SLOW_TO_LEAVE = """
import asyncio, threading, time
from asyncio.selector_events import BaseSelectorEventLoop
from devsync.api.core import core_of
from devsync.api.serving import worker_of

wake = BaseSelectorEventLoop._write_to_self

def wake_and_stay(loop):
    wake(loop)
    if threading.get_ident() not in {thread.ident for thread in threading.enumerate()}:
        time.sleep(0.3)

BaseSelectorEventLoop._write_to_self = wake_and_stay
asyncio.run(core_of().run(worker_of(core_of()).serve()))
"""
"""What a busy machine does now and then: a thread of the SDK has woken the loop, and is still in Python."""


async def test_a_program_that_had_a_worker_exits_cleanly(temporal: TemporalServer) -> None:
    variables = os.environ | {"TEMPORAL_ADDRESS": temporal.address, "DEVSYNC_PROGRAM": "slow-to-leave"}
    variables.pop("DATABASE_URL", None)
    ended = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", SLOW_TO_LEAVE], env=variables, capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, "Fatal" in ended.stderr) == (0, False), ended.stderr
