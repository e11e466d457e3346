"""Leaves a channel that lacks the edition to its Delivery, when the recovery that looked after it is over."""

from collections.abc import Sequence

from temporalio import workflow

from devsync.contracts.delivery import ENDED_BADLY, IS_THERE, DeliveryOutcome, DeliveryRequest, DeliveryState
from devsync.contracts.escalation import HeldPlace, PlacesKept
from devsync.contracts.recovery import RecoveryRequest
from devsync.domain.errors import Failure
from workflows.delivery.channels import delivery_id_of, goes_on_alone
from workflows.delivery.people import tell_that_it_ended
from workflows.escalation.places import Places
from workflows.recovery.course import Course
from workflows.recovery.hearing import Hearing
from workflows.shared.signals import signal_if_open


async def leave_channel_of_a_terminated_edition(request: RecoveryRequest, course: Course, hearing: Hearing) -> None:
    """Somebody terminated the edition of this recovery, or the server failed it: it leaves nothing to anybody, and is
    the only one that a recovery outlives. What it would have said is said here."""
    delivery = next(iter(request.deliveries), None)  # there is one, of one channel
    if delivery is None or delivery.channel.key not in course.healing.not_live or await _has_edition():
        return
    places = _places_of(hearing)
    if await goes_on_alone(delivery_id_of(delivery), places):
        _give(hearing, places)
    else:
        await _tell_the_end(delivery, course, hearing, places)


async def keep_places(request: RecoveryRequest, course: Course, hearing: Hearing) -> bool:
    """Of a recovery that is over while its channel lacks the edition: people are to hear of it from who looks after it
    now. That is the edition, which may be terminated any time; so the Delivery knows of them, too. True where that one
    is over as well, and people were told so here."""
    places, delivery = _places_of(hearing), next(iter(request.deliveries), None)
    if delivery is None or not places:
        return False
    if await signal_if_open(delivery_id_of(delivery), "places_kept", PlacesKept(places=places)):
        return False
    return await _tell_the_end(delivery, course, hearing, places)


def _give(hearing: Hearing, places: Sequence[HeldPlace]) -> None:
    """They are another's now."""
    for place in places:
        hearing.places.forget(place.escalation_id)


def _places_of(hearing: Hearing) -> tuple[HeldPlace, ...]:
    mine = workflow.info().workflow_id
    return tuple(HeldPlace(escalation_id=one, workflow_id=mine) for one in hearing.places.joined)


async def _has_edition() -> bool:
    parent = workflow.info().parent
    return parent is None or await signal_if_open(parent.workflow_id, "still_there", run_id=parent.run_id)


def _ended_before(delivery: DeliveryRequest, failure: Failure) -> DeliveryOutcome:
    """Of a delivery that was over before the recovery could listen to it, or was terminated."""
    return DeliveryOutcome(
        team=delivery.team,
        iso_week=delivery.iso_week,
        channel=delivery.channel.key,
        kind=delivery.channel.kind,
        revision=delivery.revision,
        state=DeliveryState.UNCERTAIN if failure.may_have_taken_effect else DeliveryState.FAILED,
        reason=failure.message,
        setback=failure,
    )


async def _tell_the_end(
    delivery: DeliveryRequest, course: Course, hearing: Hearing, places: Sequence[HeldPlace]
) -> bool:
    """Of the delivery, which is over; none of the places is ours after it. True where people were told how it has
    ended: not where it brought the edition after all, or was not to bring it, and not where they cannot be told."""
    key = delivery.channel.key
    outcome = hearing.outcomes.get(key)
    if outcome is None or outcome.state is DeliveryState.PENDING:
        outcome = _ended_before(delivery, course.failure(key))
    if outcome.state not in ENDED_BADLY or outcome.was_stopped:
        note = f"{delivery.channel.told}: {outcome.state.value}"
        await hearing.places.leave(is_healed=outcome.state in IS_THERE, note=note)
        return False
    by = delivery.policies
    if await tell_that_it_ended(Places(), outcome, delivery.channel, places, delivery.escalation, by):
        _give(hearing, places)
        return True
    await hearing.places.leave(is_healed=False, note="people could not be told how the delivery ended")
    return False
