"""A PostgreSQL server for the session, and a migrated database of its own for each test that asks for one."""

import itertools
from collections.abc import AsyncIterator

import pytest

from devsync.storage import migrate
from sandbox.postgres import PostgresServer, embedded_postgres
from tests.storage.server import new_database

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PostgresServer]:
    async with embedded_postgres(tmp_path_factory.mktemp("postgres"), database="migrated", durable=False) as server:
        migrate.upgrade(server.url("migrated"))
        yield server


@pytest.fixture
def url(server: PostgresServer) -> str:
    return new_database(server, f"faults_{next(_numbers)}", "migrated")
