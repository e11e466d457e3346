"""What a revision does to what stands in the channel: updated in place, added, taken away, posted anew."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment

from devsync.contracts import activities as contracts
from devsync.contracts.delivery import DeliveryState, Recalled, StandingRevision
from tests.workflows.slack_channel import (
    KEY,
    NO_ANSWER,
    REFUSED_FOR_NOW,
    Channel,
    deliver,
    policy,
    refusal,
    request,
    serving,
    standing,
    start,
    until_waiting,
)


async def test_a_later_run_updates_in_place_what_changed_and_removes_what_is_gone(
    skipping_time: WorkflowEnvironment,
) -> None:
    channel = Channel()
    channel.recalled = standing(channel, "a", "b", "c")
    outcome = await deliver(skipping_time, channel, request(revision=2, parts=("A", "b")))
    assert [(sent.index, sent.message_ts) for sent in channel.sends] == [(0, "0.0")]
    assert set(channel.messages) == {"0.0", "0.1"}
    assert len(outcome.parts) == 2


async def test_unchanged_content_posts_nothing(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel()
    channel.recalled = Recalled(outcome=await deliver(skipping_time, channel, request()))
    second = await deliver(skipping_time, channel, request())
    assert second.state is DeliveryState.DELIVERED
    assert len(channel.sends) == 2


async def test_a_revision_that_comes_while_the_first_is_queued_gives_one_message(
    skipping_time: WorkflowEnvironment,
) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)] * 2)
    async with serving(skipping_time, channel) as queue:
        with skipping_time.auto_time_skipping_disabled():
            handle = await start(skipping_time, queue, request())
            await channel.was_tried.wait()
            await handle.signal("revise", request(revision=2, parts=("A", "B")))
        outcome = await handle.result()
    assert outcome.revision == 2
    assert sorted(channel.messages.values()) == [(f"{KEY}/{n}", 2) for n in (0, 1)]


async def test_an_older_revision_is_ignored(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)])
    async with serving(skipping_time, channel) as queue:
        with skipping_time.auto_time_skipping_disabled():
            handle = await start(skipping_time, queue, request(revision=3))
            await channel.was_tried.wait()
            await handle.signal("revise", request(revision=2))
        outcome = await handle.result()
    assert outcome.revision == 3


async def test_a_part_that_may_not_be_removed_is_noted_and_the_revision_is_delivered(
    skipping_time: WorkflowEnvironment,
) -> None:
    channel = Channel(remove_failures=[refusal("cant_delete_message")] * 20)
    channel.recalled = standing(channel, "a", "b", "c")
    outcome = await deliver(skipping_time, channel, request(revision=2, parts=("A", "b")))
    assert outcome.state is DeliveryState.DELIVERED
    assert channel.removals == ["0.2"]
    assert "cant_delete_message" in outcome.reason


async def test_a_channel_message_that_somebody_deleted_is_posted_anew_with_its_thread(
    skipping_time: WorkflowEnvironment,
) -> None:
    channel = Channel()
    channel.recalled = standing(channel, "a", "b")
    del channel.messages["0.0"]
    outcome = await deliver(skipping_time, channel, request(revision=2, parts=("A", "B")))
    assert outcome.state is DeliveryState.DELIVERED
    assert channel.keys == ["0", "1"]
    assert channel.sends[-1].thread_ts == outcome.message_id != "0.0"


async def test_a_thread_part_that_somebody_deleted_is_posted_anew(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel()
    channel.recalled = standing(channel, "a", "b")
    del channel.messages["0.1"]
    outcome = await deliver(skipping_time, channel, request(revision=2, parts=("a", "B")))
    assert outcome.state is DeliveryState.DELIVERED
    assert channel.keys == ["0", "1"]
    assert [sent.message_ts for sent in channel.sends] == ["0.1", "0.0", ""]


async def test_a_thread_that_grows_is_not_added_to_a_message_that_somebody_deleted(
    skipping_time: WorkflowEnvironment,
) -> None:
    channel = Channel()
    channel.recalled = standing(channel, "a")
    del channel.messages["0.0"]
    outcome = await deliver(skipping_time, channel, request(revision=2, parts=("a", "b")))
    assert outcome.state is DeliveryState.DELIVERED
    assert channel.keys == ["0", "1"]
    assert channel.sends[-1].thread_ts == outcome.message_id != "0.0"


async def test_a_thread_that_is_gone_when_it_is_asked_is_posted_anew_with_its_message(
    skipping_time: WorkflowEnvironment,
) -> None:
    channel = Channel(send_failures=[(None, True), (NO_ANSWER, False)], find_failures=[refusal("thread_not_found")])
    outcome = await deliver(skipping_time, channel, request())
    assert outcome.state is DeliveryState.DELIVERED
    assert [(sent.index, sent.thread_ts) for sent in channel.sends[2:]] == [(0, ""), (1, outcome.message_id)]


async def test_what_could_not_be_removed_in_time_leaves_the_revision_delivered(
    skipping_time: WorkflowEnvironment,
) -> None:
    channel = Channel(remove_failures=[REFUSED_FOR_NOW] * 20)
    channel.recalled = standing(channel, "a", "b", "c")
    outcome = await deliver(skipping_time, channel, request(revision=2, parts=("A", "b")))
    assert outcome.state is DeliveryState.DELIVERED
    assert (
        outcome.reason == "thread part 2 of an older revision still stands there, not removed: slack cannot be reached"
    )


async def test_a_part_too_many_whose_post_had_no_answer_is_looked_for_and_removed(
    skipping_time: WorkflowEnvironment,
) -> None:
    channel = Channel(send_failures=[(None, True), (NO_ANSWER, True)], find_failures=[REFUSED_FOR_NOW] * 4)
    first = await deliver(skipping_time, channel, request())
    assert first.state is DeliveryState.UNCERTAIN
    channel.recalled = Recalled(outcome=first)
    outcome = await deliver(skipping_time, channel, request(revision=2, parts=("A",)))
    assert outcome.state is DeliveryState.DELIVERED
    assert channel.keys == ["0"]


COMPLETE = StandingRevision(revision=1, completeness=1.0)
LACKS_LEDGER: dict[str, Any] = {"completeness": 0.5, "missing": ("github:acme/ledger",)}


async def test_a_revision_is_not_put_over_a_more_complete_one(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel()
    channel.recalled = standing(channel, "a", "b", standing=COMPLETE)
    outcome = await deliver(skipping_time, channel, request(revision=2, parts=("A",), **LACKS_LEDGER))
    assert outcome.state is DeliveryState.KEPT
    assert outcome.reason == (
        "not replaced: revision 1 is complete, this one (50%) lacks github:acme/ledger; `run --replace` posts it all "
        "the same"
    )
    assert (outcome.revision, outcome.message_id, outcome.standing) == (2, "0.0", COMPLETE)
    assert channel.sends == []
    assert len(channel.messages) == 2


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({**LACKS_LEDGER, "replace": True}, id="asked for"),
        pytest.param({"completeness": 1.0}, id="as complete"),
    ],
)
async def test_a_revision_replaces_one_that_is_not_more_complete_or_when_asked(
    skipping_time: WorkflowEnvironment, changes: dict[str, Any]
) -> None:
    channel = Channel()
    channel.recalled = standing(channel, "a", standing=COMPLETE)
    outcome = await deliver(skipping_time, channel, request(revision=2, parts=("A",), **changes))
    assert outcome.state is DeliveryState.DELIVERED
    assert outcome.standing == StandingRevision(revision=2, completeness=request(**changes).completeness)


async def test_half_of_a_complete_revision_is_replaced_by_a_whole_one(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(None, True)] + [(REFUSED_FOR_NOW, False)] * 4)
    first = await deliver(skipping_time, channel, request())
    assert (first.state, first.standing) == (DeliveryState.DEAD, None)
    channel.recalled = Recalled(outcome=first)
    outcome = await deliver(skipping_time, channel, request(revision=2, parts=("A", "B"), **LACKS_LEDGER))
    assert outcome.state is DeliveryState.DELIVERED


async def test_a_try_that_certainly_had_no_effect_leaves_the_complete_revision_standing(
    skipping_time: WorkflowEnvironment,
) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)] * 4)
    channel.recalled = standing(channel, "a", standing=COMPLETE)
    first = await deliver(skipping_time, channel, request(revision=2, parts=("A",)))
    assert (first.state, first.standing) == (DeliveryState.DEAD, COMPLETE)


async def test_a_newer_revision_is_sent_before_the_rest_of_the_older_one(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(NO_ANSWER, True)])
    async with serving(skipping_time, channel) as queue:
        with skipping_time.auto_time_skipping_disabled():
            handle = await start(skipping_time, queue, request())
            await until_waiting(handle)
            await handle.signal("revise", request(revision=2, parts=("A", "B")))
        outcome = await handle.result()
    assert outcome.state is DeliveryState.DELIVERED
    assert [(sent.index, sent.rendering.size) for sent in channel.sends] == [(0, 1), (0, 2), (1, 2)]


async def test_a_newer_revision_does_not_wait_for_the_record_of_the_older_one(
    skipping_time: WorkflowEnvironment,
) -> None:
    channel = Channel(is_database_away=True)
    policies = {contract.name: policy() for contract in contracts.DELIVERY_ACTIVITIES}
    patient = policies[contracts.RECORD_DELIVERY.name].retry.model_copy(update={"attempts": 100})
    policies[contracts.RECORD_DELIVERY.name] = policy().model_copy(
        update={"retry": patient, "schedule_to_close": timedelta(days=7)}
    )
    async with serving(skipping_time, channel) as queue:
        with skipping_time.auto_time_skipping_disabled():
            handle = await start(skipping_time, queue, request(policies=policies))
            await channel.was_recorded.wait()
            await asyncio.sleep(0.5)  # until the try is over: this server cannot cancel one that ends in that moment
            await handle.signal("revise", request(revision=2, parts=("A", "B"), policies=policies))
            while len(channel.sends) < 4:
                await asyncio.sleep(0.02)
        channel.is_database_away = False
        outcome = await handle.result()
    assert (outcome.revision, outcome.state) == (2, DeliveryState.DELIVERED)
    assert [record.outcome.revision for record in channel.records] == [2]
