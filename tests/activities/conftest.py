"""A database of its own for each test that collects."""

from collections.abc import Iterator

import pytest

from sandbox.postgres import PostgresServer
from tests.servers import own_database


@pytest.fixture
def url(postgres: PostgresServer) -> Iterator[str]:
    with own_database(postgres) as url:
        yield url
