"""The steps of recovery plans under their real names, each answering as the case says, and a Recovery that calls them.

The plans are the shipped ones, unless a case is about the interpreter itself.
"""

import asyncio
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio import activity, workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from devsync.contracts import activities as contracts
from devsync.contracts import names
from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.collection import CollectRepository, UnitCollected
from devsync.contracts.edition import Recorded
from devsync.contracts.escalation import EscalationJoined, JoinEscalation, SubscriberLeft
from devsync.contracts.recovery import (
    EditionSources,
    FailedUnit,
    RecordRecovery,
    RecoveryReport,
    RecoveryRequest,
    StepRequest,
    StepResult,
)
from devsync.domain.changelog.edition import Provenance, ProvenanceKind
from devsync.domain.changelog.window import week_window
from devsync.domain.errors import ErrorCategory, ErrorSeverity, Failure
from devsync.domain.recovery.choosing import plan_for
from devsync.domain.recovery.plan import Escalates, Handles, PlanStep, RecoveryPlan
from devsync.runtime.activity_errors import to_application_error
from devsync.settings.recovery import read_recovery
from workflows.recovery.recovery import Recovery

CONFIG = Path(__file__).parents[2] / "config"
WEEK = "2026-W47"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

AWAY = Failure(
    category=ErrorCategory.EXTERNAL_SERVICE, message="github answered 503", is_retryable=True, code="503",
    severity=ErrorSeverity.HIGH,
)  # fmt: skip
GONE = AWAY.model_copy(update={"is_retryable": False})
EXPIRED = Failure(
    category=ErrorCategory.AUTHENTICATION, message="the token has expired; set GITHUB_TOKEN", is_retryable=False
)
API, WEB = "github:acme/api", "github:acme/web"

Answer = StepResult | Failure | Callable[[StepRequest], StepResult]


def refused(until: datetime) -> Failure:
    return Failure(
        category=ErrorCategory.EXTERNAL_SERVICE, message="github's circuit breaker is open", is_retryable=False,
        code="circuit_open", retry_at=until, probes_allowed=5,
    )  # fmt: skip


def collected(unit: str, kind: ProvenanceKind = ProvenanceKind.LIVE) -> UnitCollected:
    artifact = ArtifactRef(digest="0" * 64, size=1, kind="collected")
    as_of = None if kind is ProvenanceKind.LIVE else NOON
    return UnitCollected(
        unit=unit, artifact=artifact, provenance=Provenance(kind=kind, as_of=as_of), api_calls=1, collected_at=NOON
    )


def heals(kind: ProvenanceKind = ProvenanceKind.LIVE, *, only: Collection[str] | None = None) -> Answer:
    """A step that heals the units it is given; with `only`, none but these."""

    def answer(message: StepRequest) -> StepResult:
        units = [unit.unit for unit in message.units if only is None or unit.unit in only]
        return StepResult(healed=tuple(collected(unit, kind) for unit in units), message=f"{kind.value} data")

    return answer


@dataclass
class Ground:
    """What each step answers, by its id: the first answer first, the last one again and again. Others raise GONE."""

    answers: dict[str, Sequence[Answer]] = field(default_factory=dict)
    given: dict[str, list[StepRequest]] = field(default_factory=lambda: defaultdict(list))
    """What each step was given, all attempts."""
    at: dict[str, list[datetime]] = field(default_factory=lambda: defaultdict(list))
    """When, in the server's time."""
    holds: Mapping[str, asyncio.Event] = field(default_factory=dict)
    """Steps that take until then."""
    was_asked: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    joins: list[JoinEscalation] = field(default_factory=list)
    was_joined: asyncio.Event = field(default_factory=asyncio.Event)
    joining: asyncio.Event | None = None
    """Joining takes until then."""
    joined_at_once: int = 0
    """Those before."""
    escalation_id: str = ""
    """The escalation that is joined; empty: the policy tells nobody."""
    own_escalation_id: str = ""
    """Likewise, for a cause that is not the service's; empty: the same one."""
    has_own_pages: bool = False
    """Each cause has an escalation of its own, as the product names it."""
    level: str = ""
    """Where it begins."""
    join_fails: Failure | None = None
    joins_at_most: int = 100
    """Further ones fail."""
    people: tuple[str, ...] = ()
    """Who may answer, as config/escalation.yaml has it."""
    records: list[RecordRecovery] = field(default_factory=list)
    record_fails: Failure | None = None

    def of_service(self, service: str) -> list[Callable[..., Any]]:
        steps = [self._step(contract.name) for contract in contracts.RECOVERY_STEPS if contract.service == service]
        return [*steps, self.join, self.record] if service == names.LOCAL else steps

    def _step(self, name: str) -> Callable[..., Any]:
        @activity.defn(name=name)
        async def step(message: StepRequest) -> StepResult:
            number = len(self.given[message.step])
            self.given[message.step].append(message)
            self.at[message.step].append(activity.info().scheduled_time)
            self.was_asked[message.step].set()
            if message.step in self.holds:
                await self.holds[message.step].wait()
            answers = self.answers.get(message.step, (GONE,))
            answer = answers[min(number, len(answers) - 1)]
            if isinstance(answer, Failure):
                raise to_application_error(answer, None)
            return answer if isinstance(answer, StepResult) else answer(message)

        return step

    @activity.defn(name=contracts.JOIN_ESCALATION.name)
    async def join(self, message: JoinEscalation) -> EscalationJoined:
        if self.join_fails is not None or len(self.joins) >= self.joins_at_most:
            raise to_application_error(self.join_fails or GONE, None)
        self.joins.append(message)
        self.was_joined.set()
        if self.joining is not None and len(self.joins) > self.joined_at_once:
            await self.joining.wait()
        own = "" if message.service else self.own_escalation_id
        if self.has_own_pages:
            own = message.escalation_id
        return EscalationJoined(escalation_id=own or self.escalation_id, level=self.level, people=self.people)

    @activity.defn(name=contracts.RECORD_RECOVERY.name)
    async def record(self, message: RecordRecovery) -> Recorded:
        if self.record_fails is not None:
            raise to_application_error(self.record_fails, None)
        self.records.append(message)
        return Recorded()


@workflow.defn(name="EscalationThatListens", sandboxed=False)
class Escalation:
    """What a recovery joins: keeps who left it, until it is told to end."""

    def __init__(self) -> None:
        self._left: list[SubscriberLeft] = []

    @workflow.run
    async def run(self) -> list[SubscriberLeft]:
        await workflow.wait_condition(lambda: bool(self._left))
        return self._left

    @workflow.signal
    def left(self, left: SubscriberLeft) -> None:
        self._left.append(left)


SERVED = (names.GITHUB, names.LOCAL, names.STATUS, names.GIT_MIRROR)


@dataclass
class Stage:
    environment: WorkflowEnvironment
    ground: Ground
    queue: str
    escalation: WorkflowHandle[Escalation, list[SubscriberLeft]] | None = None

    async def with_escalation(self) -> WorkflowHandle[Escalation, list[SubscriberLeft]]:
        """An escalation that the recovery will join."""
        self.escalation = await self.environment.client.start_workflow(
            Escalation.run, id=f"escalation:{uuid.uuid4()}", task_queue=self.queue
        )
        self.ground.escalation_id = self.escalation.id
        return self.escalation

    async def start(self, message: RecoveryRequest) -> WorkflowHandle[Recovery, RecoveryReport]:
        return await self.environment.client.start_workflow(
            Recovery.run, message, id=f"recovery:payments:{uuid.uuid4()}", task_queue=self.queue
        )

    async def recover(self, message: RecoveryRequest) -> RecoveryReport:
        return await (await self.start(message)).result()

    async def now(self) -> datetime:
        return await self.environment.get_current_time()


@asynccontextmanager
async def served(client: Client, ground: Ground, queue: str, services: Collection[str] = SERVED) -> AsyncIterator[None]:
    """Recoveries on this queue, and steps on their services' queues: one test at a time."""
    async with AsyncExitStack() as stack:
        local = ground.of_service(names.LOCAL) if names.LOCAL in services else []
        await stack.enter_async_context(
            Worker(client, task_queue=queue, workflows=[Recovery, Escalation], activities=local)
        )
        for service in services:
            if service == names.LOCAL:
                continue
            steps = ground.of_service(service)
            await stack.enter_async_context(Worker(client, task_queue=names.service_queue(service), activities=steps))
        yield


@asynccontextmanager
async def stage(
    environment: WorkflowEnvironment, ground: Ground, services: Collection[str] = SERVED
) -> AsyncIterator[Stage]:
    on = Stage(environment, ground, queue=f"editions-{uuid.uuid4()}")
    async with served(environment.client, ground, on.queue, services):
        yield on
        if on.escalation is not None:  # an open run lets the server's clock leap to its end, for all tests
            with suppress(RPCError):
                await on.escalation.terminate("its test is over")


def shipped(service: str = names.GITHUB, phase: str = "collect", *failures: Failure) -> RecoveryPlan:
    plan = plan_for(read_recovery(CONFIG / "recovery.yaml").model.plans, service, phase, failures)
    assert plan is not None
    return plan


def plan_of(*steps: PlanStep, **escalates: Any) -> RecoveryPlan:
    handles = (Handles(service=names.GITHUB, phase="collect"),)
    return RecoveryPlan(name="own", handles=handles, steps=steps, escalates=Escalates.model_validate(escalates))


def step(name: str, activity_name: str = "local.use_cached", **changes: Any) -> PlanStep:
    return PlanStep.model_validate({"id": name, "activity": activity_name, "timeout": MINUTE} | changes)


def failed(unit: str, failure: Failure = AWAY) -> FailedUnit:
    window = week_window(WEEK, "UTC")
    ask = CollectRepository(collection_id="c", team="payments", repository=unit.partition(":")[2], window=window)
    return FailedUnit(unit=unit, service=names.GITHUB, failure=failure, ask=ask)


def request(now: datetime, *units: FailedUnit, within: timedelta = 60 * MINUTE, **changes: Any) -> RecoveryRequest:
    """A recovery of GitHub that has this long, by the shipped plan."""
    units = units or (failed(API), failed(WEB))
    values = {
        "team": "payments",
        "iso_week": WEEK,
        "service": names.GITHUB,
        "phase": "collect",
        "window": week_window(WEEK, "UTC"),
        "plan": shipped(names.GITHUB, "collect", *(unit.failure for unit in units)),
        "units": units,
        "sources": EditionSources(
            mirrors={"acme/api": "https://git.acme.dev/api.git", "acme/web": "https://git.acme.dev/web.git"},
            status_pages={names.GITHUB: "https://status.acme.dev"},
        ),
        "deadline": now + within,
        "policies": {},
    }
    return RecoveryRequest.model_validate(values | changes)
