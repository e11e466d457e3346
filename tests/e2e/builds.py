"""Builds of the application side by side on one server, and the commands with which an operator deploys them."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from temporalio.api.enums.v1 import EventType, TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import WorkflowHandle

from commands.stack import ROOT
from sandbox.processes import ChildProcess
from sandbox.temporal_cli import temporal_cli
from tests.e2e.stage import PATIENCE_SECONDS, Stage, clean_worker, eventually
from workflows.registry import SERVED

DRAINAGE = {
    "matching.wv.VersionDrainageStatusVisibilityGracePeriod": "2s",
    "matching.wv.VersionDrainageStatusRefreshInterval": "2s",
}
"""The server looks every few minutes whether a version is drained; a test cannot wait so long."""


class Refused(Exception):
    """A `temporal` command failed; the message is what it said."""


@dataclass
class Builds:
    """The workers of one deployment on a stage's server."""

    stage: Stage
    deployment: str = field(default_factory=lambda: f"changelog-{uuid.uuid4().hex[:8]}")

    @asynccontextmanager
    async def worker(self, build_id: str, checkout: Path = ROOT) -> AsyncIterator[ChildProcess]:
        version = {"WORKER_DEPLOYMENT": self.deployment, "BUILD_ID": build_id}
        environment = self.stage.environment | version | {"TEMPLATES_DIR": str(checkout / "templates")}
        name = f"build-{build_id}-{uuid.uuid4().hex[:4]}"
        async with clean_worker(self.stage.directory, environment, name, checkout) as process:
            yield process

    async def set_current(self, build_id: str) -> None:
        """As soon as the server knows all queues of the build, and until all queues know of it."""

        async def is_accepted() -> bool:
            try:
                await self.temporal(
                    *("worker", "deployment", "set-current-version", "--yes"),
                    *("--deployment-name", self.deployment, "--build-id", build_id),
                )
            except Refused:
                return False
            return True

        async def is_in_force() -> bool:
            # By queue, since the deployment's own `routing_config_update_state` may stay "in progress" (Server 1.32).
            return {await self._current_of(queue) for queue in SERVED} == {build_id}

        await eventually(is_accepted)
        await eventually(is_in_force)

    async def _current_of(self, queue: str) -> str:
        answer = await self.stage.client.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace=self.stage.client.namespace,
                task_queue=TaskQueue(name=queue),
                task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
            )
        )
        return answer.versioning_info.current_deployment_version.build_id

    async def is_drained(self, build_id: str) -> bool:
        told = await self.temporal(
            *("worker", "deployment", "describe-version", "--output", "json"),
            *("--deployment-name", self.deployment, "--build-id", build_id),
        )
        return bool(json.loads(told)["drainageInfo"]["drainageStatus"] == "drained")

    async def temporal(self, *arguments: str) -> str:
        """What `temporal …` prints. Raises Refused."""
        process = await asyncio.create_subprocess_exec(
            await temporal_cli(), *arguments, "--address", self.stage.servers.temporal.address,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        output, errors = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
        if process.returncode:
            raise Refused(errors.decode() or output.decode())
        return output.decode()


async def builds_of(handle: WorkflowHandle[Any, Any]) -> list[str]:
    """The build of each workflow task of the run that was completed, in order."""
    history = await handle.fetch_history()
    return [
        event.workflow_task_completed_event_attributes.deployment_version.build_id
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED
    ]


async def processes_of_activities(handle: WorkflowHandle[Any, Any]) -> set[int]:
    """The workers that took the run's activities, by process id."""
    history = await handle.fetch_history()
    return {
        int(event.activity_task_started_event_attributes.identity.split("@")[0])
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED
    }
