"""Waits for all channels of an edition; one in trouble goes to a recovery, while its Delivery goes on."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

from temporalio import workflow

from devsync.contracts.delivery import ENDED_BADLY, ChannelPlan, DeliveryOutcome, DeliveryState
from devsync.contracts.edition import EditionPlan
from devsync.contracts.recovery import RecoveryReport
from devsync.domain.changelog.deadline import Deadline
from devsync.domain.delivery_waits import LONGEST_ROW
from devsync.domain.errors import Failure
from devsync.domain.recovery.builtin import DELIVER
from devsync.domain.recovery.choosing import only_asking, plan_for
from workflows.delivery.channels import RequestFor
from workflows.delivery.people import trouble_of
from workflows.edition.recovering import Recover, channel_request
from workflows.edition.results import is_reported

A_MOMENT = timedelta(seconds=1)
"""A channel is in trouble when it is so for longer."""

BRIEFLY = timedelta(seconds=30)
"""How long a service may put a channel off without anybody minding."""


async def until_delivered(
    plan: EditionPlan,
    channels: Sequence[ChannelPlan],
    revision: int,
    outcomes: Mapping[str, DeliveryOutcome],
    deadline: Deadline,
    request_for: RequestFor,
    recover: Recover,
) -> bool:
    """Waits for every channel until the deadline. False where some channel is not done by then: it is queued."""
    recovering: dict[str, asyncio.Task[RecoveryReport | None]] = {}
    ends_at = workflow.now() + deadline.time_to_deliver(workflow.now())

    def in_trouble() -> list[ChannelPlan]:
        return [
            channel
            for channel in channels
            if channel.key not in recovering and _trouble(outcomes.get(channel.key), revision) is not None
        ]

    def is_done() -> bool:
        is_reported_everywhere = all(is_reported(channel, revision, outcomes) for channel in channels)
        return is_reported_everywhere and not in_trouble() and all(task.done() for task in recovering.values())

    async def recover_channel(channel: ChannelPlan) -> RecoveryReport | None:
        outcome = outcomes.get(channel.key)
        failure = _trouble(outcome, revision)
        if outcome is None or failure is None:
            return None
        recovery = plan_for(plan.recovery_plans, channel.kind, DELIVER, [failure])
        if recovery is None:
            return None
        if outcome.state is DeliveryState.UNCERTAIN:
            recovery = only_asking(recovery)
        return await recover(channel_request(plan, recovery, channel, failure, request_for, ends_at))

    try:
        while not is_done():
            await workflow.wait_condition(
                lambda: is_done() or bool(in_trouble()),
                timeout=ends_at - workflow.now(),
                timeout_summary="The deadline: a channel that is not done by then is queued",
            )
            if in_trouble():
                await workflow.sleep(A_MOMENT, summary="Whether it passes, or somebody stops the delivery")
            for channel in in_trouble():
                recovering[channel.key] = asyncio.create_task(recover_channel(channel))
    except TimeoutError:
        is_in_time = False
    except asyncio.CancelledError:
        for task in recovering.values():
            task.cancel()
        raise
    else:
        is_in_time = True
    await asyncio.gather(*recovering.values())  # they end at the deadline, too
    return is_in_time


def _trouble(outcome: DeliveryOutcome | None, revision: int) -> Failure | None:
    """Why a channel needs help with this revision; None for one that is done, or was not tried yet."""
    if outcome is None or outcome.revision < revision or outcome.was_stopped:
        return None
    if outcome.state is DeliveryState.PENDING:
        return None if _is_throttled_briefly(outcome) else outcome.setback
    return trouble_of(outcome) if outcome.state in ENDED_BADLY else None


def _is_throttled_briefly(outcome: DeliveryOutcome) -> bool:
    """Whether its Delivery posts in a moment, when the service has said that it may."""
    hint = outcome.setback.retry_after if outcome.setback else None
    tries = max((part.attempts for part in outcome.parts), default=0)
    return hint is not None and hint <= BRIEFLY and tries <= LONGEST_ROW
