"""The steps of delivery plans: they tell the channels' Deliveries what to do, and wait for what these report."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from devsync.contracts import names
from devsync.contracts.escalation import EscalationDecided
from devsync.contracts.recovery import FailedUnit, RecoveryReport
from devsync.domain.recovery.decision import Decision
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.domain.recovery.plan import Need, RecoveryPlan, StepRetry, StepState
from tests.workflows.recovery_channels import (
    BACKUPS,
    CHANNELS,
    DOWN,
    MAIL,
    MAILS,
    OTHER,
    UNIT,
    deliveries,
    delivery,
    recovered,
    request,
    states,
)
from tests.workflows.recovery_stage import EXPIRED, MINUTE, SERVED, WEEK, Ground, shipped, stage
from tests.workflows.waits import until_idle
from workflows.recovery.delivery_steps import LAST_MOMENT


async def test_a_retry_has_the_delivery_try_at_once_and_runs_no_fallback(own_time: WorkflowEnvironment) -> None:
    report = await recovered(own_time, {UNIT: [False, True]}, UNIT, **BACKUPS)
    assert states(report) == [("retry", StepState.RESOLVED)]
    assert report.outcome is RecoveryOutcome.HEALED
    assert dict(CHANNELS.tries) == {UNIT: 2}


async def test_a_retry_is_made_twice_and_asked_for_once(own_time: WorkflowEnvironment) -> None:
    report = await recovered(own_time, {UNIT: [False, False, True]}, UNIT)
    assert (states(report), report.steps[0].attempts) == ([("retry", StepState.RESOLVED)], 2)
    (asked,) = CHANNELS.asked
    assert (asked.reply_to, asked.attempts, asked.wait) == (report.workflow_id, 2, timedelta(seconds=15))
    assert asked.until == report.steps[0].started_at + MINUTE - LAST_MOMENT


async def test_a_delivery_that_has_ended_begins_again(own_time: WorkflowEnvironment) -> None:
    report = await recovered(own_time, {UNIT: [False, True]})
    assert (report.outcome, report.steps[0].attempts) == (RecoveryOutcome.HEALED, 2)
    assert len(CHANNELS.begun[UNIT]) == 1


async def test_what_nobody_takes_is_queued_with_time_to_heal(own_time: WorkflowEnvironment) -> None:
    report = await recovered(own_time, {}, UNIT, **MAILS)
    assert states(report)[-2:] == [("email", StepState.FAILED), ("queue", StepState.RESOLVED)]
    assert report.started_at is not None
    assert 29 * MINUTE < CHANNELS.put_off[UNIT] - report.started_at < 34 * MINUTE
    assert report.steps[-1].message == f"queued; the next try is at {CHANNELS.put_off[UNIT]:%H:%M} UTC"


async def test_one_that_is_cancelled_while_it_gives_its_place_away_leaves_it(own_time: WorkflowEnvironment) -> None:
    """As its edition is terminated in that moment."""
    plan = shipped(names.SLACK, "deliver", EXPIRED)
    telling = plan.escalates.model_copy(update={"tell": Need.STAND_IN, "ask": Need.NEVER})
    CHANNELS.__init__({MAIL: [True]})  # type: ignore[misc]
    ground = Ground(joining=asyncio.Event(), joined_at_once=1)
    assert ground.joining is not None
    async with stage(own_time, ground, SERVED) as on, deliveries(own_time):
        page = await on.with_escalation()
        message = request(await on.now(), EXPIRED, plan=plan.model_copy(update={"escalates": telling}), **MAILS)
        with own_time.auto_time_skipping_disabled():
            handle = await on.start(message)
            while len(ground.joins) < 2:
                await asyncio.sleep(0.02)
            await handle.cancel()
            await asyncio.sleep(0.2)
            ground.joining.set()
            with pytest.raises(WorkflowFailureError):
                await handle.result()
            (left,) = await asyncio.wait_for(page.result(), 60)
    assert (left.workflow_id, left.is_healed) == (handle.id, False)


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


async def test_what_is_let_be_is_not_healed_though_it_reports_so_before_all_are_told(
    own_time: WorkflowEnvironment,
) -> None:
    """Two channels, so that the first one's report comes while the second one is told."""
    CHANNELS.__init__({})  # type: ignore[misc]
    ground = Ground()
    plan = shipped(names.SLACK, "deliver", EXPIRED)
    plan = plan.model_copy(update={"steps": plan.steps[-1:]})
    failed = tuple(FailedUnit(unit=unit, service=names.SLACK, failure=EXPIRED) for unit in (UNIT, OTHER))
    both = {"units": failed, "deliveries": (delivery(UNIT), delivery(OTHER))}
    async with stage(own_time, ground) as on, deliveries(own_time, UNIT, OTHER):
        escalation = await on.with_escalation()
        with own_time.auto_time_skipping_disabled():
            handle = await on.start(request(await on.now(), EXPIRED, plan=plan, **both))
            await ground.was_joined.wait()
            await until_idle(handle)
            decided = EscalationDecided(escalation_id=escalation.id, decision=Decision.SKIP, by="anna")
            await handle.signal("decided", decided)
            report = await handle.result()
    assert CHANNELS.dropped == [UNIT, OTHER]
    assert {unit.unit for unit in report.missing} == {UNIT, OTHER}


async def test_a_channel_that_tries_no_more_is_not_queued(own_time: WorkflowEnvironment) -> None:
    """Its Delivery is open while a database is away that is to have its record."""
    report = await recovered(own_time, {UNIT: [False]}, UNIT, refuses_for_good=True)
    assert [state for step, state in states(report) if step == "queue"] == [StepState.SKIPPED]
    assert CHANNELS.put_off == {}


async def test_a_channel_that_heals_before_the_second_try_is_not_asked_again(own_time: WorkflowEnvironment) -> None:
    report = await recovered(own_time, {UNIT: [False, False, True]}, UNIT, again_after=timedelta(seconds=5))
    assert states(report) == [("retry", StepState.RESOLVED)]
    assert report.steps[0].attempts == 1
    assert len(CHANNELS.begun[UNIT]) == 1  # its run is over: none begins for what is there already


async def test_a_delivery_is_begun_again_unless_somebody_has_stopped_it(own_time: WorkflowEnvironment) -> None:
    await recovered(own_time, {UNIT: [True]})
    assert [begun.unless_stopped for begun in CHANNELS.begun[UNIT]] == [True]


async def test_a_try_at_a_channel_adds_few_events(own_time: WorkflowEnvironment) -> None:
    """A step may make several: the alternatives one each, with a start and an end of their own."""
    report, events = await events_of(own_time, **{**BACKUPS, **MAILS})
    tries = sum(max(record.attempts, 1) for record in report.steps)
    assert [record.attempts for record in report.steps] == [2, 2, 1, 1]
    assert events / tries <= 14  # with the beginning and the end of the recovery


async def test_a_retry_adds_few_events_however_often_it_tries(own_time: WorkflowEnvironment) -> None:
    plan = shipped(names.SLACK, "deliver", DOWN)

    def often(attempts: int) -> RecoveryPlan:
        retry = plan.steps[0].model_copy(update={"retry": StepRetry(attempts=attempts, initial=timedelta(seconds=1))})
        return plan.model_copy(update={"steps": (retry,)})

    _, none = await events_of(own_time, plan=plan.model_copy(update={"steps": ()}))
    once, few = await events_of(own_time, plan=often(1))
    five_times, many = await events_of(own_time, plan=often(5))
    assert [report.steps[0].attempts for report in (once, five_times)] == [1, 5]
    assert few == many
    assert few - none <= 15


async def events_of(environment: WorkflowEnvironment, **changes: Any) -> tuple[RecoveryReport, int]:
    """Of a recovery whose steps all fail."""
    CHANNELS.__init__({})  # type: ignore[misc]
    async with stage(environment, Ground(), SERVED) as on, deliveries(environment, UNIT):
        handle = await on.start(request(await on.now(), DOWN, **changes))
        report = await handle.result()
        events = len((await handle.fetch_history()).events)
        with suppress(RPCError):  # or it has timed out: the server's clock leaps
            await environment.client.get_workflow_handle(names.delivery_id("payments", WEEK, UNIT)).terminate()
    return report, events
