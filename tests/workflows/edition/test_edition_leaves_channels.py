"""An edition that is over leaves no channel without somebody who says what is missing there."""

import asyncio
from datetime import timedelta

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.testing import WorkflowEnvironment

from devsync.contracts import activities, names
from devsync.contracts.delivery import DeliveryState
from devsync.contracts.escalation import JoinEscalation
from devsync.domain.errors import ErrorCategory, Failure
from tests.workflows.office import WEEK, Office, let_pass, serving, start
from tests.workflows.recovery_stage import Ground
from tests.workflows.waits import until_idle

JOIN = activities.JOIN_ESCALATION.name
SEND = activities.SEND_SLACK_PART.name
ARCHIVED = Failure(category=ErrorCategory.DISTRIBUTION, message="slack answered is_archived", is_retryable=False)
DELIVERY = names.delivery_id("payments", WEEK, "slack-payments")
PAGE = names.own_escalation_id(DELIVERY)
RECOVERY = names.recovery_id("payments", WEEK, names.SLACK, "deliver", 1)


def of_the_delivery(joins: list[JoinEscalation]) -> list[JoinEscalation]:
    return [join for join in joins if join.subscriber.workflow_id == DELIVERY]


async def test_what_no_plan_recovers_is_told(own_time: WorkflowEnvironment) -> None:
    office = Office(refused={SEND: ARCHIVED})
    async with serving(own_time, office):
        result = await (await start(own_time)).result()
    assert [channel.state for channel in result.channels] == [DeliveryState.FAILED]
    (join,) = of_the_delivery(office.joined)
    assert (join.escalation_id, join.subscriber.is_waiting) == (PAGE, False)
    assert join.subscriber.remedy.endswith(f"delivery replay payments {WEEK} slack-payments")


async def test_where_nobody_answers_its_recovery_the_page_stays_for_who_can_mend_it(
    own_time: WorkflowEnvironment,
) -> None:
    office = Office(refused={SEND: ARCHIVED}, ground=Ground(escalation_id=PAGE))
    async with serving(own_time, office):
        result = await (await start(own_time)).result()
    assert office.ground is not None
    (recovery,) = result.recoveries
    assert (recovery.decision, recovery.decided_by[:6]) == ("skip", "policy")
    asked = office.ground.joins[0]
    (told,) = of_the_delivery(office.ground.joins)
    assert (asked.escalation_id, asked.subscriber.workflow_id, asked.subscriber.is_waiting) == (PAGE, RECOVERY, True)
    assert (told.escalation_id, told.subscriber.workflow_id, told.replaces) == (PAGE, DELIVERY, RECOVERY)
    assert told.subscriber.remedy
    assert not told.subscriber.is_waiting


async def test_what_people_have_decided_to_leave_out_is_told_no_more(own_time: WorkflowEnvironment) -> None:
    office = Office(refused={SEND: ARCHIVED}, ground=Ground(escalation_id=PAGE))
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            handle = await start(own_time)
            assert office.ground is not None
            await asyncio.wait_for(office.ground.was_joined.wait(), 60)
            recovery = own_time.client.get_workflow_handle(RECOVERY)
            await until_idle(recovery)
            await recovery.signal("resolve", {"by": "anna", "decision": "skip"})
            result = await handle.result()
    assert [channel.state for channel in result.channels] == [DeliveryState.FAILED]
    assert of_the_delivery(office.ground.joins) == []


async def test_so_is_what_ends_badly_after_the_edition_was_cancelled(own_time: WorkflowEnvironment) -> None:
    office = Office(holds={SEND: asyncio.Event()}, refused={SEND: ARCHIVED})
    async with serving(own_time, office):
        with own_time.auto_time_skipping_disabled():
            handle = await start(own_time)
            await office.was_asked[SEND].wait()
            await handle.cancel(reason="anna: enough")
            with pytest.raises(WorkflowFailureError):
                await handle.result()
            assert office.joined == []
            office.holds[SEND].set()
            await asyncio.wait_for(office.was_asked[JOIN].wait(), 60)
            await own_time.client.get_workflow_handle(DELIVERY).result()
    assert [join.escalation_id for join in of_the_delivery(office.joined)] == [PAGE]


async def test_what_dies_when_the_edition_is_long_over_is_told(own_time: WorkflowEnvironment) -> None:
    office = Office(away={SEND: timedelta(days=30)})
    async with serving(own_time, office):
        result = await (await start(own_time)).result()
        assert [channel.state for channel in result.channels] == [DeliveryState.QUEUED]
        assert of_the_delivery(office.joined) == []
        passing = asyncio.create_task(let_pass(own_time, timedelta(days=3)))
        while office.delivery_records[-1].outcome.state is not DeliveryState.DEAD:
            await asyncio.sleep(0.1)
        passing.cancel()
    (join,) = of_the_delivery(office.joined)
    assert join.escalation_id == names.service_escalation_id(names.SLACK)
    assert join.subscriber.remedy
