"""Webhooks: repeated by the schedule of Standard Webhooks until they are taken, switched off, or dead."""

from datetime import UTC, datetime, timedelta

import pytest
from temporalio.testing import WorkflowEnvironment

from devsync.contracts.delivery import DeliveryState, PartState, Recalled
from devsync.domain.errors import ErrorCategory, Failure
from tests.workflows.other_channels import Answers, deliver, webhook
from tests.workflows.slack_channel import NO_ANSWER, REFUSED_FOR_NOW

GONE = Failure(category=ErrorCategory.CONFIGURATION, message="switched off (410)", code="410", is_retryable=False)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
STANDARD = [
    timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30),
    *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
]  # fmt: skip


async def test_it_is_tried_by_the_schedule_of_the_standard_and_then_dead(skipping_time: WorkflowEnvironment) -> None:
    answers = Answers(events=[REFUSED_FOR_NOW] * 20)
    outcome = await deliver(skipping_time, answers, webhook())
    assert outcome.state is DeliveryState.DEAD
    assert outcome.reason == "gave up: slack cannot be reached"
    assert len(answers.waits) == len(STANDARD)
    for wait, declared in zip(answers.waits, STANDARD, strict=True):
        assert declared <= wait < declared + timedelta(seconds=5)


@pytest.mark.parametrize("failure", [NO_ANSWER, REFUSED_FOR_NOW])
async def test_whatever_became_of_a_try_the_next_one_sends_the_same(
    skipping_time: WorkflowEnvironment, failure: Failure
) -> None:
    answers = Answers(events=[failure])
    outcome = await deliver(skipping_time, answers, webhook())
    assert (outcome.state, outcome.message_id) == (DeliveryState.DELIVERED, "changelog_r1")
    assert answers.sent_events[0] == answers.sent_events[1]


async def test_an_address_that_is_switched_off_is_not_tried_again_until_a_replay(
    skipping_time: WorkflowEnvironment,
) -> None:
    answers = Answers(events=[GONE])
    outcome = await deliver(skipping_time, answers, webhook())
    assert (outcome.state, outcome.reason, len(answers.sent_events)) == (DeliveryState.FAILED, "switched off (410)", 1)
    record = answers.channel.records[-1]
    assert (record.address, record.switched_off_at is not None) == ("https://hooks.acme.dev/", True)

    later = Answers()
    later.channel.recalled = Recalled(switched_off_at=NOON)  # another week's run
    refused = await deliver(skipping_time, later, webhook())
    assert later.sent_events == []
    assert refused.state is DeliveryState.FAILED
    assert refused.reason.startswith(
        "nothing is sent: the receiver has switched this address off (410) at 2026-11-23 12"
    )
    assert [part.state for part in refused.parts] == [PartState.FAILED]  # so that it is on record

    assert (await deliver(skipping_time, later, webhook(is_replay=True))).state is DeliveryState.DELIVERED
    record = later.channel.records[-1]
    assert (record.address, record.switched_off_at) == ("https://hooks.acme.dev/", None)


async def test_a_receiver_that_says_when_is_not_asked_before(skipping_time: WorkflowEnvironment) -> None:
    throttled = Failure(
        category=ErrorCategory.RATE_LIMITING, message="429", is_retryable=True, retry_after=timedelta(hours=1)
    )
    answers = Answers(events=[throttled])
    assert (await deliver(skipping_time, answers, webhook())).state is DeliveryState.DELIVERED
    assert answers.waits[0] >= timedelta(hours=1)
