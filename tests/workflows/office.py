"""All activities of an edition under their own names, each answering as the case says, at the instant it says.

The plan is a real one: the shipped services.yaml and delivery.yaml decide how long and how often anything is tried.
"""

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.earlier_runs import EarlierRuns
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
    FindUnknownItems,
    PlanEdition,
    PreviousEdition,
    Recorded,
    RecordEdition,
    RenderEdition,
    UnknownItems,
)
from devsync.contracts.escalation import EscalationJoined, JoinEscalation
from devsync.contracts.notifications import Notified, Notify
from devsync.contracts.recovery import StepRequest, StepResult
from devsync.domain.changelog.coverage import with_lost
from devsync.domain.changelog.difference import Difference
from devsync.domain.changelog.edition import Gap
from devsync.domain.errors import ErrorCategory, Failure
from devsync.domain.recovery.plan import RecoveryPlan
from devsync.runtime.activity_errors import to_application_error
from devsync.settings.configuration import TeamConfiguration
from devsync.settings.delivery import read_delivery
from devsync.settings.recovery import read_recovery
from devsync.settings.services import read_services
from devsync.settings.team import TeamConfig
from tests.workflows.meanwhile import Meanwhile
from tests.workflows.recovery_stage import Ground
from workflows.amendment.amendment import Amendment
from workflows.delivery.delivery import Delivery
from workflows.edition.weekly_changelog import WeeklyChangelog
from workflows.recovery.recovery import Recovery

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
    """How long after the run's beginning calls fail, and may be repeated."""
    away_because: Failure = AWAY
    refused: dict[str, Failure] = field(default_factory=dict)
    """What fails for good."""
    unknown_to_plan: Collection[str] = ()
    """Activities that the plan's policies do not name."""
    holds: dict[str, asyncio.Event] = field(default_factory=dict)
    """What takes until then."""
    asked: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    """When each was called, all attempts, in the server's time."""
    was_asked: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    posts: list[str] = field(default_factory=list)
    """The keys of what was posted."""
    delivery_records: list[RecordDelivery] = field(default_factory=list)
    approval: dict[str, Any] | None = None
    """As the team's file has it."""
    deliver_by: timedelta = DELIVER_BY
    ground: Ground | None = None
    """Set: what fails is recovered by the shipped plans, whose steps answer as it says. Else it leaves its gap."""
    of_plan: Callable[[RecoveryPlan], RecoveryPlan] = field(default=lambda plan: plan)
    """What the case makes of each recovery plan."""
    has_previous: bool = False
    """Whether a run finds what was recorded before."""
    answer_again: set[str] = field(default_factory=set)
    """Units that answer when they are asked again, after they had failed."""
    carried: dict[str, int] = field(default_factory=dict)
    """Characters that units carry with them, since the store is away; their texts are cut where `without_texts`."""
    without_texts: set[str] = field(default_factory=set)
    unread: set[str] = field(default_factory=set)
    """Units that the store does not give to composition."""
    unknown: set[str] = field(default_factory=set)
    """Items that reviewers name and no edition has."""
    rendered: list[RenderEdition] = field(default_factory=list)
    notices: list[Notify] = field(default_factory=list)
    joined: list[JoinEscalation] = field(default_factory=list)
    joining: asyncio.Event | None = None
    """Joining an escalation takes until then."""
    composed: list[ComposeEdition] = field(default_factory=list)
    records: list[RecordEdition] = field(default_factory=list)
    began: datetime = NEVER

    def all(self) -> Mapping[str, list[Callable[..., Any]]]:
        """By service."""
        answers: dict[str, list[Callable[..., Any]]] = {
            names.LOCAL: [
                self.plan, self.find_previous, self.compose, self.find_unknown_items, self.render, self.record,
                self.recall, self.record_delivery, self.join_escalation,
            ],
            names.GITHUB: [self.collect_repository, self.collect_repositories_again],
            names.JIRA: [self.collect_project, self.collect_projects_again],
            names.SLACK: [self.send, self.find, self.notify],
        }  # fmt: skip
        if self.ground is None:
            return answers
        for service in (*answers, names.STATUS, names.GIT_MIRROR):
            steps = self.ground.of_service(service)
            taken = {_name(step) for step in steps}
            answers[service] = [*steps, *(one for one in answers.get(service, ()) if _name(one) not in taken)]
        return answers

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
                "deliver_by": self.deliver_by,
                "github": {"repositories": ["acme/api", "acme/web"]},
                "jira": {"projects": ["PAY"]},
                "channels": [{"kind": "slack", "channel": "#payments"}],
                **({"approval": self.approval} if self.approval else {}),
            }
        )
        services, delivery = read_services(CONFIG / "services.yaml"), read_delivery(CONFIG / "delivery.yaml")
        recovery = read_recovery(CONFIG / "recovery.yaml")
        configuration = TeamConfiguration(services.model, delivery.model, team, recovery.model)
        plan = plan_edition(configuration, message, LastDelivered())
        known = {name: policy for name, policy in plan.policies.items() if name not in self.unknown_to_plan}
        recovery_plans = tuple(map(self.of_plan, plan.recovery_plans)) if self.ground else ()
        return plan.model_copy(update={"policies": known, "recovery_plans": recovery_plans})

    @activity.defn(name=contracts.COLLECT_REPOSITORY.name)
    async def collect_repository(self, message: CollectRepository) -> UnitCollected:
        return await self._collect(names.repository_unit(message.repository))

    @activity.defn(name=contracts.COLLECT_PROJECT.name)
    async def collect_project(self, message: CollectProject) -> UnitCollected:
        return await self._collect(names.project_unit(message.project))

    @activity.defn(name=contracts.FIND_PREVIOUS.name)
    async def find_previous(self, _message: FindPreviousEdition) -> PreviousEdition:
        await self._answer()
        runs = EarlierRuns(activity.client())
        known = PreviousEdition(
            is_amended=bool(await runs.open_run(names.amendment_id("payments", WEEK))),
            open_run=await runs.open_run(names.edition_id("payments", WEEK)),
        )
        if self.has_previous and self.records:
            newest = max((record.result for record in self.records), key=lambda result: result.revision)
            return known.model_copy(update={"revision": newest.revision, "digest": newest.digest})
        return known

    @activity.defn(name=contracts.COMPOSE_EDITION.name)
    async def compose(self, message: ComposeEdition) -> EditionComposed:
        await self._answer()
        self.composed.append(message)
        unread = [unit.unit for unit in message.units if unit.unit in self.unread]
        read = [unit for unit in message.units if unit.unit not in unread]
        lost = [_lost(unit, "collected, but our own store cannot be read") for unit in unread]
        dropped = [_lost(unit.unit, "collected without descriptions") for unit in read if unit.bodies_dropped]
        gaps = (*with_lost(message.gaps, lost), *dropped)
        told = [(unit.unit, unit.bodies_dropped) for unit in read]
        return EditionComposed(
            edition=stored("edition"),
            digest=hashlib.sha256(f"{told}{message.edits}".encode()).hexdigest(),
            item_count=len(read) - len(message.edits.hide),
            unclassified_ratio=0,
            completeness=1 - len({gap.unit for gap in gaps}) / 3,
            gaps=gaps,
            unread=tuple(unread),
            difference=Difference(added=1) if message.since else None,
        )

    @activity.defn(name=contracts.FIND_UNKNOWN_ITEMS.name)
    async def find_unknown_items(self, message: FindUnknownItems) -> UnknownItems:
        await self._answer()
        named = (*message.edits.hide, *message.edits.retitle)
        return UnknownItems(ids=tuple(item for item in named if item in self.unknown))

    @activity.defn(name=contracts.RENDER_EDITION.name)
    async def render(self, message: RenderEdition) -> EditionRendered:
        await self._answer()
        self.rendered.append(message)
        digests = (f"a{len(self.composed)}{message.telling.banner}", f"b{len(self.composed)}")
        return EditionRendered(formats={"slack": stored("rendering.slack")}, slack_part_digests=digests)

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
    async def record_delivery(self, message: RecordDelivery) -> Recorded:
        await self._answer()
        self.delivery_records.append(message)
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

    @activity.defn(name=contracts.COLLECT_REPOSITORIES_AGAIN.name)
    async def collect_repositories_again(self, message: StepRequest) -> StepResult:
        return await self._again(message)

    @activity.defn(name=contracts.COLLECT_PROJECTS_AGAIN.name)
    async def collect_projects_again(self, message: StepRequest) -> StepResult:
        return await self._again(message)

    @activity.defn(name=contracts.JOIN_ESCALATION.name)
    async def join_escalation(self, message: JoinEscalation) -> EscalationJoined:
        self.joined.append(message)
        self.was_asked[contracts.JOIN_ESCALATION.name].set()
        if self.joining is not None:
            await self.joining.wait()
        return EscalationJoined(escalation_id=names.own_escalation_id(message.subscriber.workflow_id))

    @activity.defn(name=contracts.NOTIFY_SLACK.name)
    async def notify(self, message: Notify) -> Notified:
        await self._answer()
        self.notices.append(message)
        return Notified(channel_id="C1", message_id="9.0")

    async def _again(self, message: StepRequest) -> StepResult:
        info = activity.info()
        now = info.current_attempt_scheduled_time
        self.asked[info.activity_type].append(now)
        self.was_asked[info.activity_type].set()
        return StepResult(
            healed=tuple(self._collected(unit.unit) for unit in message.units if unit.unit in self.answer_again),
            failures={
                unit.unit: self.refused[unit.unit]
                for unit in message.units
                if unit.unit in self.refused and unit.unit not in self.answer_again
            },
        )

    async def _collect(self, unit: str) -> UnitCollected:
        await self._answer(unit)
        return self._collected(unit)

    def _collected(self, unit: str) -> UnitCollected:
        now = activity.info().current_attempt_scheduled_time
        artifact = stored("collected")
        if unit in self.carried:
            artifact = ArtifactRef(inline="A" * self.carried[unit], size=1, kind="collected")
        return UnitCollected(
            unit=unit, artifact=artifact, api_calls=1, bodies_dropped=unit in self.without_texts, collected_at=now
        )

    async def _answer(self, name: str = "") -> None:
        """Raises what the case says."""
        info = activity.info()
        name = name or info.activity_type
        now = info.current_attempt_scheduled_time
        self.began = min(self.began, now)
        self.asked[name].append(now)
        self.was_asked[name].set()
        if name in self.holds:
            await self.holds[name].wait()
        if name in self.refused:
            raise to_application_error(self.refused[name], None)
        if now - self.began < self.away.get(name, timedelta()):
            raise to_application_error(self.away_because, None)


def _lost(unit: str, reason: str) -> Gap:
    return Gap(unit=unit, service=names.LOCAL, reason=reason, category=ErrorCategory.DATABASE.value)


def _name(answer: Callable[..., Any]) -> str:
    """The name under which the server knows the activity."""
    return str(activity._Definition.must_from_callable(answer).name)


async def let_pass(environment: WorkflowEnvironment, duration: timedelta) -> None:
    await environment.client.execute_workflow(
        Meanwhile.run, duration, id=f"meanwhile-{uuid4()}", task_queue=names.CONTROL_QUEUE
    )


@asynccontextmanager
async def serving(
    environment: WorkflowEnvironment, office: Office, services: Collection[str] = names.SERVICES
) -> AsyncIterator[None]:
    """Workers of these services and of all workflows, on the queues of their real names: the server is the test's."""
    client = environment.client
    served = {service: activities for service, activities in office.all().items() if service in services}
    local = served.pop(names.LOCAL, [])
    workers = [
        Worker(client, task_queue=names.EDITIONS_QUEUE, workflows=[WeeklyChangelog, Recovery], activities=local),
        Worker(client, task_queue=names.CONTROL_QUEUE, workflows=[Delivery, Amendment, Meanwhile], activities=local),
        *(
            Worker(client, task_queue=names.service_queue(service), activities=activities)
            for service, activities in served.items()
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
