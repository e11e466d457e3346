"""A real PostgreSQL of our own on one machine: its data in a folder, its programs from a package."""

from __future__ import annotations

import asyncio
import os
import pwd
import secrets
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import psutil
import psycopg
from psycopg import sql

from sandbox.postgres_binaries import can_enter, open_folder, readable_binaries, unprivileged_user
from sandbox.processes import ChildProcess, ProcessFailed, as_user, free_port, has_ended, start_process
from sandbox.sole_use import InUse, SoleUse, sole_use

_SUPERUSER: Final = "postgres"
_FIRST_WITH_BUILTIN_LOCALE: Final = 17

# What a crash of the machine would lose; a crash of PostgreSQL alone loses nothing even so.
_NOT_DURABLE: Final = {"fsync": "off", "full_page_writes": "off"}


class PostgresServer:
    """A server on 127.0.0.1, for one owner; `embedded_postgres` makes and ends it. It can be restarted meanwhile."""

    def __init__(self, data_dir: Path, port: int, durable: bool, lock: SoleUse) -> None:
        self.port = port
        self.log_file = data_dir / "postgres.log"
        self._user = unprivileged_user()
        self._binaries = readable_binaries(self._user)
        self._home = data_dir if can_enter(data_dir, self._user) else open_folder(data_dir)
        self._durable = durable
        self._lock = lock
        self._process: ChildProcess | None = None

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own data directory."""
        return self._home / "cluster"

    @property
    def pid(self) -> int:
        return self._running().pid

    def url(self, database: str = "devsync") -> str:
        """With the superuser's password, which lies beside the cluster and which nobody else may read."""
        password = (self._home / "password").read_text()
        return f"postgresql://{_SUPERUSER}:{password}@127.0.0.1:{self.port}/{database}"

    async def start(self) -> None:
        """Until it answers queries; the first time this makes the cluster. Raises InUse, ProcessFailed."""
        await self._lock.previous_server_ended()
        if not self.cluster.exists():
            await asyncio.to_thread(self._make_cluster)
        self._forget_stale_pid()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            **({} if self._durable else _NOT_DURABLE),
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        self._process = start_process(
            "PostgreSQL",
            [self._binaries / "postgres", "-D", self.cluster, *options],
            self.log_file,
            environment=self._environment(),
            user=self._user,
            stop_signal=signal.SIGINT,  # "fast": SIGTERM would wait for clients to leave
        )
        self._lock.remember(self._process)
        try:
            await self._process.wait_until(self._is_ready)
        except BaseException:
            await self._process.stop()
            raise

    async def stop(self) -> None:
        await self._running().stop()

    async def abandon(self) -> None:
        """Writes nothing more (an "immediate" shutdown), and gives its shared memory back, which `kill` leaves to the
        next server on the same data: there are 4,096 such segments on a machine.
        """
        process = self._running()
        if process.is_running:
            process.popen.send_signal(signal.SIGQUIT)
        await process.stop()

    async def kill(self) -> None:
        """As if all its processes had died at once; nothing is written any more."""
        process = self._running()
        workers = psutil.Process(process.pid).children()  # each is in a session of its own
        await process.kill()
        for worker in workers:
            with suppress(psutil.NoSuchProcess):  # they end by themselves when the first one is gone
                worker.kill()
        while not all(map(has_ended, workers)):
            await asyncio.sleep(0.01)

    async def create_database(self, name: str) -> None:
        """Unless it exists."""
        async with await psycopg.AsyncConnection.connect(self.url("postgres"), autocommit=True) as connection:
            found = await connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if await found.fetchone() is None:
                await connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))

    def _running(self) -> ChildProcess:
        if self._process is None:
            raise ProcessFailed("PostgreSQL has not been started")
        return self._process

    async def _is_ready(self) -> bool:
        """As pg_ctl asks: the last line of the pid file. A connection that comes too early fills the log."""
        try:
            lines = (self.cluster / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return lines[:1] == [str(self.pid)] and lines[7:] == ["ready   "]

    def _make_cluster(self) -> None:
        """Made beside its place and moved there, so that there is never half a cluster."""
        unfinished = self._home / "cluster.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True, mode=0o700)
        password = self._home / "password"
        password.unlink(missing_ok=True)
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24))
        if self._user:
            owner = pwd.getpwnam(self._user)
            for path in (unfinished, password):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        made = subprocess.run(
            [
                self._binaries / "initdb",
                *("--pgdata", unfinished, "--username", _SUPERUSER, "--pwfile", password),
                *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", *self._builtin_locale()),
                *(() if self._durable else ("--no-sync",)),
            ],
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
            **as_user(self._user),
        )
        if made.returncode != 0:
            raise ProcessFailed(f"initdb ended with code {made.returncode}:\n{made.stdout}{made.stderr}")
        unfinished.rename(self.cluster)

    def _builtin_locale(self) -> list[str]:
        """Upper and lower case of all of Unicode, the same on every machine; C alone knows ASCII only."""
        told = subprocess.run([self._binaries / "postgres", "--version"], capture_output=True, text=True, check=True)
        major = int(told.stdout.split()[2].split(".")[0])
        has_it = major >= _FIRST_WITH_BUILTIN_LOCALE
        return ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if has_it else []

    def _environment(self) -> dict[str, str]:
        # Ours may hold tokens and PG* variables, neither of which are PostgreSQL's business.
        return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.cluster), "LC_ALL": "C", "TZ": "UTC"}

    def _forget_stale_pid(self) -> None:
        """PostgreSQL refuses to start while any process has the pid that a killed one left in its file."""
        pid_file = self.cluster / "postmaster.pid"
        if not pid_file.exists():
            return
        pid = int(pid_file.read_text().split()[0])
        try:
            serves_here = Path(psutil.Process(pid).cwd()) == self.cluster.resolve()
        except (psutil.NoSuchProcess, psutil.AccessDenied):  # the latter: another user's, so it is not PostgreSQL
            serves_here = False
        if serves_here:
            raise InUse(f"a PostgreSQL (pid {pid}) already serves {self.cluster}; stop it: kill -INT {pid}")
        pid_file.unlink()


@asynccontextmanager
async def embedded_postgres(
    data_dir: Path, *, port: int | None = None, database: str = "devsync", durable: bool = True
) -> AsyncIterator[PostgresServer]:
    """A running server with its data below `data_dir` and an existing `database`; it ends with the block, or with us.

    `port` None takes a free one; `durable` False trades a safe machine crash for speed, for tests.
    Raises PostgresNotFound, InUse, ProcessFailed.
    """
    data_dir = data_dir.resolve()
    with sole_use(data_dir / "lock") as lock:
        server = PostgresServer(data_dir, port or free_port(), durable, lock)
        await server.start()
        try:
            await server.create_database(database)
            yield server
        finally:
            await server.stop()
