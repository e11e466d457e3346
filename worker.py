"""Composition root of the worker process: settings -> clients -> workers -> graceful shutdown. Nothing else."""

import asyncio
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import Any

from temporalio.client import Client
from temporalio.worker import Worker

from activities.breakers import BreakerActivities
from activities.calendar import CalendarActivities
from activities.clients.bounded import WebReader
from activities.clients.calendar import CalendarClient
from activities.clients.git_mirrors import GitMirrors
from activities.clients.github import GitHubClient
from activities.clients.github_access import tokens_of
from activities.clients.jira import JiraClient
from activities.clients.mail import MailClient
from activities.clients.slack import SlackClient
from activities.clients.webhook import WebhookClient
from activities.collection import Shelf
from activities.due import DueActivities
from activities.editions import EditionActivities
from activities.email import EmailActivities
from activities.escalations import EscalationActivities
from activities.git_mirror import GitMirrorActivities
from activities.github import GitHubActivities
from activities.github.feed import GitHubFeedActivities
from activities.jira import JiraActivities
from activities.metrics import MetricsActivities
from activities.records import RecordActivities
from activities.recoveries import RecoveryActivities
from activities.rendering import RenderingActivities
from activities.slack import SlackActivities
from activities.stand_ins import StandInActivities
from activities.status import StatusActivities
from activities.waiting import WaitingActivities
from activities.webhook import WebhookActivities
from devsync.contracts import names
from devsync.contracts.errors import ErrorRecord
from devsync.rendering.mail import MailIdentity
from devsync.runtime.activity_errors import ToldAlready
from devsync.runtime.breaker.gate import Gate
from devsync.runtime.breaker.gates import Gates
from devsync.runtime.breaker.pause import PauseForLongHints
from devsync.runtime.connection import (
    CORE_DRAIN_SECONDS,
    NamespaceUnusable,
    SearchAttributesMissing,
    TemporalUnreachable,
    connect,
    require_search_attributes,
)
from devsync.runtime.memory import keep_house
from devsync.runtime.own_steps import load_own_steps
from devsync.runtime.plugin import DevSyncPlugin
from devsync.runtime.pollers import until_polled
from devsync.runtime.telemetry import export_metrics, meter
from devsync.runtime.versioning import deployment_config
from devsync.runtime.worker_process import GRACE, READY_LINE
from devsync.settings.configuration import Configuration, load_configuration
from devsync.settings.environment import Environment, WorkerVersion, read_environment
from devsync.settings.problems import ConfigError
from devsync.settings.services import ServiceSettings
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.breakers import BreakerTransitions
from devsync.storage.collected import CollectedUnits
from devsync.storage.connection import DatabaseUnavailable, NotMigrated, WrongDatabaseUrl
from devsync.storage.database import Database
from devsync.storage.errors import Errors
from devsync.storage.escalations import Escalations
from devsync.storage.pages import CollectionPages
from devsync.storage.spool import Spool
from devsync.storage.threads import LoopBridge
from workflows.registry import SERVED

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


async def run() -> None:
    environment = read_environment()
    configuration = load_configuration(environment.config_dir)
    if environment.metrics_address:
        export_metrics(environment.metrics_address)
    errors = Spool[ErrorRecord]("errors")
    client = await connect(DevSyncPlugin(keep_error=errors.keep, secrets=environment.secrets()))
    await require_search_attributes(client)
    async with AsyncExitStack() as stack:
        workers = await build_workers(client, environment, configuration, errors, stack)
        if version := environment.worker_version():
            _tell_the_build(version)
        await serve_until_stopped(client, workers)


async def build_workers(  # noqa: PLR0915 (one statement a part)
    client: Client,
    environment: Environment,
    configuration: Configuration,
    errors: Spool[ErrorRecord],
    stack: AsyncExitStack,
) -> list[Worker]:
    """One worker a task queue, all in this process. What must be closed afterwards goes on the stack."""
    database = Database(environment.database().get_secret_value())
    stack.push_async_callback(database.dispose)
    await database.check()
    await stack.enter_async_context(errors.written_by(Errors(database).write))
    store = ArtifactStore(database)
    shelf = Shelf(CollectionPages(database), store, LoopBridge(asyncio.get_running_loop()))
    services = configuration.services
    version = environment.worker_version()
    rules = {service: services.breaker(service) for service in services.guarded}
    gates = await stack.enter_async_context(Gates(client, rules, meter()))

    units = CollectedUnits(database)
    ours = (
        EditionActivities(environment.config_dir, store, database),
        RenderingActivities(environment.templates_dir, store),
        RecordActivities(client, store, database),
        RecoveryActivities(database),
        EscalationActivities(client, configuration, Escalations(database)),
        DueActivities(environment.config_dir),
        BreakerActivities(environment.config_dir, BreakerTransitions(database)),
        WaitingActivities(client),
        StandInActivities(shelf, units),
        MetricsActivities(store),
    )
    workers = [
        Worker(
            client,
            task_queue=queue,
            workflows=workflows,
            deployment_config=deployment_config(version, queue),
            graceful_shutdown_timeout=GRACE,
        )
        for queue, workflows in SERVED.items()
    ]
    workers.append(
        _service(
            client,
            version,
            names.LOCAL,
            services.service(names.LOCAL),
            [activity for group in ours for activity in group.all()],
        )
    )
    if configuration.uses(names.GITHUB):
        gate = gates.gate(names.GITHUB)
        settings = services.service(names.GITHUB)
        github = GitHubActivities(_github_client(environment, configuration, gate), shelf, units)
        reader = _web_reader(names.GITHUB, settings, stack)
        feeds = GitHubFeedActivities(reader, shelf, web_url=environment.github_web(), at_once=settings.concurrency)
        workers.append(_service(client, version, names.GITHUB, settings, [*github.all(), *feeds.all()], gate))
    if configuration.uses(names.JIRA):
        gate = gates.gate(names.JIRA)
        jira = JiraActivities(_jira_client(environment, configuration, gate), shelf, units)
        workers.append(_service(client, version, names.JIRA, services.service(names.JIRA), jira.all(), gate))
    if configuration.uses(names.CALENDAR):
        calendar_client = _calendar_client(environment, configuration)
        stack.push_async_callback(calendar_client.close)
        calendar = CalendarActivities(calendar_client, environment.config_dir, store, units)
        workers.append(_service(client, version, names.CALENDAR, services.service(names.CALENDAR), calendar.all()))
    if configuration.uses(names.SLACK):
        gate = gates.gate(names.SLACK)
        slack_client = _slack_client(environment, configuration, gate)
        stack.push_async_callback(slack_client.close)
        slack = SlackActivities(slack_client, store)
        workers.append(_service(client, version, names.SLACK, services.service(names.SLACK), slack.all(), gate))
    if configuration.uses(names.GIT_MIRROR):
        settings = services.service(names.GIT_MIRROR)
        mirrors = GitMirrorActivities(
            GitMirrors(environment.mirrors_dir, read_timeout=settings.http_read),
            shelf,
            web_url=environment.github_web(),
            at_once=settings.slots,
        )
        workers.append(_service(client, version, names.GIT_MIRROR, settings, mirrors.all()))
    if configuration.uses(names.STATUS):
        settings = services.service(names.STATUS)
        status = StatusActivities(_web_reader(names.STATUS, settings, stack))
        workers.append(_service(client, version, names.STATUS, settings, status.all()))
    workers += [_own_service(client, version, service, steps) for service, steps in load_own_steps().items()]
    # Notices are mailed, too, where no team has a mail channel.
    if configuration.uses(names.EMAIL) or (environment.smtp_url and environment.mail_from):
        gate = gates.gate(names.EMAIL)
        identity = MailIdentity(**environment.sender()._asdict())
        email = EmailActivities(_mail_client(environment, configuration, gate), store, identity)
        workers.append(_service(client, version, names.EMAIL, services.service(names.EMAIL), email.all(), gate))
    if configuration.uses(names.WEBHOOK):
        webhook_client = _webhook_client(environment, configuration)
        stack.push_async_callback(webhook_client.close)
        webhook = WebhookActivities(webhook_client, store)
        workers.append(_service(client, version, names.WEBHOOK, services.service(names.WEBHOOK), webhook.all()))
    return workers


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


def _service(
    client: Client,
    version: WorkerVersion | None,
    service: str,
    settings: ServiceSettings,
    activities: Sequence[Callable[..., Any]],
    gate: Gate | None = None,
) -> Worker:
    queue = names.service_queue(service)
    return Worker(
        client,
        task_queue=queue,
        activities=activities,
        deployment_config=deployment_config(version, queue),
        # Blocking clients hold a thread each: as many threads as slots, or slots would wait for threads.
        activity_executor=ThreadPoolExecutor(settings.slots, thread_name_prefix=service),
        max_concurrent_activities=settings.slots,
        max_task_queue_activities_per_second=settings.rate_per_second,
        graceful_shutdown_timeout=GRACE,
        interceptors=[PauseForLongHints(gate)] if gate else [],
    )


def _own_service(
    client: Client, version: WorkerVersion | None, service: str, steps: Sequence[Callable[..., Any]]
) -> Worker:
    """Recovery steps that another package brings: its own service, on its own queue."""
    queue = names.service_queue(service)
    return Worker(
        client,
        task_queue=queue,
        activities=steps,
        deployment_config=deployment_config(version, queue),
        graceful_shutdown_timeout=GRACE,
    )


def _web_reader(service: str, settings: ServiceSettings, stack: AsyncExitStack) -> WebReader:
    reader = WebReader(service, connect_timeout=settings.http_connect, read_timeout=settings.http_read)
    stack.callback(reader.close)
    return reader


def _github_client(environment: Environment, configuration: Configuration, gate: Gate) -> GitHubClient:
    access, settings = environment.github(), configuration.services.service(names.GITHUB)
    return GitHubClient(
        base_url=access.url,
        tokens=tokens_of(access, timeout=settings.http_read, gate=gate),
        concurrency=settings.concurrency,
        read_timeout=settings.http_read,
        gate=gate,
    )


def _jira_client(environment: Environment, configuration: Configuration, gate: Gate) -> JiraClient:
    access, settings = environment.jira(), configuration.services.service(names.JIRA)
    return JiraClient(
        server=access.url,
        email=access.email,
        token=access.token.get_secret_value(),
        concurrency=settings.concurrency,
        connect_timeout=settings.http_connect,
        read_timeout=settings.http_read,
        gate=gate,
    )


def _calendar_client(environment: Environment, configuration: Configuration) -> CalendarClient:
    settings = configuration.services.service(names.CALENDAR)
    return CalendarClient(
        private_hosts=environment.private_hosts(),
        concurrency=settings.concurrency,
        connect_timeout=settings.http_connect,
        read_timeout=settings.http_read,
    )


def _slack_client(environment: Environment, configuration: Configuration, gate: Gate) -> SlackClient:
    access, settings = environment.slack(), configuration.services.service(names.SLACK)
    return SlackClient(
        base_url=access.url,
        token=access.token.get_secret_value(),
        concurrency=settings.concurrency,
        read_timeout=settings.http_read,
        gate=gate,
    )


def _mail_client(environment: Environment, configuration: Configuration, gate: Gate) -> MailClient:
    settings = configuration.services.service(names.EMAIL)
    return MailClient(environment.smtp(), concurrency=settings.concurrency, read_timeout=settings.http_read, gate=gate)


def _webhook_client(environment: Environment, configuration: Configuration) -> WebhookClient:
    settings = configuration.services.service(names.WEBHOOK)
    return WebhookClient(
        private_hosts=environment.private_hosts(),
        concurrency=settings.concurrency,
        connect_timeout=settings.http_connect,
        read_timeout=settings.http_read,
    )


def main() -> int:
    logging.basicConfig(
        level=os.environ.get("LOG_LEVEL", "INFO"), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("temporalio.activity").addFilter(ToldAlready())
    keep_house()
    try:
        asyncio.run(run())
    except CANNOT_START as error:
        print(f"the worker cannot start:\n{error}", file=sys.stderr)  # noqa: T201 (the process's one message)
        return 1
    finally:
        time.sleep(CORE_DRAIN_SECONDS)
    return 0


if __name__ == "__main__":
    sys.exit(main())
