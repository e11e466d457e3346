"""A migrated database for each test that asks for one."""

import pytest

from sandbox.postgres import PostgresServer
from tests.servers import new_database


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.url(new_database(postgres))
