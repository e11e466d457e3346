"""What a recovery tells people, through the escalation that it joins."""

from datetime import timedelta

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from devsync.contracts import activities, names
    from devsync.contracts.escalation import JoinEscalation, Subscriber, SubscriberLeft
    from devsync.contracts.recovery import EscalateRecovery, RecoveryRequest
    from devsync.domain.recovery import asking
    from devsync.runtime.policies import call
    from workflows.failures import failure_of
    from workflows.recovery_course import Course
    from workflows.recovery_hearing import Hearing
    from workflows.recovery_story import recovery_summary
    from workflows.signals import signal_if_open

NOBODY_TOLD = "the escalation policy tells nobody of it"


async def join_escalation(
    request: RecoveryRequest,
    course: Course,
    hearing: Hearing,
    *,
    is_waiting: bool,
    wanted: EscalateRecovery | None = None,
) -> str:
    """Joins the open escalation of this cause, or starts it; gives what went wrong with that, empty where it did not.

    `wanted` is a person's wish to tell others now.
    """
    message = _message(request, course, hearing, is_waiting=is_waiting, wanted=wanted)
    own_id = names.own_escalation_id(message.subscriber.workflow_id)
    hearing.asked_id = names.service_escalation_id(message.service) if message.service else own_id
    left = max(request.deadline - workflow.now(), timedelta(seconds=1))
    try:
        joined = await call(
            activities.JOIN_ESCALATION,
            message,
            request.policies,
            summary="Ask people, and wait for them" if is_waiting else "Tell people",
            time_left=left,
        )
    except ActivityError as error:
        if is_cancelled_exception(error):
            raise
        return f"people could not be told: {failure_of(error).message}"
    hearing.escalation_id = joined.escalation_id or hearing.escalation_id
    return "" if joined.escalation_id else NOBODY_TOLD


async def leave_escalation(hearing: Hearing, *, is_healed: bool, note: str) -> None:
    """Whether or not it is still open: it needs not keep an answer for us."""
    if hearing.escalation_id:
        left = SubscriberLeft(workflow_id=workflow.info().workflow_id, is_healed=is_healed, note=note)
        await signal_if_open(hearing.escalation_id, "left", left)


def _message(
    request: RecoveryRequest,
    course: Course,
    hearing: Hearing,
    *,
    is_waiting: bool,
    wanted: EscalateRecovery | None,
) -> JoinEscalation:
    healing = course.healing
    failures = course.failures(healing.not_live)
    answers_others = any(unit.unit.startswith(f"{request.service}:") for unit in request.sources.collected)
    is_shared = asking.is_shared(failures, answers_others=answers_others)
    return JoinEscalation(
        service=request.service if is_shared else "",
        failure=max(failures, key=lambda failure: failure.severity.rank),
        severity=asking.severity(failures, healing),
        policy=request.escalation,
        level=wanted.level if wanted else None,
        reason=(wanted.reason or "") if wanted else hearing.by_hand,
        requested_by=wanted.by if wanted else "",
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
