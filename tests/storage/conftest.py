"""One server for the session; each test gets a migrated database of its own, copied from a template."""

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devsync.storage import migrate
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.database import Database
from sandbox.postgres import PostgresServer, embedded_postgres
from tests.storage.server import new_database

_TEMPLATE = "migrated"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[PostgresServer]:
    data_dir = tmp_path_factory.mktemp("postgres")
    async with embedded_postgres(data_dir, database=_TEMPLATE, durable=False) as server:
        migrate.upgrade(server.url(_TEMPLATE))
        yield server


@pytest.fixture
def empty_url(server: PostgresServer) -> str:
    return new_database(server, f"test_{next(_numbers)}")


@pytest.fixture
def url(server: PostgresServer) -> str:
    return new_database(server, f"test_{next(_numbers)}", _TEMPLATE)


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    yield database
    await database.dispose()


@pytest.fixture
def store(database: Database) -> ArtifactStore:
    return ArtifactStore(database)


@pytest.fixture
async def breakable(tmp_path: Path) -> AsyncIterator[tuple[PostgresServer, Database]]:
    """A server that only this test uses, so that it may stop and freeze it."""
    # Durable: a server that gives up synchronous commits loses the last ones when it is killed.
    async with embedded_postgres(tmp_path) as server:
        migrate.upgrade(server.url())
        database = Database(server.url())
        yield server, database
        await database.dispose()
