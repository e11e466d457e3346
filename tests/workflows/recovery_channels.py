"""Channels that take what a recovery does as the test says, and the recovery of one that is down."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from temporalio import workflow
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from devsync.contracts import names
from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.delivery import (
    ChannelPlan,
    DeliveryOutcome,
    DeliveryRequest,
    DeliverySchedule,
    DeliveryState,
    Drop,
    Listen,
    PutOff,
    TryNow,
)
from devsync.contracts.escalation import HeldPlace, PlacesKept
from devsync.contracts.recovery import FailedUnit, RecoveryReport, RecoveryRequest
from devsync.domain.errors import ErrorCategory, Failure
from devsync.domain.recovery.plan import StepState
from tests.workflows.recovery_stage import MINUTE, SERVED, WEEK, Ground, shipped, stage
from workflows.shared.signals import signal_if_open

UNIT, BACKUP, OTHER, MAIL = "slack-payments", "slack-backup", "slack-other", "email-1"

DOWN = Failure(category=ErrorCategory.NETWORK, message="slack cannot be reached", is_retryable=True)


@dataclass
class Channels:
    """How each channel takes it, by key: the tries in their order, the last one again and again."""

    takes: Mapping[str, list[bool | None]] = field(default_factory=dict)
    """None: it says nothing."""
    tries: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    put_off: dict[str, datetime] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)
    kept: list[HeldPlace] = field(default_factory=list)
    """By recoveries that are over."""
    asked: list[TryNow] = field(default_factory=list)
    listeners: dict[str, list[str]] = field(default_factory=dict)
    """Who is told what comes of the last try."""
    again_after: timedelta | None = None
    """A failed try is made again by itself."""
    refuses_for_good: bool = False
    begun: dict[str, list[DeliveryRequest]] = field(default_factory=lambda: defaultdict(list))
    """What each run was given."""


CHANNELS = Channels()
"""Of the test that runs: a workflow is made by its worker, and cannot be given one."""


@workflow.defn(name=names.DELIVERY, sandboxed=False)
class FakeDelivery:
    """As Delivery speaks with others: it reports after each try, and once of a row that somebody asked for."""

    @workflow.init
    def __init__(self, request: DeliveryRequest) -> None:
        self._request = request
        self._listeners = [listener for listener in (request.reply_to, request.also_tell) if listener]
        self._row = request.asks_for or TryNow()
        self._made = 0
        self._asked_at = workflow.now() if request.asks_for else None
        """When the row's next try is due."""
        self._is_dropped = False
        self._is_over = False

    @workflow.run
    async def run(self, request: DeliveryRequest) -> DeliveryOutcome:
        CHANNELS.begun[request.channel.key].append(request)
        while not self._is_over:
            await self._try()
            await self._wait()
        return self._outcome(DeliveryState.DELIVERED)

    @workflow.signal
    async def listen(self, message: Listen) -> None:
        self._listeners.append(message.reply_to)
        if CHANNELS.refuses_for_good:
            await self._report(self._outcome(DeliveryState.FAILED))

    @workflow.signal
    def try_now(self, message: TryNow) -> None:
        CHANNELS.asked.append(message)
        self._row, self._made, self._asked_at = message, 0, workflow.now()

    @workflow.signal
    def put_off(self, message: PutOff) -> None:
        CHANNELS.put_off[self._request.channel.key] = message.until

    @workflow.signal
    def places_kept(self, message: PlacesKept) -> None:
        CHANNELS.kept.extend(message.places)

    @workflow.signal
    async def drop(self, message: Drop) -> None:
        self._let_be()
        await self._report(self._outcome(DeliveryState.FAILED).model_copy(update={"was_stopped": True}))
        self._is_over = True

    async def _try(self) -> None:
        key = self._request.channel.key
        takes = CHANNELS.takes.get(key, [False])
        is_taken = takes[min(CHANNELS.tries[key], len(takes) - 1)]
        CHANNELS.tries[key] += 1
        CHANNELS.listeners[key] = self._told
        if self._asked_at is not None and self._asked_at <= workflow.now():
            self._made += 1
            is_left = self._made < self._row.attempts
            self._asked_at = workflow.now() + self._row.wait if is_left else None
        if is_taken is None or self._is_dropped:
            return
        gives_up = not is_taken and self._is_too_late()
        refused = DeliveryState.FAILED if CHANNELS.refuses_for_good or gives_up else DeliveryState.PENDING
        state = DeliveryState.DELIVERED if is_taken else refused
        if gives_up:
            self._let_be()
        if state is not DeliveryState.PENDING or (self._request.gives_up_at is None and self._asked_at is None):
            await self._report(self._outcome(state).model_copy(update={"was_stopped": gives_up}))
        self._is_over = is_taken or gives_up

    def _let_be(self) -> None:
        """Once: while it tells so, time may leap here to its last try, or the word come that it is to be dropped."""
        if not self._is_dropped:
            CHANNELS.dropped.append(self._request.channel.key)
        self._is_dropped = True

    async def _wait(self) -> None:
        asked_at = self._asked_at
        with suppress(TimeoutError):
            await workflow.wait_condition(lambda: self._asked_at != asked_at or self._is_over, timeout=self._pause)

    @property
    def _pause(self) -> timedelta | None:
        until_asked = None if self._asked_at is None else self._asked_at - workflow.now()
        return min((one for one in (until_asked, CHANNELS.again_after) if one is not None), default=None)

    @property
    def _told(self) -> list[str]:
        return [*dict.fromkeys(one for one in (*self._listeners, self._row.reply_to) if one)]

    def _is_too_late(self) -> bool:
        until, pause = self._request.gives_up_at, CHANNELS.again_after
        return until is not None and (pause is None or workflow.now() + pause >= until)

    async def _report(self, outcome: DeliveryOutcome) -> None:
        for listener in self._told:
            tries = self._made if listener == self._row.reply_to else 0
            await signal_if_open(listener, "delivery_reported", outcome.model_copy(update={"tries": tries}))

    def _outcome(self, state: DeliveryState) -> DeliveryOutcome:
        return DeliveryOutcome(
            team="payments",
            iso_week=WEEK,
            channel=self._request.channel.key,
            kind=self._request.channel.kind,
            revision=1,
            state=state,
            setback=None if state is DeliveryState.DELIVERED else DOWN,
        )


def delivery(key: str, target: str = "#payments") -> DeliveryRequest:
    kind = key.partition("-")[0]
    return DeliveryRequest(
        team="payments",
        iso_week=WEEK,
        channel=ChannelPlan(key=key, kind=kind, target=target),
        revision=1,
        rendering=ArtifactRef(digest="0" * 64, size=1, kind="rendering"),
        part_digests=("a",),
        policies={},
        schedule=DeliverySchedule(retry_after=(MINUTE,), uncertain_wait=MINUTE),
    )


def request(now: datetime, failure: Failure = DOWN, **changes: Any) -> RecoveryRequest:
    values = {
        "team": "payments",
        "iso_week": WEEK,
        "service": names.SLACK,
        "phase": "deliver",
        "plan": shipped(names.SLACK, "deliver", failure),
        "units": (FailedUnit(unit=UNIT, service=names.SLACK, failure=failure),),
        "deadline": now + 30 * MINUTE,
        "policies": {},
        "deliveries": (delivery(UNIT),),
    }
    return RecoveryRequest.model_validate(values | changes)


@asynccontextmanager
async def deliveries(environment: WorkflowEnvironment, *open_ones: str) -> AsyncIterator[None]:
    """Serves Deliveries; those that are named are open, and have had their first try."""
    handles: list[WorkflowHandle[Any, Any]] = []
    async with Worker(environment.client, task_queue=names.CONTROL_QUEUE, workflows=[FakeDelivery]):
        for key in open_ones:
            handles.append(
                await environment.client.start_workflow(
                    FakeDelivery.run,
                    delivery(key),
                    id=names.delivery_id("payments", WEEK, key),
                    task_queue=names.CONTROL_QUEUE,
                )
            )
            while not CHANNELS.tries[key]:
                await asyncio.sleep(0.02)
        yield


async def recovered(
    environment: WorkflowEnvironment,
    takes: Mapping[str, list[bool | None]],
    *open_ones: str,
    **changes: Any,
) -> RecoveryReport:
    CHANNELS.__init__(  # type: ignore[misc]
        takes,
        again_after=changes.pop("again_after", None),
        refuses_for_good=changes.pop("refuses_for_good", False),
    )
    async with stage(environment, Ground(), SERVED) as on, deliveries(environment, *open_ones):
        return await on.recover(request(await on.now(), **changes))


def states(report: RecoveryReport) -> list[tuple[str, StepState]]:
    return [(record.id, record.state) for record in report.steps]


BACKUPS = {"alternatives": {UNIT: (delivery(BACKUP, "#backup"), delivery(OTHER, "#other"))}}

MAILS = {"mails": (delivery(MAIL, "payments@acme.dev"),)}
