"""The monitor under skipped time: what it sees is as each test says, and channels are people who can be told."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from temporalio import activity
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client, WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from devsync.contracts import activities as contracts
from devsync.contracts import names
from devsync.contracts.edition import Recorded
from devsync.contracts.monitor import Look, Looked, MonitorSettings, MonitorStart, MonitorView, RecordAlerts
from devsync.contracts.notifications import Notified, Notify
from devsync.domain.errors import ErrorCategory, Failure
from devsync.domain.escalation.policy import Target
from devsync.domain.health.bands import assess
from devsync.domain.health.rules import verdicts
from devsync.domain.health.snapshot import Snapshot
from devsync.domain.health.thresholds import Thresholds
from devsync.domain.insight.span import Span
from devsync.runtime.activity_errors import to_application_error
from tests.domain.health.makers import HOUR, calls, snapshot
from tests.e2e.stage import eventually
from tests.workflows.escalation_stage import DATABASE_AWAY, POLICIES, People
from tests.workflows.waits import until_view
from workflows.monitor.health_monitor import HealthMonitor

MINUTE = timedelta(minutes=1)
ALERTS = "#alerts"
BROKEN = Failure(category=ErrorCategory.SYSTEM, message="the look broke", is_retryable=False)
SETTINGS = MonitorSettings(
    channels=(Target(kind="slack", target=ALERTS),), policies=POLICIES, retry_after=(timedelta(seconds=5), 10 * MINUTE)
)

FAILING: dict[str, Any] = {"services": (calls(failures=10),)}
"""What a service's error rate is told of."""


@dataclass
class World:
    """What the monitor sees, until the test changes it."""

    parts: dict[str, Any] = field(default_factory=dict)
    """Of the snapshot, where they are not as in a healthy world."""
    settings: MonitorSettings = SETTINGS
    failure: Failure | None = None
    """Of each look."""
    is_database_away: bool = False
    records_retried_after: timedelta | None = None
    """None: as the policy says. In ten minutes that are skipped, one a second would be 600 real calls."""
    looks: list[Look] = field(default_factory=list)
    records: list[RecordAlerts] = field(default_factory=list)

    def is_now(self, **parts: Any) -> None:
        self.parts = parts

    @activity.defn(name=contracts.LOOK.name)
    async def look(self, message: Look) -> Looked:
        self.looks.append(message)
        if self.failure is not None:
            raise to_application_error(self.failure, None)
        if not self.settings.is_on:
            return Looked(settings=self.settings)
        seen = self.seen(message.at)
        return Looked(settings=self.settings, health=assess(seen, Thresholds()), verdicts=verdicts(seen, Thresholds()))

    def seen(self, at: datetime) -> Snapshot:
        return snapshot(**self.parts).model_copy(update={"window": Span(start=at - HOUR, end=at)})

    @activity.defn(name=contracts.RECORD_ALERTS.name)
    async def record(self, message: RecordAlerts) -> Recorded:
        if self.is_database_away:
            raise to_application_error(DATABASE_AWAY, self.records_retried_after)
        self.records.append(message)
        return Recorded()

    @property
    def history(self) -> list[tuple[str, str]]:
        """Key and state of each change on record, in order; each once."""
        told = {
            entry.id: (entry.what.removeprefix("alert:"), entry.action)
            for batch in self.records
            for entry in batch.entries
        }
        return list(told.values())


class Channels(People):
    """Webhooks, too."""

    @activity.defn(name=contracts.NOTIFY_WEBHOOK.name)
    async def webhook(self, message: Notify) -> Notified:
        return await self._notify(message)


@dataclass
class Stage:
    client: Client
    world: World
    people: Channels
    environment: WorkflowEnvironment | None = None
    """None: a server whose time goes by as usual."""

    @property
    def handle(self) -> WorkflowHandle[Any, None]:
        return self.client.get_workflow_handle(names.MONITOR_ID)

    async def start(self, start: MonitorStart | None = None) -> None:
        await self.client.start_workflow(
            HealthMonitor.run, start or MonitorStart(), id=names.MONITOR_ID, task_queue=names.CONTROL_QUEUE
        )
        await self.until(lambda view: view.looked_at is not None and bool(self.world.looks))

    async def wait(self, length: timedelta) -> None:
        """Time leaps."""
        assert self.environment is not None
        await self.environment.sleep(length)

    async def say(self, name: str, *arguments: Any) -> None:
        await self.handle.signal(name, args=arguments)

    async def view(self) -> MonitorView:
        answer: MonitorView = await self.handle.query("state", result_type=MonitorView)
        return answer

    async def until(self, is_so: Callable[[MonitorView], bool]) -> MonitorView:
        return await until_view(self.view, is_so)

    async def details(self) -> str:
        metadata = await self.handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
        return str(metadata.current_details)

    @property
    def titles(self) -> list[str]:
        """What stands in the channel, notes aside: one that occurs twice was told twice."""
        return [post.notice.title for post in self.people.posts.values() if not post.thread_id]

    async def until_titled(self, *beginnings: str) -> None:
        """Until so many messages stand there, in order."""

        async def is_so() -> bool:
            titles = self.titles
            return len(titles) == len(beginnings) and all(map(str.startswith, titles, beginnings))

        try:
            await eventually(is_so)
        except TimeoutError:
            raise AssertionError(f"{self.titles} do not begin with {beginnings}") from None


@asynccontextmanager
async def monitor_stage(
    client: Client,
    *,
    environment: WorkflowEnvironment | None = None,
    look: Sequence[Callable[..., Any]] | None = None,
) -> AsyncIterator[Stage]:
    """Workers on the queues of their real names. `look`: the activities on the local queue, else the world's."""
    stage = Stage(client, World(), Channels(), environment)
    async with served(stage, look):
        yield stage
        with suppress(Exception):
            await stage.handle.terminate("its test is over")


@asynccontextmanager
async def served(stage: Stage, look: Sequence[Callable[..., Any]] | None = None) -> AsyncIterator[None]:
    people, world = stage.people, stage.world
    activities: dict[str, Sequence[Callable[..., Any]]] = {
        names.SLACK: [people.slack, people.find],
        names.EMAIL: [people.email],
        names.WEBHOOK: [people.webhook],
    }
    async with AsyncExitStack() as stack:
        control = Worker(
            stage.client,
            task_queue=names.CONTROL_QUEUE,
            workflows=[HealthMonitor],
            activities=look or [world.look, world.record],
            max_cached_workflows=2,
        )
        await stack.enter_async_context(control)
        for service, functions in activities.items():
            queue = names.service_queue(service)
            await stack.enter_async_context(Worker(stage.client, task_queue=queue, activities=functions))
        yield
