"""Escalations under skipped time: people who are told as each case says, and workflows that wait for their answer.

The real protocols, servers and processes are tested end to end elsewhere.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from temporalio import activity, workflow
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client, WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from devsync.contracts import activities as contracts
from devsync.contracts import names
from devsync.contracts.delivery import FindPart, PartFound
from devsync.contracts.edition import Recorded
from devsync.contracts.escalation import (
    EscalationDecided,
    EscalationJoin,
    EscalationStart,
    EscalationView,
    JoinEscalation,
    RecordEscalation,
    Subscriber,
    SubscriberLeft,
)
from devsync.contracts.notifications import Notified, Notify
from devsync.contracts.policies import OperationPolicy, Policies, RetryDeclaration
from devsync.domain.errors import ErrorCategory, ErrorSeverity, Failure
from devsync.domain.escalation.business_time import BusinessHours
from devsync.domain.escalation.machine import Event
from devsync.domain.escalation.policy import EscalationPolicy, Level, Target
from devsync.domain.recovery.decision import Decision
from devsync.runtime.activity_errors import to_application_error
from devsync.runtime.plugin import DevSyncPlugin
from sandbox.temporal_server import TemporalServer
from tests.workflows.waits import until_view
from workflows.escalation.escalation import Escalation

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
ALL = tuple(Decision)
DOWN = Failure(
    category=ErrorCategory.EXTERNAL_SERVICE, message="github answered 503", is_retryable=True, fingerprint="f1"
)
UNREACHABLE = Failure(category=ErrorCategory.NETWORK, message="slack cannot be reached", is_retryable=True)
NO_ANSWER = Failure(
    category=ErrorCategory.NETWORK, message="slack did not answer", is_retryable=True, may_have_taken_effect=True
)
UNKNOWN_CHANNEL = Failure(category=ErrorCategory.DISTRIBUTION, message="channel_not_found", is_retryable=False)
DATABASE_AWAY = Failure(category=ErrorCategory.DATABASE, message="PostgreSQL does not answer", is_retryable=True)
POLICIES: Policies = {
    contract.name: OperationPolicy(
        retry=RetryDeclaration(initial=SECOND, factor=2, maximum=MINUTE),
        start_to_close=10 * SECOND,
        schedule_to_close=timedelta(days=7) if contract is contracts.RECORD_ESCALATION else 2 * MINUTE,
    )
    for contract in contracts.ESCALATION_ACTIVITIES
}


def level(name: str, delay: timedelta, *targets: str, **more: Any) -> Level:
    kinds = [Target(kind="email" if "@" in one[1:] else "slack", target=one) for one in targets]
    return Level(name=name, targets=tuple(kinds), delay=delay, **more)


def policy(*levels: Level, business_hours: BusinessHours | None = None, **more: Any) -> EscalationPolicy:
    chosen = levels or (
        level("team_lead", HOUR, "#leads"),
        level("engineering_manager", HOUR, "#managers"),
        level("executive", HOUR, "#executives"),
    )
    entry = {ErrorSeverity.MEDIUM: chosen[0].name, ErrorSeverity.HIGH: chosen[-1].name}
    rules: dict[str, Any] = {"acknowledgement_timeout": 4 * HOUR, "default_decision": Decision.USE_FALLBACK}
    return EscalationPolicy(name="test", levels=chosen, entry=entry, business_hours=business_hours, **(rules | more))


def joined(
    workflow_id: str,
    rules: EscalationPolicy | None = None,
    *,
    service: str = "github",
    failure: Failure = DOWN,
    severity: ErrorSeverity = ErrorSeverity.MEDIUM,
    replaces: str = "",
    **subscriber: Any,
) -> EscalationJoin:
    """What the activity makes of a subscriber that joins."""
    rules = rules or policy()
    values = {"team": "payments", "iso_week": "2026-W47", "subject": f"payments: {workflow_id}", "choices": ALL}
    return EscalationJoin(
        request=JoinEscalation(
            service=service,
            failure=failure,
            severity=severity,
            replaces=replaces,
            subscriber=Subscriber(workflow_id=workflow_id, **(values | subscriber)),
        ),
        policy=rules,
        level=rules.entry_level(severity) or rules.level_names[0],
        policies=POLICIES,
        uncertain_wait=20 * SECOND,
        retry_after=(5 * SECOND, 10 * MINUTE),
    )


@workflow.defn(sandboxed=False)
class Waiting:
    """A workflow that waits for a decision, as a recovery does; its result is what it was told."""

    def __init__(self) -> None:
        self._told: list[EscalationDecided] = []

    @workflow.run
    async def run(self) -> list[EscalationDecided]:
        await workflow.wait_condition(lambda: bool(self._told))
        return self._told

    @workflow.signal
    def decided(self, told: EscalationDecided) -> None:
        self._told.append(told)


@dataclass
class People:
    """Everybody who can be told, and how that goes wrong."""

    failures: dict[str, list[tuple[Failure, bool]]] = field(default_factory=dict)
    """By target, or `TARGET note`: (failure, did it arrive all the same) of the first calls."""
    away: set[str] = field(default_factory=set)
    """Targets that cannot be reached until they are taken out."""
    holds: dict[str, asyncio.Event] = field(default_factory=dict)
    """By target: what a call to it waits for before it arrives."""
    find_failures: list[Failure] = field(default_factory=list)
    calls: list[Notify] = field(default_factory=list)
    finds: list[FindPart] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)
    posts: dict[str, Notify] = field(default_factory=dict)
    """What stands there, by message id."""
    records: list[RecordEscalation] = field(default_factory=list)
    is_database_away: bool = False

    @activity.defn(name=contracts.NOTIFY_SLACK.name)
    async def slack(self, message: Notify) -> Notified:
        return await self._notify(message)

    @activity.defn(name=contracts.NOTIFY_EMAIL.name)
    async def email(self, message: Notify) -> Notified:
        return await self._notify(message)

    @activity.defn(name=contracts.FIND_SLACK_PART.name)
    async def find(self, message: FindPart) -> PartFound:
        self.finds.append(message)
        if self.find_failures:
            raise to_application_error(self.find_failures.pop(0), None)
        found = [ts for ts, post in self.posts.items() if post.key == message.key]
        return PartFound(channel_id="C1", message_ts=found[0] if found else "")

    @activity.defn(name=contracts.RECORD_ESCALATION.name)
    async def record(self, message: RecordEscalation) -> Recorded:
        if self.is_database_away:
            raise to_application_error(DATABASE_AWAY, SECOND)
        self.records.append(message)
        return Recorded()

    async def _notify(self, message: Notify) -> Notified:
        target = message.target.target
        self.calls.append(message)
        self.times.append(activity.info().scheduled_time)
        if target in self.holds:
            await self.holds[target].wait()
        if target in self.away:
            raise to_application_error(UNREACHABLE, None)
        planned = self.failures.get(f"{target} note" if message.thread_id else target, [])
        failure, arrives = planned.pop(0) if planned else (None, True)
        ts = message.message_id or f"{len(self.calls)}.0"
        if arrives:
            self.posts[ts] = message
        if failure is not None:
            raise to_application_error(failure, None)
        return Notified(channel_id="C1", message_id=ts)

    def told(self) -> list[tuple[str, datetime]]:
        """Who got a message of their own, in order, and when."""
        firsts: dict[str, datetime] = {}
        for message, at in zip(self.calls, self.times, strict=True):
            if not message.thread_id:
                firsts.setdefault(message.target.target, at)
        return list(firsts.items())

    def pages(self) -> list[str]:
        """The targets of all messages that are no thread notes: one that occurs twice was told twice."""
        return [post.target.target for post in self.posts.values() if not post.thread_id]

    def mails(self, address: str) -> list[str]:
        """What each one to that address began with."""
        return [call.notice.title.partition(":")[0] for call in self.calls if call.target.target == address]

    def notes(self) -> list[str]:
        return [post.notice.title for post in self.posts.values() if post.thread_id]

    def newest(self, target: str) -> Notify:
        """What stands there last, notes aside."""
        return [post for post in self.posts.values() if post.target.target == target and not post.thread_id][-1]

    def events(self) -> list[Event]:
        """On record, of all pages, each once."""
        numbered = {
            (record.page, number): event
            for record in self.records
            for number, event in enumerate(record.events, record.first_number)
        }
        return list(numbered.values())

    def kinds(self) -> list[str]:
        return [event.kind.value for event in self.events()]


@dataclass
class Stage:
    client: Client
    people: People
    service: str
    environment: WorkflowEnvironment | None = None
    """None: a server whose time goes by as usual."""
    started: list[WorkflowHandle[Any, EscalationView]] = field(default_factory=list)
    """What starting and joining gave: these handles alone let time leap."""

    @property
    def escalation_id(self) -> str:
        return names.service_escalation_id(self.service)

    @property
    def handle(self) -> WorkflowHandle[Any, EscalationView]:
        return self.client.get_workflow_handle(self.escalation_id, result_type=EscalationView)

    async def waiting(self, count: int = 1) -> list[WorkflowHandle[Any, list[EscalationDecided]]]:
        """That many workflows that will wait."""
        return [
            await self.client.start_workflow(Waiting.run, id=f"recovery:{uuid.uuid4()}", task_queue=names.CONTROL_QUEUE)
            for _ in range(count)
        ]

    async def join(
        self,
        workflow_id: str,
        rules: EscalationPolicy | None = None,
        *,
        failure: Failure = DOWN,
        severity: ErrorSeverity = ErrorSeverity.MEDIUM,
        replaces: str = "",
        **subscriber: Any,
    ) -> None:
        """As the activity does it: by signal-with-start."""
        join = joined(
            workflow_id,
            rules,
            service=self.service,
            failure=failure,
            severity=severity,
            replaces=replaces,
            **subscriber,
        )
        self.started.append(
            await self.client.start_workflow(
                names.ESCALATION,
                EscalationStart(),
                id=self.escalation_id,
                task_queue=names.CONTROL_QUEUE,
                start_signal="join",
                start_signal_args=[join],
                result_type=EscalationView,
            )
        )

    async def leave(self, workflow_id: str, *, is_healed: bool, note: str = "") -> None:
        await self.handle.signal("left", SubscriberLeft(workflow_id=workflow_id, is_healed=is_healed, note=note))

    async def say(self, name: str, *arguments: Any) -> None:
        await self.handle.signal(name, args=arguments)

    async def view(self) -> EscalationView:
        answer: EscalationView = await self.handle.query("state", result_type=EscalationView)
        return answer

    async def until(self, is_so: Callable[[EscalationView], bool]) -> EscalationView:
        return await until_view(self.view, is_so)

    async def details(self) -> str:
        metadata = await self.handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
        return str(metadata.current_details)

    async def result(self) -> EscalationView:
        """How it ended; time leaps until then."""
        return await asyncio.wait_for(self.started[-1].result(), 60)

    async def told(self, target: str) -> None:
        """Until somebody has a message, without letting time leap."""

        await self.until(lambda view: any(one.target.target == target and one.told_at for one in view.told))

    def at_rest(self) -> Any:
        """Time goes by as usual."""
        return self.environment.auto_time_skipping_disabled() if self.environment else nullcontext()


@asynccontextmanager
async def escalation_stage(environment: WorkflowEnvironment, people: People | None = None) -> AsyncIterator[Stage]:
    """Workers on the queues of their real names: the server is the test's."""
    stage = Stage(environment.client, people or People(), _service(), environment)
    async with _served(stage):
        yield stage


@asynccontextmanager
async def real_escalation_stage(server: TemporalServer) -> AsyncIterator[Stage]:
    """The real server. What is left there in the end is ended."""
    client = await Client.connect(server.address, plugins=[DevSyncPlugin()])
    stage = Stage(client, People(), _service())
    async with _served(stage):
        yield stage
    with suppress(RPCError):
        await stage.handle.terminate("its test is over")


@asynccontextmanager
async def _served(stage: Stage) -> AsyncIterator[None]:
    client, people = stage.client, stage.people
    activities: dict[str, list[Callable[..., Any]]] = {
        names.SLACK: [people.slack, people.find],
        names.EMAIL: [people.email],
    }
    async with AsyncExitStack() as stack:
        control = Worker(
            client,
            task_queue=names.CONTROL_QUEUE,
            workflows=[Escalation, Waiting],
            activities=[people.record],
        )
        await stack.enter_async_context(control)
        for service, served in activities.items():
            queue = names.service_queue(service)
            await stack.enter_async_context(Worker(client, task_queue=queue, activities=served))
        yield


def _service() -> str:
    """One that no other test knows."""
    return f"github-{uuid.uuid4().hex[:8]}"
