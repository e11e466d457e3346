"""The steps of delivery plans. They never post: they tell the channel's Delivery, or start another channel's, and wait
for what it reports."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from devsync.contracts import names
    from devsync.contracts.delivery import (
        DeliveryOutcome,
        DeliveryRequest,
        DeliveryState,
        Drop,
        PutOff,
        TryNow,
    )
    from devsync.contracts.recovery import RecoveryRequest, StepResult
    from devsync.domain.errors import ErrorCategory, Failure
    from devsync.domain.recovery import builtin
    from devsync.domain.recovery.plan import PlanStep, StepState
    from devsync.settings.durations import parse_duration
    from workflows.channels import bring_to_channel
    from workflows.recovery_course import Course, StepEnd
    from workflows.recovery_hearing import Hearing
    from workflows.recovery_steps import StepFailed
    from workflows.signals import signal_if_open

IS_THERE = (DeliveryState.DELIVERED, DeliveryState.KEPT)
NEXT_TRY = "30m"


async def deliver_otherwise(
    request: RecoveryRequest, course: Course, hearing: Hearing, step: PlanStep, units: Sequence[str], until: datetime
) -> StepEnd | None:
    """One step of a delivery plan, for these channels. None where there is nothing that it could do for them. Raises
    StepFailed."""
    if any(unit in hearing.outcomes and hearing.outcomes[unit].was_stopped for unit in units):
        return _taken(course, hearing, step, units)
    match step.activity:
        case builtin.RETRY_DELIVERY:
            return await _retry(request, course, hearing, step, units, until)
        case builtin.DELIVER_ALTERNATIVE:
            return await _use_alternatives(request, course, hearing, step, units, until)
        case builtin.DELIVER_EMAIL:
            return await _mail(request, course, hearing, step, units, until)
        case _:
            return await _queue(request, course, step, units)


async def _retry(
    request: RecoveryRequest, course: Course, hearing: Hearing, step: PlanStep, units: Sequence[str], until: datetime
) -> StepEnd:
    """Has each channel's Delivery try at once; one that has ended by now begins again."""
    wait = step.retry.initial
    left, healed = list(units), tuple[str, ...]()
    for attempt in range(1, step.retry.attempts + 1):
        hearing.forget_outcomes(left)
        for delivery in _of(request, left):
            await _try_now(delivery)
        await _until_reported(hearing, left, until)
        healed += _taken(course, hearing, step, left).healed
        left = [unit for unit in left if unit not in healed]
        if not left or attempt == step.retry.attempts or workflow.now() + wait >= until:
            break
        await workflow.sleep(wait, summary="Before the channel is tried once more")
        wait *= step.retry.factor
    if healed:
        return StepEnd(healed=healed, attempts=attempt, message="the channel took it")
    raise _not_delivered(hearing, left, attempt)


async def _try_now(delivery: DeliveryRequest) -> None:
    mine = workflow.info().workflow_id
    if not await signal_if_open(_id_of(delivery), "try_now", TryNow(reply_to=mine)):
        await _begin(delivery)


async def _begin(delivery: DeliveryRequest) -> None:
    """Its outcome is told to us and, where the request names one, to its edition."""
    await bring_to_channel(delivery.model_copy(update={"reply_to": workflow.info().workflow_id}))
    if delivery.reply_to:
        await signal_if_open(_id_of(delivery), "try_now", TryNow(reply_to=delivery.reply_to))


async def _use_alternatives(
    request: RecoveryRequest, course: Course, hearing: Hearing, step: PlanStep, units: Sequence[str], until: datetime
) -> StepEnd | None:
    """For each channel, its alternatives in their order, until one has taken it."""
    healed, tried = tuple[str, ...](), list[str]()
    for unit in units:
        for alternative in request.alternatives.get(unit, ()):
            tried.append(alternative.channel.key)
            if await _is_delivered(hearing, alternative, until):
                await _drop_the_first(_of(request, [unit]), alternative.channel.target)
                message = f"{alternative.channel.target} stands in"
                healed += course.take(step, StepResult(healed_without_data=(unit,), message=message)).healed
                break
    if not tried:
        return None
    if not healed:
        raise _not_delivered(hearing, tried, len(tried))
    return StepEnd(healed=healed, attempts=len(tried), message=f"{', '.join(tried)} stand in")


async def _mail(
    request: RecoveryRequest, course: Course, hearing: Hearing, step: PlanStep, units: Sequence[str], until: datetime
) -> StepEnd | None:
    """By the team's mail, which then stands in for all these channels."""
    sent = [mail.channel.target for mail in request.mails if await _is_delivered(hearing, mail, until)]
    if not request.mails:
        return None
    if not sent:
        raise _not_delivered(hearing, [mail.channel.key for mail in request.mails], len(request.mails))
    await _drop_the_first(_of(request, units), f"mail to {', '.join(sent)}")
    result = StepResult(healed_without_data=tuple(units), message=f"mail to {', '.join(sent)} stands in")
    return course.take(step, result)


async def _drop_the_first(deliveries: Iterable[DeliveryRequest], stand_in: str) -> None:
    """Of the channels that are stood in for, those that shall not get it late (`after_fallback: drop`)."""
    for delivery in deliveries:
        if delivery.channel.after_fallback == "drop":
            await signal_if_open(_id_of(delivery), "drop", Drop(because=f"{stand_in} stands in for it"))


async def _queue(request: RecoveryRequest, course: Course, step: PlanStep, units: Sequence[str]) -> StepEnd | None:
    """Leaves it to the channels' Deliveries that are still open, with time to heal until the next try."""
    at = workflow.now() + parse_duration(str(step.arguments.get("next_try", NEXT_TRY)))
    queued = [
        delivery.channel.key
        for delivery in _of(request, units)
        if await signal_if_open(_id_of(delivery), "put_off", PutOff(until=at))
    ]
    if not queued:
        return None
    return course.take(
        step, StepResult(healed_without_data=tuple(queued), message=f"queued; the next try is at {at:%H:%M} UTC")
    )


async def _is_delivered(hearing: Hearing, delivery: DeliveryRequest, until: datetime) -> bool:
    """Brings it to a channel that stands in. One that has not taken it in time is given up: it must not come later,
    beside what the next step brings."""
    key = delivery.channel.key
    hearing.forget_outcomes([key])
    await _begin(delivery)
    is_there = False
    try:
        await _until_reported(hearing, [key], until)
        outcome = hearing.outcomes.get(key)
        is_there = outcome is not None and outcome.state in IS_THERE
    finally:
        if not is_there:
            why = "it was to stand in, and did not take it in time"
            await signal_if_open(_id_of(delivery), "drop", Drop(because=why))
    return is_there


async def _until_reported(hearing: Hearing, keys: Iterable[str], until: datetime) -> None:
    """Until each of the channels has said what came of a try, or the time is up."""
    waited_for = tuple(keys)
    try:
        await workflow.wait_condition(
            lambda: all(_is_settled(hearing.outcomes.get(key)) for key in waited_for),
            timeout=max(until - workflow.now(), timedelta(0)),
            timeout_summary=f"Until {', '.join(waited_for)} have reported"[:200],
        )
    except TimeoutError:
        workflow.logger.info("not every channel has reported in time")


def _is_settled(outcome: DeliveryOutcome | None) -> bool:
    return outcome is not None and (outcome.state is not DeliveryState.PENDING or outcome.setback is not None)


def _taken(course: Course, hearing: Hearing, step: PlanStep, units: Sequence[str]) -> StepEnd:
    there = [unit for unit in units if unit in hearing.outcomes and _is_over(hearing.outcomes[unit])]
    setbacks = {unit: _setback(hearing.outcomes.get(unit)) for unit in units if unit not in there}
    failures = {unit: setback for unit, setback in setbacks.items() if setback is not None}
    return course.take(step, StepResult(healed_without_data=tuple(there), failures=failures))


def _is_over(outcome: DeliveryOutcome) -> bool:
    """It is there; or somebody has stopped it, who does not want it begun again."""
    return outcome.state in IS_THERE or outcome.was_stopped


def _setback(outcome: DeliveryOutcome | None) -> Failure | None:
    return outcome.setback if outcome is not None else None


def _not_delivered(hearing: Hearing, keys: Sequence[str], attempts: int) -> StepFailed:
    """Of channels of which none has taken it."""
    outcomes = [hearing.outcomes[key] for key in keys if key in hearing.outcomes]
    setback = next((outcome.setback for outcome in outcomes if outcome.setback), None)
    if setback is not None:
        return StepFailed(setback, StepState.FAILED, attempts)
    told = [f"{outcome.channel}: {outcome.state.value} {outcome.reason}".strip() for outcome in outcomes]
    message = "; ".join(told) or f"{', '.join(keys)} did not say in time what came of it"
    failure = Failure(category=ErrorCategory.DISTRIBUTION, message=message, is_retryable=True)
    return StepFailed(failure, StepState.FAILED if told else StepState.TIMED_OUT, attempts)


def _of(request: RecoveryRequest, units: Sequence[str]) -> list[DeliveryRequest]:
    return [delivery for delivery in request.deliveries if delivery.channel.key in units]


def _id_of(delivery: DeliveryRequest) -> str:
    return names.delivery_id(delivery.team, delivery.iso_week, delivery.channel.key)


NOTHING_TO_DO: dict[str, str] = {
    builtin.WAIT_FOR_BREAKER: "no circuit breaker refused what is left",
    builtin.DELIVER_ALTERNATIVE: "the team has no alternative channel",
    builtin.DELIVER_EMAIL: "the team has no mail channel that is only a fallback",
    builtin.QUEUE_DELIVERY: "no delivery is open that could try later",
}
"""Why a step is skipped that could do nothing."""
