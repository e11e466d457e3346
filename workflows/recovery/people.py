"""What a recovery tells people, through the escalations that it joins."""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from devsync.contracts import names
from devsync.contracts.escalation import JoinEscalation, Subscriber
from devsync.contracts.people import Escalate
from devsync.contracts.recovery import PeopleAsked, RecoveryRequest
from devsync.domain.recovery import asking
from devsync.domain.recovery.decision import Decision
from workflows.delivery.channels import delivery_id_of
from workflows.recovery.course import Course
from workflows.recovery.hearing import Hearing
from workflows.recovery.story import recovery_summary
from workflows.shared.failures import failure_of
from workflows.shared.signals import signal_if_open

NOBODY_TOLD = "the escalation policy tells nobody of it"


async def join_escalation(
    request: RecoveryRequest,
    course: Course,
    hearing: Hearing,
    *,
    is_waiting: bool,
    wanted: Escalate | None = None,
) -> str:
    """Joins the open escalation of this cause, or starts it; gives what went wrong with that, empty where it did not.

    `wanted` is a person's wish to tell others now.
    """
    joining = _joining(request, course, hearing, is_waiting=is_waiting, wanted=wanted)
    summary = "Ask people, and wait for them" if is_waiting else "Tell people"
    left = max(request.deadline - workflow.now(), timedelta(seconds=1))
    try:
        joined = await hearing.places.join(joining, request.policies, summary, time_left=left)
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        return f"people could not be told: {failure_of(error).message}"
    if not joined.escalation_id:
        return NOBODY_TOLD
    hearing.has_joined(joined.escalation_id, joined.level)
    if is_waiting:
        await _tell_whom_it_is_for(hearing, joining.subscriber.choices)
    return ""


async def _tell_whom_it_is_for(hearing: Hearing, choices: tuple[Decision, ...]) -> None:
    """An edition learns the rest from the report. Once for the same words: each time costs its history four events."""
    parent = workflow.info().parent
    asked = PeopleAsked(recovery=workflow.info().workflow_id, escalations=hearing.escalations, choices=choices)
    if parent is not None and asked != hearing.asked:
        hearing.asked = asked
        await signal_if_open(parent.workflow_id, "people_asked", asked)


def _joining(
    request: RecoveryRequest,
    course: Course,
    hearing: Hearing,
    *,
    is_waiting: bool,
    wanted: Escalate | None,
) -> JoinEscalation:
    healing = course.healing
    failures = course.failures(healing.not_live)
    is_shared = asking.is_shared(
        failures,
        # Of a program nothing is known but its name: its hosts and credentials are its own.
        is_one_place=not request.program and request.service not in names.UNGUARDED,
        answers_others=any(unit.unit.startswith(f"{request.service}:") for unit in request.sources.collected),
    )
    return JoinEscalation(
        service=request.service if is_shared else "",
        failure=max(failures, key=lambda failure: failure.severity.rank),
        severity=asking.severity(failures, healing),
        policy=request.escalation,
        level=(wanted.level or None) if wanted else None,
        reason=wanted.reason if wanted else hearing.by_hand,
        requested_by=wanted.by if wanted else "",
        program=f"{names.PROGRAM}:{request.program}:{request.service}" if request.program else "",
        about=next((delivery_id_of(delivery) for delivery in request.deliveries), ""),  # there is one, of one channel
        subscriber=Subscriber(
            workflow_id=workflow.info().workflow_id,
            team=request.team,
            iso_week=request.iso_week,
            subject=recovery_summary(request),
            deadline=request.deadline if is_waiting else None,
            choices=asking.choices(healing) if is_waiting else (),
            is_waiting=is_waiting,
        ),
    )
