"""What each service's worker is made of: its client and its activities, one function a service."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from typing import Any, Final

from temporalio.client import Client

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
from activities.keeping import KeepingActivities
from activities.metrics import MetricsActivities
from activities.monitoring import MonitorActivities
from activities.records import RecordActivities
from activities.recoveries import RecoveryActivities
from activities.rendering import RenderingActivities
from activities.slack import SlackActivities
from activities.stand_ins import StandInActivities
from activities.status import StatusActivities
from activities.waiting import WaitingActivities
from activities.webhook import WebhookActivities
from devsync.contracts import names
from devsync.rendering.mail import MailIdentity
from devsync.runtime.breaker.calls import UNGATED, CallGate
from devsync.runtime.breaker.gates import Gates
from devsync.runtime.heartbeat import Heartbeat
from devsync.runtime.measured_calls import MeasuringGate
from devsync.settings.configuration import Configuration
from devsync.settings.environment import Environment
from devsync.settings.problems import ConfigError
from devsync.settings.services import ServiceSettings
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.breakers import BreakerTransitions
from devsync.storage.collected import CollectedUnits
from devsync.storage.database import Database
from devsync.storage.escalations import Escalations

Activities = Sequence[Callable[..., Any]]


@dataclass(frozen=True)
class Process:
    """What the services of one worker process share. What must be closed at its end goes on `stack`."""

    environment: Environment
    configuration: Configuration
    temporal: Client
    database: Database
    store: ArtifactStore
    shelf: Shelf
    units: CollectedUnits
    gates: Gates
    stack: AsyncExitStack

    @property
    def dashboard(self) -> str:
        """Where people reach it, for links; empty where that is not known."""
        return self.environment.dashboard_url or ""

    def settings(self, service: str) -> ServiceSettings:
        return self.configuration.services.service(service)

    def gate(self, service: str) -> CallGate:
        """What each call to the service passes: it is measured, and let out by its breaker where it has one."""
        is_guarded = service in self.configuration.services.guarded
        return MeasuringGate(service, self.gates.gate(service) if is_guarded else UNGATED)


def local(process: Process) -> Activities:
    environment, database, store = process.environment, process.database, process.store
    heartbeat = Heartbeat(environment.heartbeat(), environment.private_hosts())
    process.stack.push_async_callback(heartbeat.close)
    groups = (
        EditionActivities(environment.config_dir, store, database),
        RenderingActivities(environment.templates_dir, store, dashboard=process.dashboard),
        RecordActivities(process.temporal, store, database),
        RecoveryActivities(database),
        EscalationActivities(process.temporal, process.configuration, Escalations(database)),
        DueActivities(environment.config_dir),
        BreakerActivities(environment.config_dir, BreakerTransitions(database)),
        WaitingActivities(process.temporal),
        StandInActivities(process.shelf, process.units),
        MetricsActivities(store),
        KeepingActivities(environment.config_dir, database),
        MonitorActivities(environment.config_dir, process.configuration, database, process.temporal, heartbeat),
    )
    return [activity for group in groups for activity in group.all()]


def github(process: Process) -> Activities:
    settings, gate = process.settings(names.GITHUB), process.gate(names.GITHUB)
    access = process.environment.github()
    client = GitHubClient(
        base_url=access.url,
        tokens=tokens_of(access, timeout=settings.http_read, gate=gate),
        concurrency=settings.concurrency,
        read_timeout=settings.http_read,
        gate=gate,
    )
    feeds = GitHubFeedActivities(
        _web_reader(process, names.GITHUB),
        process.shelf,
        web_url=process.environment.github_web(),
        at_once=settings.concurrency,
    )
    return [*GitHubActivities(client, process.shelf, process.units).all(), *feeds.all()]


def jira(process: Process) -> Activities:
    access, settings = process.environment.jira(), process.settings(names.JIRA)
    client = JiraClient(
        server=access.url,
        email=access.email,
        token=access.token.get_secret_value(),
        concurrency=settings.concurrency,
        connect_timeout=settings.http_connect,
        read_timeout=settings.http_read,
        gate=process.gate(names.JIRA),
    )
    return JiraActivities(client, process.shelf, process.units).all()


def calendar(process: Process) -> Activities:
    settings = process.settings(names.CALENDAR)
    client = CalendarClient(
        private_hosts=process.environment.private_hosts(),
        concurrency=settings.concurrency,
        connect_timeout=settings.http_connect,
        read_timeout=settings.http_read,
        gate=process.gate(names.CALENDAR),
    )
    process.stack.push_async_callback(client.close)
    return CalendarActivities(client, process.environment.config_dir, process.store, process.units).all()


def git_mirror(process: Process) -> Activities:
    settings = process.settings(names.GIT_MIRROR)
    return GitMirrorActivities(
        GitMirrors(process.environment.mirrors_dir, read_timeout=settings.http_read),
        process.shelf,
        web_url=process.environment.github_web(),
        at_once=settings.slots,
    ).all()


def status(process: Process) -> Activities:
    return StatusActivities(_web_reader(process, names.STATUS)).all()


def slack(process: Process) -> Activities:
    access, settings = process.environment.slack(), process.settings(names.SLACK)
    client = SlackClient(
        base_url=access.url,
        token=access.token.get_secret_value(),
        concurrency=settings.concurrency,
        read_timeout=settings.http_read,
        gate=process.gate(names.SLACK),
    )
    process.stack.push_async_callback(client.close)
    has_buttons = process.environment.slack_signing_secret is not None
    return SlackActivities(client, process.store, has_buttons=has_buttons, dashboard=process.dashboard).all()


def email(process: Process) -> Activities:
    settings = process.settings(names.EMAIL)
    identity = MailIdentity(**process.environment.sender()._asdict())
    client = MailClient(
        process.environment.smtp(),
        concurrency=settings.concurrency,
        read_timeout=settings.http_read,
        gate=process.gate(names.EMAIL),
    )
    return EmailActivities(client, process.store, identity, dashboard=process.dashboard).all()


def webhook(process: Process) -> Activities:
    settings = process.settings(names.WEBHOOK)
    client = WebhookClient(
        private_hosts=process.environment.private_hosts(),
        concurrency=settings.concurrency,
        connect_timeout=settings.http_connect,
        read_timeout=settings.http_read,
        gate=process.gate(names.WEBHOOK),
    )
    process.stack.push_async_callback(client.close)
    return WebhookActivities(client, process.store, dashboard=process.dashboard).all()


SERVICES: Final[Mapping[str, Callable[[Process], Activities]]] = {
    names.LOCAL: local,
    names.GITHUB: github,
    names.JIRA: jira,
    names.CALENDAR: calendar,
    names.GIT_MIRROR: git_mirror,
    names.STATUS: status,
    names.SLACK: slack,
    names.EMAIL: email,
    names.WEBHOOK: webhook,
}


def activities_by_service(process: Process) -> dict[str, Activities]:
    """Of the services that this process has to serve. Raises ConfigError for an access that the environment lacks."""
    served = {service: build(process) for service, build in SERVICES.items() if _is_served(service, process)}
    if process.configuration.left_out:
        # What they use is not known, and they are to go on once their files are right: all that there is an access to.
        for service in SERVICES.keys() - served.keys():
            with suppress(ConfigError):
                served[service] = SERVICES[service](process)
    return served


def _is_served(service: str, process: Process) -> bool:
    # Notices are mailed, too, where no team has a mail channel.
    can_mail = bool(process.environment.smtp_url and process.environment.mail_from)
    return process.configuration.uses(service) or (service == names.EMAIL and can_mail)


def _web_reader(process: Process, service: str) -> WebReader:
    settings = process.settings(service)
    # Of feeds and status pages, which stand in for a service that is down: its breaker has no say in them.
    gate = MeasuringGate(service, UNGATED)
    reader = WebReader(service, connect_timeout=settings.http_connect, read_timeout=settings.http_read, gate=gate)
    process.stack.callback(reader.close)
    return reader
