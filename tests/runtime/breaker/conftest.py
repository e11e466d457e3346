"""A Temporal server that suggests continue-as-new after 200 events: entities cross the seam in every test."""

import pytest
from temporalio.client import Client

from devsync.runtime.plugin import DevSyncPlugin
from sandbox.postgres import PostgresServer
from sandbox.temporal_server import TemporalServer
from tests.runtime.breaker.stage import Stage, make_config_dir
from tests.servers import new_database


@pytest.fixture(scope="session")
async def stage(
    hasty_temporal: TemporalServer, postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Stage:
    client = await Client.connect(hasty_temporal.address, plugins=[DevSyncPlugin()])
    url = postgres.url(new_database(postgres))
    return Stage(hasty_temporal, client, url, make_config_dir(tmp_path_factory.mktemp("breakers")))
