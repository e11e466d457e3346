"""Databases of their own for tests, migrated, empty, or on a server that may be broken."""

from collections.abc import AsyncIterator, Iterator

import pytest

from devsync.storage import migrate
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.database import Database
from sandbox.postgres import PostgresServer, embedded_postgres
from tests.servers import EMPTY, folder_for_all, own_database


@pytest.fixture
def empty_url(postgres: PostgresServer) -> Iterator[str]:
    with own_database(postgres, EMPTY) as url:
        yield url


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    with own_database(postgres) as url:
        yield url


LONG_SECONDS = 60


@pytest.fixture
async def database(url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    """It answers, sooner or later: a machine that has much else to do gets the time. How long one is waited for that
    does not is seen with the `breakable` one."""
    for bound in ("_FREE_CONNECTION_SECONDS", "CONNECT_SECONDS", "STATEMENT_SECONDS"):
        monkeypatch.setattr(f"devsync.storage.database.{bound}", LONG_SECONDS)
    monkeypatch.setattr(Database._in_bounded_time, "__defaults__", (float(LONG_SECONDS),))
    database = Database(url)
    yield database
    await database.dispose()


@pytest.fixture
def store(database: Database) -> ArtifactStore:
    return ArtifactStore(database)


@pytest.fixture
async def breakable() -> AsyncIterator[tuple[PostgresServer, Database]]:
    """A server that only this test uses, so that it may stop and freeze it."""
    # Durable: a server that gives up synchronous commits loses the last ones when it is killed.
    with folder_for_all() as folder:
        async with embedded_postgres(folder) as server:
            migrate.upgrade(server.url())
            database = Database(server.url())
            yield server, database
            await database.dispose()
