"""Real PostgreSQL, the real Temporal server, the sandbox on the wire, and workers as processes of their own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.worlds.demo import demo_world
from tests.e2e.stage import Stage, forget, stage_for
from tests.servers import Servers


@pytest.fixture
async def stage(servers: Servers, tmp_path: Path) -> AsyncIterator[Stage]:
    """The demo's team and week."""
    async with stage_for(demo_world("2026-W47"), servers, tmp_path) as ready:
        yield ready
        await forget(ready.client, ready.team)
