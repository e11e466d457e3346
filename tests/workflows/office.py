"""All activities of an edition under their own names, each answering as the case says, at the instant it says.

The plan is a real one: the shipped services.yaml and delivery.yaml decide how long and how often anything is tried.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.planning import LastDelivered, plan_edition
from devsync.contracts import activities as contracts
from devsync.contracts import names
from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.collection import CollectProject, CollectRepository, UnitCollected
from devsync.contracts.delivery import (
    FindPart,
    PartFound,
    PartSent,
    RecallDelivery,
    Recalled,
    RecordDelivery,
    SendPart,
)
from devsync.contracts.edition import (
    ComposeEdition,
    EditionComposed,
    EditionPlan,
    EditionRendered,
    EditionRequest,
    EditionResult,
    FindPreviousEdition,
    PlanEdition,
    PreviousEdition,
    Recorded,
    RecordEdition,
    RenderEdition,
)
from devsync.domain.errors import ErrorCategory, Failure
from devsync.runtime.activity_errors import to_application_error
from devsync.settings.configuration import TeamConfiguration
from devsync.settings.delivery import read_delivery
from devsync.settings.recovery import read_recovery
from devsync.settings.services import read_services
from devsync.settings.team import TeamConfig
from workflows.delivery import Delivery
from workflows.weekly_changelog import WeeklyChangelog

CONFIG = Path(__file__).parents[2] / "config"
WEEK = "2026-W47"
NEVER = datetime.max.replace(tzinfo=UTC)
DELIVER_BY = timedelta(hours=2)
AWAY = Failure(category=ErrorCategory.NETWORK, message="nobody answers", is_retryable=True)


def stored(kind: str) -> ArtifactRef:
    return ArtifactRef(digest="0" * 64, size=1, kind=kind)


@dataclass
class Office:
    """`away` and `refused` are by activity name, or by the unit that is to be collected."""

    away: dict[str, timedelta] = field(default_factory=dict)
    """So long after the run began calls fail, and may be repeated."""
    away_because: Failure = AWAY
    refused: dict[str, Failure] = field(default_factory=dict)
    """What fails for good."""
    unknown_to_plan: Collection[str] = ()
    """Activities that the plan's policies do not name."""
    asked: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    """When each was called, all attempts, in the server's time."""
    was_asked: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    posts: list[str] = field(default_factory=list)
    """The keys of what was posted."""
    composed: list[ComposeEdition] = field(default_factory=list)
    records: list[RecordEdition] = field(default_factory=list)
    began: datetime = NEVER

    def all(self) -> Mapping[str, list[Callable[..., Any]]]:
        """By service."""
        return {
            names.LOCAL: [
                self.plan, self.find_previous, self.compose, self.render, self.record, self.recall, self.record_delivery
            ],
            names.GITHUB: [self.collect_repository],
            names.JIRA: [self.collect_project],
            names.SLACK: [self.send, self.find],
        }  # fmt: skip

    def after(self, name: str) -> timedelta:
        """From the begin of the run to the last call."""
        return self.asked[name][-1] - self.began

    @activity.defn(name=contracts.PLAN_EDITION.name)
    async def plan(self, message: PlanEdition) -> EditionPlan:
        await self._answer()
        team = TeamConfig.model_validate(
            {
                "team": message.team,
                "timezone": "Europe/Berlin",
                "deliver_by": DELIVER_BY,
                "github": {"repositories": ["acme/api", "acme/web"]},
                "jira": {"projects": ["PAY"]},
                "channels": [{"kind": "slack", "channel": "#payments"}],
            }
        )
        services, delivery = read_services(CONFIG / "services.yaml"), read_delivery(CONFIG / "delivery.yaml")
        recovery = read_recovery(CONFIG / "recovery.yaml")
        configuration = TeamConfiguration(services.model, delivery.model, team, recovery.model)
        plan = plan_edition(configuration, message, LastDelivered())
        known = {name: policy for name, policy in plan.policies.items() if name not in self.unknown_to_plan}
        return plan.model_copy(update={"policies": known})

    @activity.defn(name=contracts.COLLECT_REPOSITORY.name)
    async def collect_repository(self, message: CollectRepository) -> UnitCollected:
        return await self._collect(names.repository_unit(message.repository))

    @activity.defn(name=contracts.COLLECT_PROJECT.name)
    async def collect_project(self, message: CollectProject) -> UnitCollected:
        return await self._collect(names.project_unit(message.project))

    @activity.defn(name=contracts.FIND_PREVIOUS.name)
    async def find_previous(self, _message: FindPreviousEdition) -> PreviousEdition:
        await self._answer()
        return PreviousEdition()

    @activity.defn(name=contracts.COMPOSE_EDITION.name)
    async def compose(self, message: ComposeEdition) -> EditionComposed:
        await self._answer()
        self.composed.append(message)
        return EditionComposed(
            edition=stored("edition"),
            digest="1" * 64,
            item_count=len(message.units),
            unclassified_ratio=0,
            completeness=len(message.units) / 3,
            gaps=message.gaps,
        )

    @activity.defn(name=contracts.RENDER_EDITION.name)
    async def render(self, _message: RenderEdition) -> EditionRendered:
        await self._answer()
        return EditionRendered(formats={"slack": stored("rendering.slack")}, slack_part_digests=("a", "b"))

    @activity.defn(name=contracts.RECORD_EDITION.name)
    async def record(self, message: RecordEdition) -> Recorded:
        await self._answer()
        self.records.append(message)
        return Recorded()

    @activity.defn(name=contracts.RECALL_DELIVERY.name)
    async def recall(self, _message: RecallDelivery) -> Recalled:
        await self._answer()
        return Recalled()

    @activity.defn(name=contracts.RECORD_DELIVERY.name)
    async def record_delivery(self, _message: RecordDelivery) -> Recorded:
        await self._answer()
        return Recorded()

    @activity.defn(name=contracts.SEND_SLACK_PART.name)
    async def send(self, message: SendPart) -> PartSent:
        await self._answer()
        self.posts.append(message.key)
        return PartSent(channel_id="C1", message_ts=f"{len(self.posts)}.0")

    @activity.defn(name=contracts.FIND_SLACK_PART.name)
    async def find(self, _message: FindPart) -> PartFound:
        await self._answer()
        return PartFound()

    async def _collect(self, unit: str) -> UnitCollected:
        await self._answer(unit)
        now = activity.info().current_attempt_scheduled_time
        return UnitCollected(unit=unit, artifact=stored("collected"), api_calls=1, collected_at=now)

    async def _answer(self, name: str = "") -> None:
        """Raises what the case says."""
        info = activity.info()
        name = name or info.activity_type
        now = info.current_attempt_scheduled_time
        self.began = min(self.began, now)
        self.asked[name].append(now)
        self.was_asked[name].set()
        if name in self.refused:
            raise to_application_error(self.refused[name], None)
        if now - self.began < self.away.get(name, timedelta()):
            raise to_application_error(self.away_because, None)


@asynccontextmanager
async def serving(
    environment: WorkflowEnvironment, office: Office, services: Collection[str] = names.SERVICES
) -> AsyncIterator[None]:
    """Workers of these services and of all workflows, on the queues of their real names: the server is the test's."""
    client = environment.client
    workers = [
        Worker(client, task_queue=names.EDITIONS_QUEUE, workflows=[WeeklyChangelog]),
        Worker(client, task_queue=names.CONTROL_QUEUE, workflows=[Delivery]),
        *(
            Worker(client, task_queue=names.service_queue(service), activities=activities)
            for service, activities in office.all().items()
            if service in services
        ),
    ]
    async with AsyncExitStack() as stack:
        for worker in workers:
            await stack.enter_async_context(worker)
        yield


async def start(environment: WorkflowEnvironment, **changes: Any) -> WorkflowHandle[WeeklyChangelog, EditionResult]:
    request = EditionRequest(team="payments", iso_week=WEEK).model_copy(update=changes)
    return await environment.client.start_workflow(
        WeeklyChangelog.run,
        request,
        id=names.edition_id(request.team, WEEK),
        task_queue=names.EDITIONS_QUEUE,
    )


async def make(environment: WorkflowEnvironment, office: Office, **changes: Any) -> EditionResult:
    async with serving(environment, office):
        return await (await start(environment, **changes)).result()
