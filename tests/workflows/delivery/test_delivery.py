"""Delivery: what is posted, and what is asked before anything is posted again."""

from datetime import UTC, datetime

from temporalio.testing import WorkflowEnvironment

from devsync.contracts import activities as contracts
from devsync.contracts.delivery import DeliveryState, Recalled
from tests.workflows.slack_channel import (
    NO_ANSWER,
    NO_SCOPE,
    REFUSED_FOR_NOW,
    UNCERTAIN_WAIT,
    Channel,
    deliver,
    policy,
    refusal,
    request,
    standing,
)


async def test_each_part_is_posted_once_the_thread_below_the_message(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel()
    outcome = await deliver(skipping_time, channel, request())
    assert outcome.state is DeliveryState.DELIVERED
    assert [sent.key for sent in channel.sends] == [
        "payments/2026-W47/slack-payments/0",
        "payments/2026-W47/slack-payments/1",
    ]
    assert [sent.thread_ts for sent in channel.sends] == ["", "1.0"]
    assert channel.records[-1].outcome == outcome


async def test_a_post_without_an_answer_that_arrived_is_found_and_not_repeated(
    skipping_time: WorkflowEnvironment,
) -> None:
    channel = Channel(send_failures=[(NO_ANSWER, True)])
    outcome = await deliver(skipping_time, channel, request())
    assert outcome.state is DeliveryState.DELIVERED
    assert len(channel.messages) == 2
    assert len(channel.sends) == 2
    assert channel.finds[0] - channel.send_times[0] >= UNCERTAIN_WAIT


async def test_a_post_without_an_answer_that_never_arrived_is_posted_again(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(NO_ANSWER, False)])
    outcome = await deliver(skipping_time, channel, request())
    assert outcome.state is DeliveryState.DELIVERED
    assert len(channel.messages) == 2
    assert outcome.parts[0].attempts == 2


async def test_without_the_scope_to_ask_a_post_stays_uncertain_and_is_not_repeated(
    skipping_time: WorkflowEnvironment,
) -> None:
    channel = Channel(send_failures=[(NO_ANSWER, True)], find_failures=[NO_SCOPE])
    outcome = await deliver(skipping_time, channel, request())
    assert outcome.state is DeliveryState.UNCERTAIN
    assert len(channel.sends) == 1
    assert "channels:history" in outcome.reason


async def test_a_refusal_for_good_fails_at_once_and_says_why(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(refusal("channel_not_found"), False)])
    outcome = await deliver(skipping_time, channel, request())
    assert outcome.state is DeliveryState.FAILED
    assert outcome.reason == "slack answered channel_not_found"
    assert len(channel.sends) == 1


async def test_a_post_is_never_repeated_by_temporal_whatever_its_policy_says(
    skipping_time: WorkflowEnvironment,
) -> None:
    channel = Channel(send_failures=[(NO_ANSWER, True)])
    policies = {contract.name: policy(attempts=5) for contract in contracts.DELIVERY_ACTIVITIES}
    outcome = await deliver(skipping_time, channel, request(policies=policies))
    assert outcome.state is DeliveryState.DELIVERED
    assert channel.keys == ["0", "1"]


async def test_what_a_run_that_cannot_tell_may_have_posted_is_asked_for(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel()
    standing(channel, "a")
    channel.recalled = Recalled(unknown_since=datetime(2026, 11, 23, tzinfo=UTC))
    outcome = await deliver(skipping_time, channel, request(revision=2, parts=("A", "b")))
    assert outcome.state is DeliveryState.DELIVERED
    assert channel.keys == ["0", "1"]
    assert outcome.message_id == "0.0"


async def test_the_calls_are_those_of_this_run_look_ups_too(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False), (NO_ANSWER, True)])
    first = await deliver(skipping_time, channel, request())
    assert first.api_calls == 4  # refused, without an answer, found; the thread
    channel.recalled = Recalled(outcome=first)
    again = await deliver(skipping_time, channel, request())
    assert again.api_calls == 0
    assert [part.attempts for part in again.parts] == [2, 1]
