"""A database of its own for each test that collects."""

import pytest

from sandbox.postgres import PostgresServer
from tests.servers import new_database


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.url(new_database(postgres))
