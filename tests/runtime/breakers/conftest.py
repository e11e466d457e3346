"""A Temporal server that suggests continue-as-new after 200 events: entities cross the seam in every test."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.client import Client

from devsync.runtime.plugin import DevSyncPlugin
from devsync.storage import migrate
from sandbox.postgres import embedded_postgres
from sandbox.temporal_server import dev_server
from tests.e2e.stage import search_attributes
from tests.runtime.breakers.stage import Stage, make_config_dir

SUGGESTED_AFTER = {"limit.historyCount.suggestContinueAsNew": 200}


@pytest.fixture(scope="session")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    directory: Path = tmp_path_factory.mktemp("breakers")
    directory.chmod(0o755)  # as root, PostgreSQL runs as another user
    async with (
        embedded_postgres(directory / "postgres", database="breakers", durable=False) as postgres,
        dev_server(
            directory / "temporal.db", search_attributes=search_attributes(), dynamic_config=SUGGESTED_AFTER
        ) as temporal,
    ):
        url = postgres.url("breakers")
        await asyncio.to_thread(migrate.upgrade, url)
        client = await Client.connect(temporal.address, plugins=[DevSyncPlugin()])
        yield Stage(temporal, client, url, make_config_dir(directory))
