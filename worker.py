"""Composition root of the worker process: settings -> clients -> workers -> graceful shutdown. Nothing else."""

if __name__ == "__main__":
    import devsync.runtime.quiet_imports  # noqa: F401 (first, for its effect)

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack

from temporalio.client import Client, Plugin
from temporalio.worker import Worker

from activities.collection import Shelf
from activities.serving import Activities, Process, activities_by_service
from devsync.contracts import names
from devsync.contracts.errors import ErrorRecord
from devsync.contracts.operations import OperationRecord
from devsync.runtime.activity_errors import ToldAlready
from devsync.runtime.breaker.gates import Gates
from devsync.runtime.breaker.pause import PauseForLongHints
from devsync.runtime.connection import (
    NamespaceUnusable,
    SearchAttributesMissing,
    TemporalUnreachable,
    connect,
    require_search_attributes,
)
from devsync.runtime.leaving import let_threads_of_the_sdk_leave
from devsync.runtime.memory import keep_house
from devsync.runtime.metrics.attempts import AttemptMetrics
from devsync.runtime.metrics.process import ProcessMetrics
from devsync.runtime.metrics.standing import StandingMetrics
from devsync.runtime.own_steps import load_own_steps
from devsync.runtime.plugin import DevSyncPlugin
from devsync.runtime.pollers import until_polled
from devsync.runtime.telemetry import PROCESS_EVERY, STANDING_EVERY, export_metrics, meter, told_every, wants_traces
from devsync.runtime.versioning import deployment_config
from devsync.runtime.worker_process import GRACE, READY_LINE
from devsync.settings.configuration import Configuration, load_what_is_right
from devsync.settings.environment import Environment, WorkerVersion, read_environment
from devsync.settings.live import LiveConfiguration
from devsync.settings.problems import ConfigError
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.collected import CollectedUnits
from devsync.storage.connection import DatabaseUnavailable, NotMigrated, WrongDatabaseUrl
from devsync.storage.database import Database
from devsync.storage.errors import Errors
from devsync.storage.operations import Operations
from devsync.storage.pages import CollectionPages
from devsync.storage.prose import keep_out
from devsync.storage.spool import Spool
from devsync.storage.threads import LoopBridge
from workflows.registry import SERVED
from workflows.shared.counting import count_from_zero

CANNOT_START = (
    ConfigError,
    TemporalUnreachable,
    NamespaceUnusable,
    SearchAttributesMissing,
    DatabaseUnavailable,
    NotMigrated,
    WrongDatabaseUrl,
)
"""What a person can mend: told in one message, without a traceback."""


class Account:
    """What this process tells of its own accord: to the records, and to who fetches its metrics."""

    def __init__(self, configuration: Configuration) -> None:
        self.errors = Spool[ErrorRecord]("errors")
        # A large edition makes some hundreds of them, and many editions begin at the same time.
        self.operations = Spool[OperationRecord]("operations", limit=20_000, batch=500, patience=4)
        self._metrics = AttemptMetrics(meter(), filter(configuration.uses, names.SERVICES))

    def keep_error(self, record: ErrorRecord) -> None:
        self._metrics.failed(record)
        self.errors.keep(record)

    def keep_operation(self, record: OperationRecord) -> None:
        self._metrics.ended(record)
        self.operations.keep(record)


async def run() -> None:
    environment = read_environment()
    configuration = load_what_is_right(environment.config_dir)
    for problem in configuration.left_out.values():
        logging.getLogger("devsync.worker").error("a team is left out until its file is right: %s", problem)
    if environment.metrics_address:
        export_metrics(environment.metrics_address)
    account = Account(configuration)
    keep_out(environment.secrets())
    plugin = DevSyncPlugin(
        keep_error=account.keep_error,
        keep_operation=account.keep_operation,
        secrets=environment.secrets(),
        keys=environment.sealing_keys(),
    )
    async with AsyncExitStack() as stack:
        client = await connect(plugin, *(await _tracing(stack)))
        await require_search_attributes(client)
        process = await open_process(client, environment, configuration, account, stack)
        if environment.metrics_address:
            await _tell_metrics(process, account)
        workers = build_workers(process)
        if version := environment.worker_version():
            _tell_the_build(version)
        await serve_until_stopped(client, workers)


async def _tracing(stack: AsyncExitStack) -> list[Plugin]:
    if not wants_traces(os.environ):
        return []
    from devsync.runtime.tracing import tracing  # late: without traces nobody pays for OpenTelemetry

    return [await stack.enter_async_context(tracing())]


async def open_process(
    client: Client,
    environment: Environment,
    configuration: Configuration,
    account: Account,
    stack: AsyncExitStack,
) -> Process:
    """The database and the gates, ready for use. What must be closed afterwards goes on the stack."""
    database = Database(environment.database().get_secret_value())
    stack.push_async_callback(database.dispose)
    await database.check()
    await stack.enter_async_context(account.errors.written_by(Errors(database).write))
    await stack.enter_async_context(account.operations.written_by(Operations(database).write))
    store = ArtifactStore(database)
    services = configuration.services
    rules = {service: services.breaker(service) for service in services.guarded}
    return Process(
        environment=environment,
        configuration=configuration,
        temporal=client,
        database=database,
        store=store,
        shelf=Shelf(CollectionPages(database), store, LoopBridge(asyncio.get_running_loop())),
        units=CollectedUnits(database),
        gates=await stack.enter_async_context(Gates(client, rules, meter())),
        stack=stack,
    )


async def _tell_metrics(process: Process, account: Account) -> None:
    configuration, told = process.configuration, meter()
    count_from_zero(told, process.temporal.namespace, configuration.teams)
    of_process = ProcessMetrics(told, {"errors": account.errors, "operations": account.operations})
    standing = StandingMetrics(told, process.temporal, process.database, LiveConfiguration(configuration))
    await process.stack.enter_async_context(told_every(PROCESS_EVERY, of_process.tell))
    await process.stack.enter_async_context(told_every(STANDING_EVERY, standing.tell))


def build_workers(process: Process) -> list[Worker]:
    """One a task queue, all in this process: workflows and what is local, the services that are used, other packages'
    recovery steps."""
    services = activities_by_service(process)
    local = services.pop(names.LOCAL)
    return [
        *(_workflow_worker(process, queue, workflows, local) for queue, workflows in SERVED.items()),
        *(_service_worker(process, service, served) for service, served in services.items()),
        *(_own_steps_worker(process, service, steps) for service, steps in load_own_steps().items()),
    ]


def _workflow_worker(process: Process, queue: str, workflows: Sequence[type], local: Activities) -> Worker:
    settings = process.settings(names.LOCAL)
    return Worker(
        process.temporal,
        task_queue=queue,
        workflows=workflows,
        activities=local,
        activity_executor=ThreadPoolExecutor(settings.slots, thread_name_prefix=names.LOCAL),
        max_concurrent_activities=settings.slots,
        max_task_queue_activities_per_second=settings.rate_per_second,
        deployment_config=deployment_config(process.environment.worker_version(), queue),
        graceful_shutdown_timeout=GRACE,
    )


def _service_worker(process: Process, service: str, activities: Activities) -> Worker:
    queue, settings = names.service_queue(service), process.settings(service)
    is_guarded = service in process.configuration.services.guarded
    return Worker(
        process.temporal,
        task_queue=queue,
        activities=activities,
        deployment_config=deployment_config(process.environment.worker_version(), queue),
        # Blocking clients hold a thread each: as many threads as slots, or slots would wait for threads.
        activity_executor=ThreadPoolExecutor(settings.slots, thread_name_prefix=service),
        max_concurrent_activities=settings.slots,
        max_task_queue_activities_per_second=settings.rate_per_second,
        graceful_shutdown_timeout=GRACE,
        interceptors=[PauseForLongHints(process.gates.gate(service))] if is_guarded else [],
    )


def _own_steps_worker(process: Process, service: str, steps: Activities) -> Worker:
    """Recovery steps that another package brings: its own service, on its own queue."""
    queue = names.service_queue(service)
    return Worker(
        process.temporal,
        task_queue=queue,
        activities=steps,
        deployment_config=deployment_config(process.environment.worker_version(), queue),
        graceful_shutdown_timeout=GRACE,
    )


async def serve_until_stopped(client: Client, workers: Sequence[Worker]) -> None:
    """Serves until SIGTERM or SIGINT, then lets work finish or hands it back, for GRACE at most."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    running = [asyncio.create_task(worker.run()) for worker in workers]
    stopped = asyncio.create_task(stop.wait())
    telling = asyncio.create_task(_tell_when_ready(client, [worker.task_queue for worker in workers]))
    await asyncio.wait((*running, stopped), return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    telling.cancel()
    await asyncio.gather(*(worker.shutdown() for worker in workers))
    await asyncio.gather(*running)


async def _tell_when_ready(client: Client, queues: Sequence[str]) -> None:
    await until_polled(client, queues)
    logging.getLogger("devsync.worker").info("%s: serving %s", READY_LINE, ", ".join(queues))


def _tell_the_build(version: WorkerVersion) -> None:
    logging.getLogger("devsync.worker").info(
        "build %(build)s of %(deployment)s gets new work when it is current: temporal worker deployment "
        "set-current-version --deployment-name %(deployment)s --build-id %(build)s",
        {"deployment": version.deployment, "build": version.build_id},
    )


def main() -> int:
    logging.basicConfig(
        level=os.environ.get("LOG_LEVEL", "INFO"), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("temporalio.activity").addFilter(ToldAlready())
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)  # at INFO it lists what it is made of
    keep_house()
    try:
        asyncio.run(run())
    except CANNOT_START as error:
        sys.stderr.write(f"the worker cannot start:\n{error}\n")
        return 1
    finally:
        let_threads_of_the_sdk_leave()
    return 0


if __name__ == "__main__":
    sys.exit(main())
