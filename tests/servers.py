"""Real servers for tests, and a database of its own for whoever asks."""

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from devsync.contracts.names import SEARCH_ATTRIBUTES
from devsync.storage import migrate
from sandbox.postgres import PostgresServer, embedded_postgres
from sandbox.temporal_server import SearchAttributeType, TemporalServer, dev_server

MIGRATED = "migrated"
"""The database that others are copied from: faster than migrating each."""
EMPTY = "template1"
SHORT_HISTORY = {"limit.historyCount.suggestContinueAsNew": 200}
"""Events, instead of 4096: continue-as-new within seconds."""

MEMORY: Final = Path("/dev/shm")
ENOUGH_BYTES: Final = 8 << 30
"""Three test processes side by side take half of it."""

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Servers:
    postgres: PostgresServer
    temporal: TemporalServer


@asynccontextmanager
async def running_postgres() -> AsyncIterator[PostgresServer]:
    with folder_for_all() as folder:
        async with embedded_postgres(folder, database=MIGRATED, durable=False) as server:
            migrate.upgrade(server.url(MIGRATED))
            try:
                yield server
            finally:
                await server.abandon()  # nobody reads its files any more


@asynccontextmanager
async def running_temporal(dynamic_config: Mapping[str, Any] | None = None) -> AsyncIterator[TemporalServer]:
    attributes: dict[str, SearchAttributeType] = {key.name: "Keyword" for key in SEARCH_ATTRIBUTES}
    with folder_for_all() as folder:
        async with dev_server(
            folder / "temporal.db", search_attributes=attributes, dynamic_config=dynamic_config
        ) as server:
            try:
                yield server
            finally:
                await server.kill()  # nobody reads its file any more, and its clean end takes up to ten seconds


@asynccontextmanager
async def running_servers() -> AsyncIterator[Servers]:
    async with running_postgres() as postgres, running_temporal() as temporal:
        yield Servers(postgres, temporal)


def new_database(server: PostgresServer, template: str = MIGRATED) -> str:
    """The name of a new one."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )
    return name


@contextmanager
def own_database(server: PostgresServer, template: str = MIGRATED) -> Iterator[str]:
    """The url of a new one, which is gone afterwards."""
    name = new_database(server, template)
    try:
        yield server.url(name)
    finally:
        drop_database(server, name)


def drop_database(server: PostgresServer, name: str) -> None:
    """Whoever uses it still. Of a server that is down nothing is dropped: its folder goes, too."""
    with suppress(psycopg.OperationalError), psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def folder_for_all() -> Iterator[Path]:
    """An empty folder that every user may enter, as pytest's own are not: PostgreSQL does not run as root.

    In memory where there is room: a database is 500 files, which a busy disk takes ten times as long to make.
    """
    folder = Path(tempfile.mkdtemp(prefix="devsync-test-", dir=MEMORY if _has_room() else None))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        # On a disk hundreds of databases are a quarter of a million files, for which Python takes seconds.
        subprocess.run(["rm", "-rf", folder], check=False)


def _has_room() -> bool:
    """A container often has a mere 64 MB there."""
    return os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ENOUGH_BYTES
