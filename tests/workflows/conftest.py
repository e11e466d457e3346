"""The time-skipping test server, where hours of waiting pass in milliseconds; the real one with short histories."""

import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.testing import WorkflowEnvironment

from devsync.contracts.names import SEARCH_ATTRIBUTES
from devsync.runtime.plugin import DevSyncPlugin
from sandbox.postgres import PostgresServer
from sandbox.temporal_server import TemporalServer
from tests.servers import own_database
from tests.workflows.breaker_stage import BreakerStage, breaker_stage


@pytest.fixture
async def own_time() -> AsyncIterator[WorkflowEnvironment]:
    """A server of the test's own, where runs and activities have their real task queues.

    One that is shared stays as a test leaves it: its clock has leapt over days, and where an activity ended in the
    moment of a cancellation it holds its clock for ever: whoever came next waited for days.
    """
    async with server_that_skips_time() as environment:
        yield environment


skipping_time = own_time


@asynccontextmanager
async def server_that_skips_time() -> AsyncIterator[WorkflowEnvironment]:
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


@pytest.fixture
async def breaker(
    hasty_temporal: TemporalServer, postgres: PostgresServer, tmp_path: Path
) -> AsyncIterator[BreakerStage]:
    with own_database(postgres) as url:
        async with breaker_stage(hasty_temporal, url, tmp_path) as stage:
            yield stage
