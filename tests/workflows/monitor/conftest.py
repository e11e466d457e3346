"""The monitor on a server whose time leaps."""

from collections.abc import AsyncIterator

import pytest
from temporalio.testing import WorkflowEnvironment

from tests.workflows.monitor_stage import Stage, monitor_stage


@pytest.fixture
async def stage(own_time: WorkflowEnvironment) -> AsyncIterator[Stage]:
    async with monitor_stage(own_time.client, environment=own_time) as stage:
        yield stage
