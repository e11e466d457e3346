"""What a run of ours tells people when it asks them: about an edition, and about what one lacks when it is out."""

from collections.abc import Sequence
from datetime import datetime

from temporalio import workflow

from devsync.contracts import names
from devsync.contracts.edition import EditionPlan, EditionRequest, RecoverySummary
from devsync.contracts.escalation import JoinEscalation, Subscriber
from devsync.contracts.people import Escalate
from devsync.contracts.recovery import FailedUnit
from devsync.domain.errors import ErrorCategory, ErrorSeverity, Failure
from devsync.domain.recovery.decision import ABOUT_AN_EDITION, Decision
from workflows.escalation.places import Places, leave


async def take_place(
    places: Places,
    escalation: str,
    recovery: RecoverySummary,
    plan: EditionPlan,
    missing: Sequence[FailedUnit],
    until: datetime,
) -> bool:
    """Follows an escalation in the place of the recovery that joined it. False where it is over, or needs nobody."""
    ours = [unit for unit in missing if unit.service == recovery.service]
    if not ours:
        await leave([(escalation, recovery.workflow_id)], is_healed=True, note="everything is there")
        return False
    worst = max((unit.failure for unit in ours), key=lambda failure: failure.severity.rank)
    joining = JoinEscalation(
        service=service_of(escalation, recovery.service),
        failure=worst,
        severity=worst.severity,
        policy=plan.escalation,
        subscriber=Subscriber(
            workflow_id=workflow.info().workflow_id,
            team=plan.team,
            iso_week=plan.iso_week,
            subject=f"{plan.team} {plan.iso_week}: out without {len(ours)} of its sources, which are asked again",
            deadline=until,
            choices=(Decision.RETRY, Decision.SKIP),
            is_waiting=False,
        ),
        replaces=recovery.workflow_id,
    )
    joined = await places.join(joining, plan.policies, f"Follow {escalation} in the place of the recovery")
    return bool(joined.escalation_id)


def service_of(escalation: str, service: str) -> str:
    """The service, where the escalation is about it; empty where it is about one workflow."""
    return service if escalation == names.service_escalation_id(service) else ""


def about_edition(request: EditionRequest, asked: Escalate, policy: str, deadline: datetime | None) -> JoinEscalation:
    """A person asks others about a run: they can stop it, or let it go on with what it has."""
    words = asked.reason or "no reason given"
    return JoinEscalation(
        failure=Failure(
            category=ErrorCategory.SYSTEM,
            message=f"{asked.by} asks for help: {words}",
            is_retryable=False,
            severity=ErrorSeverity.HIGH,
        ),
        severity=ErrorSeverity.HIGH,
        policy=policy,
        level=asked.level or None,
        reason=words,
        requested_by=asked.by,
        subscriber=Subscriber(
            workflow_id=workflow.info().workflow_id,
            team=request.team,
            iso_week=request.iso_week,
            subject=f"{request.team} {request.iso_week}: {words}",
            deadline=deadline,
            choices=ABOUT_AN_EDITION,
        ),
    )
