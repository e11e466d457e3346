"""Real PostgreSQL, the real Temporal server, the sandbox on the wire, and workers as processes of their own."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devsync.contracts.names import SEARCH_ATTRIBUTES
from sandbox.postgres import embedded_postgres
from sandbox.temporal_server import dev_server
from sandbox.worlds.demo import demo_world
from tests.e2e.stage import Servers, Stage, stage_for


@pytest.fixture(scope="session")
async def servers() -> AsyncIterator[Servers]:
    with tempfile.TemporaryDirectory(prefix="devsync-e2e-") as folder:
        directory = Path(folder)
        directory.chmod(0o755)  # as root, PostgreSQL runs as another user
        async with (
            embedded_postgres(directory / "postgres", durable=False) as postgres,
            dev_server(
                directory / "temporal.db", search_attributes={key.name: "Keyword" for key in SEARCH_ATTRIBUTES}
            ) as temporal,
        ):
            yield Servers(postgres, temporal)


@pytest.fixture
async def stage(servers: Servers, tmp_path: Path) -> AsyncIterator[Stage]:
    """The demo's team and week."""
    async with stage_for(demo_world("2026-W47"), servers, tmp_path) as ready:
        yield ready
        await ready.forget_schedule()
