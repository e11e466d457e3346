"""The steps of delivery plans: they tell the channels' Deliveries what to do, and wait for what these report."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
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
from devsync.contracts.escalation import EscalationDecided
from devsync.contracts.recovery import FailedUnit, RecoveryReport, RecoveryRequest
from devsync.domain.errors import ErrorCategory, Failure
from devsync.domain.escalation.machine import POLICY
from devsync.domain.recovery.decision import Decision
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.domain.recovery.plan import StepState
from tests.workflows.office import until_idle
from tests.workflows.recovery_stage import EXPIRED, MINUTE, SERVED, WEEK, Ground, shipped, stage
from workflows.signals import signal_if_open

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
    """As Delivery speaks with others: it reports after each try."""

    @workflow.init
    def __init__(self, request: DeliveryRequest) -> None:
        self._request = request
        self._listeners = [listener for listener in (request.reply_to, request.also_tell) if listener]
        self._is_asked = True
        self._is_over = False

    @workflow.run
    async def run(self, request: DeliveryRequest) -> DeliveryOutcome:
        CHANNELS.begun[request.channel.key].append(request)
        while not self._is_over:
            with suppress(TimeoutError):
                await workflow.wait_condition(lambda: self._is_asked or self._is_over, timeout=CHANNELS.again_after)
            self._is_asked = False
            await self._try()
        return self._outcome(DeliveryState.DELIVERED)

    @workflow.signal
    async def listen(self, message: Listen) -> None:
        self._listeners.append(message.reply_to)
        if CHANNELS.refuses_for_good:
            await self._report(self._outcome(DeliveryState.FAILED))

    @workflow.signal
    def try_now(self, message: TryNow) -> None:
        self._listeners += [message.reply_to or ""]
        self._is_asked = True

    @workflow.signal
    def put_off(self, message: PutOff) -> None:
        CHANNELS.put_off[self._request.channel.key] = message.until

    @workflow.signal
    async def drop(self, message: Drop) -> None:
        CHANNELS.dropped.append(self._request.channel.key)
        await self._report(self._outcome(DeliveryState.FAILED).model_copy(update={"was_stopped": True}))
        self._is_over = True

    async def _try(self) -> None:
        key = self._request.channel.key
        takes = CHANNELS.takes.get(key, [False])
        is_taken = takes[min(CHANNELS.tries[key], len(takes) - 1)]
        CHANNELS.tries[key] += 1
        CHANNELS.listeners[key] = [*self._listeners]
        if is_taken is None or self._is_over:
            return
        gives_up = not is_taken and self._is_too_late()
        refused = DeliveryState.FAILED if CHANNELS.refuses_for_good or gives_up else DeliveryState.PENDING
        state = DeliveryState.DELIVERED if is_taken else refused
        if state is not DeliveryState.PENDING or self._request.gives_up_at is None:
            await self._report(self._outcome(state).model_copy(update={"was_stopped": gives_up}))
        self._is_over = is_taken or gives_up
        if gives_up:
            CHANNELS.dropped.append(key)

    def _is_too_late(self) -> bool:
        until, pause = self._request.gives_up_at, CHANNELS.again_after
        return until is not None and (pause is None or workflow.now() + pause >= until)

    async def _report(self, outcome: DeliveryOutcome) -> None:
        for listener in dict.fromkeys(self._listeners):
            await signal_if_open(listener, "delivery_reported", outcome)

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


async def test_a_retry_has_the_delivery_try_at_once_and_runs_no_fallback(own_time: WorkflowEnvironment) -> None:
    report = await recovered(own_time, {UNIT: [False, True]}, UNIT, **BACKUPS)
    assert states(report) == [("retry", StepState.RESOLVED)]
    assert report.outcome is RecoveryOutcome.HEALED
    assert dict(CHANNELS.tries) == {UNIT: 2}


async def test_a_retry_is_made_twice(own_time: WorkflowEnvironment) -> None:
    report = await recovered(own_time, {UNIT: [False, False, True]}, UNIT)
    assert (states(report), report.steps[0].attempts) == ([("retry", StepState.RESOLVED)], 2)


async def test_a_delivery_that_has_ended_begins_again(own_time: WorkflowEnvironment) -> None:
    report = await recovered(own_time, {UNIT: [True]})
    assert report.outcome is RecoveryOutcome.HEALED


async def test_an_alternative_channel_stands_in(own_time: WorkflowEnvironment) -> None:
    report = await recovered(own_time, {BACKUP: [False], OTHER: [True]}, UNIT, **BACKUPS)
    assert states(report) == [("retry", StepState.FAILED), ("alternative", StepState.RESOLVED)]
    assert report.outcome is RecoveryOutcome.STAND_IN
    assert CHANNELS.dropped == [BACKUP]  # it must not come later, beside the other


async def test_mail_stands_in_for_the_channel(own_time: WorkflowEnvironment) -> None:
    report = await recovered(own_time, {MAIL: [True]}, UNIT, **MAILS)
    assert states(report)[-2:] == [("alternative", StepState.SKIPPED), ("email", StepState.RESOLVED)]
    assert report.steps[1].message == "the team has no alternative channel"
    assert report.healed_without_data == (UNIT,)


async def test_what_nobody_takes_is_queued_with_time_to_heal(own_time: WorkflowEnvironment) -> None:
    report = await recovered(own_time, {}, UNIT, **MAILS)
    assert states(report)[-2:] == [("email", StepState.FAILED), ("queue", StepState.RESOLVED)]
    assert report.started_at is not None
    assert 29 * MINUTE < CHANNELS.put_off[UNIT] - report.started_at < 34 * MINUTE
    assert report.steps[-1].message == f"queued; the next try is at {CHANNELS.put_off[UNIT]:%H:%M} UTC"


async def test_a_channel_that_says_nothing_costs_its_time_alone(own_time: WorkflowEnvironment) -> None:
    report = await recovered(own_time, {UNIT: [False, None], MAIL: [True]}, UNIT, **MAILS)
    retry, *_, email = report.steps
    assert (retry.state, email.state) == (StepState.TIMED_OUT, StepState.RESOLVED)
    assert retry.message == "slack-payments did not say in time what came of it"
    assert 0.9 * MINUTE < retry.duration < 1.2 * MINUTE


async def test_what_only_people_can_mend_is_not_retried(own_time: WorkflowEnvironment) -> None:
    report = await recovered(own_time, {MAIL: [True]}, UNIT, failure=EXPIRED, **MAILS)
    assert report.steps[0].state is StepState.SKIPPED
    assert report.steps[0].message.endswith("what is left failed with authentication")
    assert CHANNELS.tries[UNIT] == 1


async def test_in_the_end_a_person_gets_what_to_paste(own_time: WorkflowEnvironment) -> None:
    CHANNELS.__init__({})  # type: ignore[misc]
    ground = Ground()
    plan = shipped(names.SLACK, "deliver", EXPIRED)
    async with stage(own_time, ground) as on, deliveries(own_time):
        message = request(await on.now(), EXPIRED, plan=plan, deadline=await on.now() + 2 * MINUTE)
        report = await on.recover(message)
    assert states(report)[-2:] == [("queue", StepState.SKIPPED), ("manual", StepState.SUCCEEDED)]
    assert ground.joins[0].reason == (
        "the text to paste into #payments comes by `python starter.py preview payments --week 2026-W47 --format text`"
    )


async def test_a_person_may_have_it_tried_again(own_time: WorkflowEnvironment) -> None:
    CHANNELS.__init__({UNIT: [False, False, False, True]})  # type: ignore[misc]
    ground = Ground()
    plan = shipped(names.SLACK, "deliver", DOWN)
    plan = plan.model_copy(update={"steps": plan.steps[:1]})
    async with stage(own_time, ground) as on, deliveries(own_time, UNIT):
        await on.with_escalation()
        handle = await on.start(request(await on.now(), plan=plan))
        await ground.was_joined.wait()
        await handle.signal("resolve", {"by": "anna", "decision": "retry"})
        report = await handle.result()
    assert (report.outcome, report.decided_by) == (RecoveryOutcome.HEALED, "anna")


async def test_what_has_been_sent_elsewhere_stays_there_also_when_people_go_on_without(
    own_time: WorkflowEnvironment,
) -> None:
    CHANNELS.__init__({MAIL: [True]})  # type: ignore[misc]
    ground = Ground()
    plan = shipped(names.SLACK, "deliver", EXPIRED)
    plan = plan.model_copy(update={"escalates": plan.escalates.model_copy(update={"ask": "stand_in"})})
    async with stage(own_time, ground) as on, deliveries(own_time, UNIT):
        await on.with_escalation()
        handle = await on.start(request(await on.now(), EXPIRED, plan=plan, **MAILS))
        await ground.was_joined.wait()
        await handle.signal("resolve", {"by": "anna", "decision": "skip"})
        report = await handle.result()
    assert (report.decided_by, report.outcome) == ("anna", RecoveryOutcome.STAND_IN)
    assert report.healed_without_data == (UNIT,)
    assert CHANNELS.dropped == [UNIT]


@pytest.mark.parametrize(
    ("decision", "by", "is_let_be"),
    [
        (Decision.SKIP, "anna", True),
        (Decision.ABORT, "anna", True),
        (Decision.SKIP, POLICY, False),
        (Decision.USE_FALLBACK, "anna", False),  # decided for many: where nothing stands in, without is what is meant
    ],
)
async def test_a_channel_is_let_be_when_a_person_says_so_and_not_because_nobody_answers(
    decision: Decision, by: str, is_let_be: bool, own_time: WorkflowEnvironment
) -> None:
    CHANNELS.__init__({})  # type: ignore[misc]
    ground = Ground()
    plan = shipped(names.SLACK, "deliver", EXPIRED)
    plan = plan.model_copy(update={"steps": plan.steps[-1:]})  # people are asked at once
    async with stage(own_time, ground) as on, deliveries(own_time, UNIT):
        escalation = await on.with_escalation()
        with own_time.auto_time_skipping_disabled():
            handle = await on.start(request(await on.now(), EXPIRED, plan=plan))
            await ground.was_joined.wait()
            await until_idle(handle)
            await handle.signal("decided", EscalationDecided(escalation_id=escalation.id, decision=decision, by=by))
            report = await handle.result()
    assert report.decided_by == by
    assert CHANNELS.dropped == ([UNIT] if is_let_be else [])


async def test_a_channel_that_tries_no_more_is_not_queued(own_time: WorkflowEnvironment) -> None:
    """Its Delivery is open while a database is away that is to have its record."""
    report = await recovered(own_time, {UNIT: [False]}, UNIT, refuses_for_good=True)
    assert [state for step, state in states(report) if step == "queue"] == [StepState.SKIPPED]
    assert CHANNELS.put_off == {}


async def test_slack_stands_in_for_mail(own_time: WorkflowEnvironment) -> None:
    report = await recovered(
        own_time,
        {BACKUP: [True]},
        MAIL,
        service=names.EMAIL,
        plan=shipped(names.EMAIL, "deliver", DOWN),
        units=(FailedUnit(unit=MAIL, service=names.EMAIL, failure=DOWN),),
        deliveries=(delivery(MAIL, "payments@acme.dev"),),
        alternatives={MAIL: (delivery(BACKUP, "#backup"),)},
    )
    assert states(report) == [("retry", StepState.FAILED), ("alternative", StepState.RESOLVED)]
    assert report.outcome is RecoveryOutcome.STAND_IN


async def test_the_edition_hears_of_the_channel_that_stands_in_as_well(own_time: WorkflowEnvironment) -> None:
    alternative = delivery(BACKUP).model_copy(update={"reply_to": "changelog:payments:2026-W47"})
    report = await recovered(own_time, {BACKUP: [True]}, UNIT, alternatives={UNIT: (alternative,)})
    assert CHANNELS.listeners[BACKUP] == ["changelog:payments:2026-W47", report.workflow_id]


async def test_a_channel_that_heals_before_the_second_try_is_not_asked_again(own_time: WorkflowEnvironment) -> None:
    report = await recovered(own_time, {UNIT: [False, False, True]}, UNIT, again_after=timedelta(seconds=5))
    assert states(report) == [("retry", StepState.RESOLVED)]
    assert report.steps[0].attempts == 1
    assert len(CHANNELS.begun[UNIT]) == 1  # its run is over: none begins for what is there already


async def test_a_delivery_is_begun_again_unless_somebody_has_stopped_it(own_time: WorkflowEnvironment) -> None:
    await recovered(own_time, {UNIT: [True]})
    assert [begun.unless_stopped for begun in CHANNELS.begun[UNIT]] == [True]


async def test_a_stand_in_keeps_its_schedule_within_the_time_of_the_step(own_time: WorkflowEnvironment) -> None:
    """So a mail arrives that a greylisting server takes at its second try."""
    report = await recovered(own_time, {MAIL: [False, True]}, UNIT, failure=EXPIRED, again_after=MINUTE, **MAILS)
    assert states(report)[-1] == ("email", StepState.RESOLVED)
    assert report.steps[-1].message == "stood in for by mail to payments@acme.dev"
    assert (CHANNELS.tries[MAIL], CHANNELS.dropped) == (2, [])


@pytest.mark.parametrize(
    ("tries", "seconds"), [([False], 100), ([None], 120)], ids=["gives up before its next try", "says nothing"]
)
async def test_a_stand_in_that_does_not_take_it_in_time_is_dropped(
    own_time: WorkflowEnvironment, tries: list[bool | None], seconds: int
) -> None:
    report = await recovered(own_time, {MAIL: tries}, UNIT, failure=EXPIRED, again_after=timedelta(seconds=50), **MAILS)
    email = next(step for step in report.steps if step.id == "email")
    assert email.state is not StepState.SUCCEEDED
    assert seconds - 1 < email.duration.total_seconds() < seconds + 10
    assert CHANNELS.dropped == [MAIL]
    assert CHANNELS.begun[MAIL][0].gives_up_at == email.started_at + 2 * MINUTE


async def test_what_heals_meanwhile_needs_no_stand_in(own_time: WorkflowEnvironment) -> None:
    report = await recovered(
        own_time,
        {UNIT: [False, False, True]},
        UNIT,
        again_after=timedelta(seconds=50),
        failure=EXPIRED,
        **MAILS,
    )
    assert (report.outcome, report.steps[-1].id) == (RecoveryOutcome.HEALED, "email")
    assert report.steps[-1].message == "the channel took it"
    assert CHANNELS.dropped == [MAIL]


async def test_a_delivery_that_heals_by_itself_ends_the_wait_for_people(own_time: WorkflowEnvironment) -> None:
    CHANNELS.__init__({UNIT: [False, True]}, again_after=2 * MINUTE)  # type: ignore[misc]
    ground = Ground()
    plan = shipped(names.SLACK, "deliver", EXPIRED)
    plan = plan.model_copy(update={"steps": plan.steps[-1:]})
    async with stage(own_time, ground) as on, deliveries(own_time, UNIT):
        escalation = await on.with_escalation()
        report = await on.recover(request(await on.now(), EXPIRED, plan=plan))
        (left,) = await escalation.result()
    assert states(report) == [("manual", StepState.SUCCEEDED)]  # no retry was needed
    assert (report.outcome, report.decided_by) == (RecoveryOutcome.HEALED, "healed by itself")
    assert left.is_healed
    assert report.ended_at is not None
    assert report.started_at is not None
    assert report.ended_at - report.started_at < 3 * MINUTE


async def test_a_channel_that_lets_it_be_because_another_stands_in_is_not_healed(own_time: WorkflowEnvironment) -> None:
    own = delivery(UNIT)
    dropping = own.model_copy(update={"channel": own.channel.model_copy(update={"after_fallback": "drop"})})
    report = await recovered(own_time, {BACKUP: [True]}, UNIT, deliveries=(dropping,), **BACKUPS)
    assert CHANNELS.dropped == [UNIT]
    assert report.outcome is RecoveryOutcome.STAND_IN


async def test_a_try_at_a_channel_adds_few_events(own_time: WorkflowEnvironment) -> None:
    """A step may make several: the retry two, the alternatives one each, with a start and an end of their own."""
    CHANNELS.__init__({})  # type: ignore[misc]
    async with stage(own_time, Ground(), SERVED) as on, deliveries(own_time, UNIT):
        handle = await on.start(request(await on.now(), DOWN, **{**BACKUPS, **MAILS}))
        report = await handle.result()
        events = len((await handle.fetch_history()).events)
    tries = sum(max(record.attempts, 1) for record in report.steps)
    assert [record.attempts for record in report.steps] == [2, 2, 1, 1]
    assert events / tries <= 16  # with the beginning and the end of the recovery
