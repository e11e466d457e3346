"""When a delivery tries again: by its schedule, or when Slack says so; never for ever."""

from datetime import timedelta

from temporalio.testing import WorkflowEnvironment

from devsync.contracts.delivery import DeliveryState
from devsync.domain.errors import ErrorCategory, Failure
from tests.workflows.slack_channel import (
    NO_ANSWER,
    REFUSED_FOR_NOW,
    RETRY_AFTER,
    SECOND,
    Channel,
    deliver,
    request,
)

BROKEN = Failure(
    category=ErrorCategory.EXTERNAL_SERVICE,
    message="slack answered 500 (internal_error)",
    is_retryable=True,
    may_have_taken_effect=True,
)


def throttled(hint: timedelta) -> Failure:
    return Failure(
        category=ErrorCategory.RATE_LIMITING, message="slack answered 429", is_retryable=True, retry_after=hint
    )


async def test_a_channel_that_answers_later_gets_the_edition_by_the_declared_schedule(
    skipping_time: WorkflowEnvironment,
) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)] * 2)
    outcome = await deliver(skipping_time, channel, request())
    assert outcome.state is DeliveryState.DELIVERED
    assert channel.waits[0] >= 5 * SECOND
    assert channel.waits[1] >= timedelta(minutes=10)


async def test_when_the_schedule_is_used_up_the_delivery_is_dead(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(REFUSED_FOR_NOW, False)] * 4)
    outcome = await deliver(skipping_time, channel, request())
    assert outcome.state is DeliveryState.DEAD
    assert len(channel.sends) == 4
    assert not channel.messages


async def test_posts_that_fail_and_are_not_there_are_repeated_by_the_schedule_and_end(
    skipping_time: WorkflowEnvironment,
) -> None:
    channel = Channel(send_failures=[(BROKEN, False)] * 30)
    outcome = await deliver(skipping_time, channel, request())
    assert outcome.state is DeliveryState.DEAD
    assert outcome.reason == "gave up: slack answered 500 (internal_error)"
    assert len(channel.sends) == len(channel.finds) == 1 + len(RETRY_AFTER)
    assert all(wait >= declared for wait, declared in zip(channel.waits, RETRY_AFTER, strict=True))


async def test_throttling_is_waited_out_and_leaves_the_schedule_as_it_was(skipping_time: WorkflowEnvironment) -> None:
    hint = timedelta(minutes=2)
    refused = len(RETRY_AFTER)
    failures = [(throttled(hint), False)] * 5 + [(REFUSED_FOR_NOW, False)] * refused
    channel = Channel(send_failures=failures)
    outcome = await deliver(skipping_time, channel, request())
    assert outcome.state is DeliveryState.DELIVERED
    told, declared = channel.waits[:5], channel.waits[5 : 5 + refused]
    assert all(hint <= wait <= hint + 20 * SECOND for wait in told)
    assert len(set(told)) == 5
    assert all(wait >= step for wait, step in zip(declared, RETRY_AFTER, strict=True))


async def test_an_open_breaker_is_waited_for_and_the_part_has_not_failed(skipping_time: WorkflowEnvironment) -> None:
    opens_at = await skipping_time.get_current_time() + timedelta(minutes=30)
    refused = Failure(
        category=ErrorCategory.EXTERNAL_SERVICE, message="slack is not called", is_retryable=False, retry_at=opens_at
    )
    channel = Channel(send_failures=[(refused, False)] + [(REFUSED_FOR_NOW, False)] * len(RETRY_AFTER))
    outcome = await deliver(skipping_time, channel, request())
    assert outcome.state is DeliveryState.DELIVERED
    assert channel.send_times[1] >= opens_at
    assert outcome.parts[0].attempts == 1 + len(RETRY_AFTER)


async def test_a_question_to_an_open_breaker_is_asked_later(skipping_time: WorkflowEnvironment) -> None:
    opens_at = await skipping_time.get_current_time() + timedelta(minutes=30)
    refused = Failure(
        category=ErrorCategory.EXTERNAL_SERVICE, message="slack is not called", is_retryable=False, retry_at=opens_at
    )
    channel = Channel(send_failures=[(NO_ANSWER, True)], find_failures=[refused])
    outcome = await deliver(skipping_time, channel, request())
    assert outcome.state is DeliveryState.DELIVERED
    assert channel.keys == ["0", "1"]
    assert channel.finds[1] >= opens_at


async def test_throttling_that_never_ends_ends_the_delivery(skipping_time: WorkflowEnvironment) -> None:
    channel = Channel(send_failures=[(throttled(SECOND), False)] * 1000)
    outcome = await deliver(skipping_time, channel, request())
    assert outcome.state is DeliveryState.DEAD
