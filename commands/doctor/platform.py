"""What `doctor` asks the ground that everything stands on: the database, the Temporal server, its workers."""

from collections.abc import AsyncIterator

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from commands.doctor.findings import Finding
from devsync.contracts import names
from devsync.runtime.connection import TemporalUnreachable, connect, missing_search_attributes
from devsync.settings.environment import Environment
from devsync.settings.problems import ConfigError
from devsync.storage.connection import StorageError, WrongDatabaseUrl
from devsync.storage.database import Database


async def check_database(environment: Environment) -> AsyncIterator[Finding]:
    try:
        database = Database(environment.database().get_secret_value(), pool_size=1)
    except (ConfigError, WrongDatabaseUrl) as error:
        yield Finding("database", False, "not configured", str(error))
        return
    try:
        state = await database.check()
        newer = ", migrated by a newer build" if state.is_newer else ""
        yield Finding(
            "database", True, f"{database.place}, version {state.server_version}, revision {state.revision}{newer}"
        )
    except StorageError as error:
        yield Finding("database", False, "cannot be used", str(error))
    finally:
        await database.dispose()


async def check_temporal() -> AsyncIterator[Finding]:
    try:
        client = await connect()
    except TemporalUnreachable as error:
        yield Finding("temporal server", False, "unreachable", str(error))
        return
    yield Finding("temporal server", True, f"namespace {client.namespace}")
    missing = await missing_search_attributes(client)
    cure = "run `python starter.py apply`" if missing else ""
    yield Finding("search attributes", not missing, f"missing: {', '.join(missing)}" if missing else "all there", cure)
    async for finding in _check_workers(client):
        yield finding


async def _check_workers(client: Client) -> AsyncIterator[Finding]:
    answer = await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(
            namespace=client.namespace,
            task_queue=TaskQueue(name=names.EDITIONS_QUEUE),
            task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
        )
    )
    count = len(answer.pollers)
    cure = "" if count else "start one: python worker.py"
    yield Finding("workers", bool(count), f"{count} serve the queue {names.EDITIONS_QUEUE}", cure)
