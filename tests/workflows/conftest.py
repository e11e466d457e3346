"""The time-skipping test server, where hours of waiting pass in milliseconds; the real one with short histories."""

import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.testing import WorkflowEnvironment

from devsync.contracts.names import SEARCH_ATTRIBUTES
from devsync.runtime.plugin import DevSyncPlugin
from devsync.storage import migrate
from sandbox.postgres import embedded_postgres
from sandbox.temporal_server import dev_server
from tests.e2e.stage import Servers, search_attributes
from tests.workflows.breaker_stage import BreakerStage, breaker_stage

SHORT_HISTORY = {"limit.historyCount.suggestContinueAsNew": 200}
"""Events, instead of 4096: continue-as-new within seconds."""


@pytest.fixture(scope="session")
async def skipping_time() -> AsyncIterator[WorkflowEnvironment]:
    """One server for all tests here: its clock is shared, so tests use ids and task queues of their own."""
    beside_python = str(Path(sys.executable).parent)
    server = shutil.which("temporal-test-server", path=beside_python) or shutil.which("temporal-test-server")
    environment = await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=server, plugins=[DevSyncPlugin()]
    )
    async with environment:
        # This server cannot list them, so `register_search_attributes` does not work here.
        await environment.client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(
                namespace=environment.client.namespace,
                search_attributes={key.name: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD for key in SEARCH_ATTRIBUTES},
            )
        )
        yield environment


@pytest.fixture(scope="session")
async def short_histories(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Servers]:
    """The real server, which suggests continue-as-new early, and a migrated database."""
    directory = tmp_path_factory.mktemp("breakers")
    directory.chmod(0o755)  # as root, PostgreSQL runs as another user
    async with (
        embedded_postgres(directory / "postgres", durable=False) as postgres,
        dev_server(
            directory / "temporal.db", search_attributes=search_attributes(), dynamic_config=SHORT_HISTORY
        ) as temporal,
    ):
        migrate.upgrade(postgres.url())
        yield Servers(postgres, temporal)


@pytest.fixture
async def breaker(short_histories: Servers, tmp_path: Path) -> AsyncIterator[BreakerStage]:
    async with breaker_stage(short_histories.temporal, short_histories.postgres.url(), tmp_path) as stage:
        yield stage
