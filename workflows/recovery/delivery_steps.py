"""The steps of delivery plans. They never post: they tell the channel's Delivery, or start another channel's, and wait
for what it reports."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from temporalio import workflow

from devsync.contracts.delivery import (
    IS_THERE,
    LONGEST_WAIT,
    MOST_TRIES,
    STEEPEST_FACTOR,
    DeliveryRequest,
    Drop,
    Listen,
    PutOff,
    TryNow,
)
from devsync.contracts.recovery import StepResult
from devsync.domain.recovery import builtin
from devsync.settings.durations import parse_duration
from workflows.delivery.channels import bring_to_channel, delivery_id_of
from workflows.recovery.course import StepEnd
from workflows.recovery.delivery_step import DeliveryStep
from workflows.shared.signals import signal_if_open

NEXT_TRY = "30m"

LAST_MOMENT = timedelta(seconds=2)
"""Of a step that has a channel tried again, a fifth at most: no try begins in it, and who is in the middle of one says
how many they made."""

NOTHING_TO_DO: dict[str, str] = {
    builtin.WAIT_FOR_BREAKER: "no circuit breaker refused what is left",
    builtin.DELIVER_ALTERNATIVE: "the team has no alternative channel",
    builtin.DELIVER_EMAIL: "the team has no mail channel that is only a fallback",
    builtin.QUEUE_DELIVERY: "no delivery is open that could try later",
}
"""Why a step is skipped that could do nothing."""


async def listen_to(deliveries: Iterable[DeliveryRequest], *, at_once: bool = False) -> None:
    """Has the channels' Deliveries tell us what becomes of them: what heals by itself needs no step and no person.
    `at_once`: also how it stands now."""
    message = Listen(reply_to=workflow.info().workflow_id, at_once=at_once)
    for delivery in deliveries:
        await signal_if_open(delivery_id_of(delivery), "listen", message)


async def deliver_otherwise(on: DeliveryStep) -> StepEnd | None:
    """None where there is nothing that the step could do for its channels. Raises StepFailed."""
    match on.step.activity:
        case builtin.RETRY_DELIVERY:
            return await _retry(on)
        case builtin.DELIVER_ALTERNATIVE:
            return await _use_alternatives(on)
        case builtin.DELIVER_EMAIL:
            return await _mail(on)
        case _:
            return await _queue(on)


# The channels themselves.


async def _retry(on: DeliveryStep) -> StepEnd:
    """Has each channel's Delivery try as often as the step says, and tell us once; meanwhile one may get there by its
    own schedule."""
    tried = on.not_live
    on.hearing.forget_outcomes(tried)
    row = _tries_of(on)
    for delivery in on.deliveries_of(tried):
        await _try_now(on, delivery, row)

    def silent() -> list[str]:
        return [key for key in tried if not on.is_reported(key)]

    await _wait(lambda: not silent(), row.until or on.until, f"Until {', '.join(tried)} have reported")
    if silent():
        await listen_to(on.deliveries_of(silent()), at_once=True)
        await _wait(lambda: not silent(), on.until, "Until the try that is under way is over")
    return on.retried(tried)


async def _try_now(on: DeliveryStep, delivery: DeliveryRequest, row: TryNow) -> None:
    """One that has ended by now begins again, unless somebody has stopped it."""
    is_open = await signal_if_open(delivery_id_of(delivery), "try_now", row)
    if not is_open and delivery.channel.key in on.not_live:
        await bring_to_channel(delivery.model_copy(update={"asks_for": row, "unless_stopped": True}))


def _tries_of(on: DeliveryStep) -> TryNow:
    """Those of the step, within the bounds of what a Delivery takes."""
    retry, left = on.step.retry, on.until - workflow.now()
    return TryNow(
        reply_to=workflow.info().workflow_id,
        attempts=min(retry.attempts, MOST_TRIES),
        wait=min(retry.initial, LONGEST_WAIT),
        factor=min(retry.factor, STEEPEST_FACTOR),
        until=on.until - min(LAST_MOMENT, left / 5),
    )


async def _queue(on: DeliveryStep) -> StepEnd | None:
    """Leaves it to the channels' Deliveries that still try, with time to heal until the next try."""
    at = workflow.now() + parse_duration(str(on.step.arguments.get("next_try", NEXT_TRY)))
    queued = [
        delivery.channel.key
        for delivery in on.deliveries_of(on.units)
        if not on.is_settled(delivery.channel.key)
        and await signal_if_open(delivery_id_of(delivery), "put_off", PutOff(until=at, by=workflow.info().workflow_id))
    ]
    if not queued:
        return None
    message = f"queued; the next try is at {at:%H:%M} UTC"
    return on.course.take(on.step, StepResult(healed_without_data=tuple(queued), message=message))


# Others that stand in for them.


async def _use_alternatives(on: DeliveryStep) -> StepEnd | None:
    """For each channel, its alternatives in their order, until one has taken it."""
    tried = [key for unit in on.units for key in _keys(on.request.alternatives.get(unit, ()))]
    if not tried:
        return None
    stand_ins = await asyncio.gather(*(_alternative_for(on, unit) for unit in on.units))
    return on.stood_in([target for target in stand_ins if target], tried)


async def _alternative_for(on: DeliveryStep, unit: str) -> str:
    """The target that stands in now; empty where none does, or none need any more. Each has its share of the time."""
    others = on.request.alternatives.get(unit, ())
    for number, other in enumerate(others):
        share = (on.until - workflow.now()) / (len(others) - number)
        if await _bring(on, other, [unit], workflow.now() + share):
            await _let_stand_in(on, other.channel.target, [unit])
            return other.channel.target
    return ""


async def _mail(on: DeliveryStep) -> StepEnd | None:
    """By the team's mails, which then stand in for all these channels."""
    mails = on.request.mails
    if not mails:
        return None
    are_brought = await asyncio.gather(*(_bring(on, mail, on.units, on.until) for mail in mails))
    sent = [mail.channel.target for mail, is_brought in zip(mails, are_brought, strict=True) if is_brought]
    if sent:
        await _let_stand_in(on, f"mail to {', '.join(sent)}", on.units)
    return on.stood_in([f"mail to {target}" for target in sent], _keys(mails))


async def _bring(on: DeliveryStep, delivery: DeliveryRequest, units: Sequence[str], until: datetime) -> bool:
    """Brings it to a channel that stands in for these. True where that one takes it in time; it keeps its own schedule
    until then.

    What it has not taken it drops, by itself or told so: it must not come later, beside what the next step brings.
    """
    key = delivery.channel.key
    if not on.missing(units):
        return False
    on.hearing.forget_outcomes([key])
    mine = workflow.info().workflow_id
    await bring_to_channel(delivery.model_copy(update={"also_tell": mine, "gives_up_at": until}))
    try:
        await _wait(lambda: on.is_settled(key) or not on.missing(units), until, f"Until {key} has taken it")
    finally:
        if not on.is_settled(key):
            why = "it was to stand in, and did not take it in time"
            await signal_if_open(delivery_id_of(delivery), "drop", Drop(because=why))
    outcome = on.outcome(key)
    return outcome is not None and outcome.state in IS_THERE


async def _let_stand_in(on: DeliveryStep, stand_in: str, units: Sequence[str]) -> None:
    """Of the channels that it stands in for, those that shall not get it late drop it (`after_fallback: drop`)."""
    on.stand_in(units)
    for delivery in on.deliveries_of(units):
        if delivery.channel.after_fallback == "drop":
            await signal_if_open(delivery_id_of(delivery), "drop", Drop(because=f"{stand_in} stands in for it"))


async def let_be(deliveries: Iterable[DeliveryRequest], because: str) -> None:
    """People have decided to go on without these channels: what is not there by now is not brought there later."""
    for delivery in deliveries:
        await signal_if_open(delivery_id_of(delivery), "drop", Drop(because=because))


# Small parts.


async def _wait(is_over: Callable[[], bool], until: datetime, why: str) -> None:
    left = max(until - workflow.now(), timedelta(0))
    with suppress(TimeoutError):
        await workflow.wait_condition(is_over, timeout=left, timeout_summary=why[:200])


def _keys(deliveries: Iterable[DeliveryRequest]) -> list[str]:
    return [delivery.channel.key for delivery in deliveries]
