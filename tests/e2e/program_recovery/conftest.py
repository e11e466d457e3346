"""The product, and a program whose recovery workflow it follows."""

import uuid
from collections.abc import AsyncIterator, Iterator

import pytest

from devsync.api.connection import Connection
from devsync.api.core import core_of
from sandbox.worlds.demo import demo_world
from tests.e2e.stage import Stage, stage_for
from tests.servers import Servers


@pytest.fixture(scope="module")
async def stage(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """The product, with one worker for all tests of a file."""
    async with (
        stage_for(demo_world("2026-W47"), servers, tmp_path_factory.mktemp("product")) as ready,
        ready.worker(),
    ):
        yield ready


@pytest.fixture
def connection(stage: Stage) -> Iterator[Connection]:
    """Of a program of its own for each test."""
    wanted = Connection(
        program=f"billing-{uuid.uuid4().hex[:8]}",
        temporal_address=stage.servers.temporal.address,
        database_url=stage.environment["DATABASE_URL"],
    )
    yield wanted
    core_of(wanted).close()
