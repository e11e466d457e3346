"""A channel that is down, and the people who are told of it, asked, and decide."""

import asyncio

import pytest
from temporalio.testing import WorkflowEnvironment

from devsync.contracts import names
from devsync.contracts.delivery import DeliveryOutcome, DeliveryState
from devsync.contracts.escalation import EscalationDecided, HeldPlace
from devsync.domain.escalation.ending import POLICY
from devsync.domain.recovery.decision import Decision
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.domain.recovery.plan import Need, StepState
from tests.workflows.recovery_channels import CHANNELS, DOWN, MAIL, MAILS, UNIT, deliveries, request, states
from tests.workflows.recovery_stage import EXPIRED, MINUTE, SERVED, WEEK, Ground, shipped, stage
from tests.workflows.waits import until_idle

STOPPED = DeliveryOutcome(
    team="payments", iso_week=WEEK, channel=UNIT, kind=names.SLACK, revision=1, state=DeliveryState.FAILED,
    was_stopped=True,
)  # fmt: skip


async def test_what_is_queued_and_told_keeps_its_place_for_who_looks_after_the_channel(
    own_time: WorkflowEnvironment,
) -> None:
    """The delivery is told of it: the edition may be terminated."""
    plan = shipped(names.SLACK, "deliver", DOWN)
    telling = plan.escalates.model_copy(update={"tell": Need.STAND_IN})
    CHANNELS.__init__({})  # type: ignore[misc]
    async with stage(own_time, Ground(), SERVED) as on, deliveries(own_time, UNIT):
        page = await on.with_escalation()
        handle = await on.start(request(await on.now(), plan=plan.model_copy(update={"escalates": telling})))
        report = await handle.result()
    assert report.outcome is RecoveryOutcome.STAND_IN
    assert CHANNELS.kept == [HeldPlace(escalation_id=page.id, workflow_id=handle.id)]


async def test_of_a_channel_whose_delivery_is_over_people_are_told_in_its_name(own_time: WorkflowEnvironment) -> None:
    """The recovery's place would stay behind where the edition is terminated next: nobody else is left."""
    plan = shipped(names.SLACK, "deliver", EXPIRED)
    telling = plan.escalates.model_copy(update={"tell": Need.STAND_IN, "ask": Need.NEVER})
    CHANNELS.__init__({MAIL: [True]})  # type: ignore[misc]
    ground = Ground()
    async with stage(own_time, ground, SERVED) as on, deliveries(own_time):
        page = await on.with_escalation()
        message = request(await on.now(), EXPIRED, plan=plan.model_copy(update={"escalates": telling}), **MAILS)
        handle = await on.start(message)
        report = await handle.result()
    assert (report.outcome, report.has_told_the_end) == (RecoveryOutcome.STAND_IN, True)
    ours, delivery_s = ground.joins
    assert (ours.subscriber.workflow_id, delivery_s.replaces) == (handle.id, handle.id)
    assert delivery_s.subscriber.workflow_id == names.delivery_id("payments", WEEK, UNIT)
    assert delivery_s.subscriber.remedy
    assert page.id in report.escalations


async def test_where_people_cannot_be_told_that_its_delivery_is_over_the_place_is_given_up(
    own_time: WorkflowEnvironment,
) -> None:
    plan = shipped(names.SLACK, "deliver", EXPIRED)
    telling = plan.escalates.model_copy(update={"tell": Need.STAND_IN, "ask": Need.NEVER})
    CHANNELS.__init__({MAIL: [True]})  # type: ignore[misc]
    ground = Ground(joins_at_most=1)
    async with stage(own_time, ground, SERVED) as on, deliveries(own_time):
        page = await on.with_escalation()
        message = request(await on.now(), EXPIRED, plan=plan.model_copy(update={"escalates": telling}), **MAILS)
        handle = await on.start(message)
        report = await handle.result()
        (left,) = await asyncio.wait_for(page.result(), 60)
    assert not report.has_told_the_end
    assert (left.workflow_id, left.is_healed) == (handle.id, False)


async def test_of_a_delivery_that_somebody_stopped_there_is_nothing_to_tell(own_time: WorkflowEnvironment) -> None:
    plan = shipped(names.SLACK, "deliver", EXPIRED)
    telling = plan.escalates.model_copy(update={"tell": Need.STAND_IN, "ask": Need.NEVER})
    CHANNELS.__init__({MAIL: [True]})  # type: ignore[misc]
    ground = Ground(joining=asyncio.Event())
    async with stage(own_time, ground, SERVED) as on, deliveries(own_time):
        page = await on.with_escalation()
        message = request(await on.now(), EXPIRED, plan=plan.model_copy(update={"escalates": telling}), **MAILS)
        with own_time.auto_time_skipping_disabled():
            handle = await on.start(message)
            await ground.was_joined.wait()
            await handle.signal("delivery_reported", STOPPED)
            assert ground.joining is not None
            ground.joining.set()
            report = await handle.result()
        (left,) = await asyncio.wait_for(page.result(), 60)
    assert (report.outcome, report.has_told_the_end) == (RecoveryOutcome.STAND_IN, False)
    assert (left.workflow_id, left.is_healed, left.note) == (handle.id, False, "#payments: failed")
    assert len(ground.joins) == 1


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
