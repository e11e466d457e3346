"""How a run of ours asks people: it joins an escalation, and leaves it when it needs no answer any more."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from devsync.contracts import activities, names
    from devsync.contracts.delivery import ChannelPlan
    from devsync.contracts.edition import EditionPlan, EditionRequest, RecoverySummary
    from devsync.contracts.escalation import (
        EscalationJoined,
        FollowEscalation,
        JoinEscalation,
        Subscriber,
        SubscriberLeft,
    )
    from devsync.contracts.people import Escalate
    from devsync.contracts.policies import Policies
    from devsync.contracts.recovery import FailedUnit
    from devsync.domain.errors import ErrorCategory, ErrorSeverity, Failure
    from devsync.domain.recovery.decision import Decision
    from devsync.runtime.policies import call
    from workflows.signals import signal_if_open


async def join(
    joining: JoinEscalation, policies: Policies, summary: str, *, time_left: timedelta | None = None
) -> EscalationJoined:
    """The escalation and its level; without an id where the policy tells nobody. Raises ActivityError."""
    return await call(activities.JOIN_ESCALATION, joining, policies, summary=summary, time_left=time_left)


async def leave(places: Iterable[tuple[str, str]], *, is_healed: bool, note: str) -> None:
    """Tells each escalation that a workflow of ours, which joined it, needs no answer any more."""
    for escalation, workflow_id in places:
        left = SubscriberLeft(workflow_id=workflow_id, is_healed=is_healed, note=note)
        await signal_if_open(escalation, "left", left)


async def take_place(
    escalation: str, recovery: RecoverySummary, plan: EditionPlan, missing: Sequence[FailedUnit], until: datetime
) -> bool:
    """Follows an escalation in the place of the recovery that joined it. False where it is over, or needs nobody."""
    ours = [unit for unit in missing if unit.service == recovery.service]
    if not ours:
        await leave([(escalation, recovery.workflow_id)], is_healed=True, note="everything is there")
        return False
    worst = max((unit.failure for unit in ours), key=lambda failure: failure.severity.rank)
    told = f"out without {len(ours)} of its sources, which are asked again"
    return await _replace(escalation, recovery, plan, workflow.info().workflow_id, told, worst, until)


async def hand_to_delivery(
    escalation: str, recovery: RecoverySummary, plan: EditionPlan, channel: ChannelPlan, why: Failure
) -> bool:
    """Has a channel's Delivery, which goes on, follow an escalation in the place of the recovery that joined it. False
    where that is over, or needs nobody."""
    delivery = names.delivery_id(plan.team, plan.iso_week, channel.key)
    told = f"not in {channel.told} yet, which is tried again"
    if not await _replace(escalation, recovery, plan, delivery, told, why, None):
        return False
    # Only now: what it says when it is done would be refused before it is there.
    if not await signal_if_open(delivery, "follow", FollowEscalation(escalation_id=escalation)):
        await leave([(escalation, delivery)], is_healed=False, note=f"the delivery to {channel.told} is over")
    return True


async def _replace(
    escalation: str,
    recovery: RecoverySummary,
    plan: EditionPlan,
    follower: str,
    told: str,
    why: Failure,
    until: datetime | None,
) -> bool:
    joining = JoinEscalation(
        service=recovery.service if escalation == names.service_escalation_id(recovery.service) else "",
        failure=why,
        severity=why.severity,
        policy=plan.escalation,
        subscriber=Subscriber(
            workflow_id=follower,
            team=plan.team,
            iso_week=plan.iso_week,
            subject=f"{plan.team} {plan.iso_week}: {told}",
            deadline=until,
            choices=(Decision.RETRY, Decision.SKIP),
            is_waiting=False,
        ),
        replaces=recovery.workflow_id,
    )
    return bool((await join(joining, plan.policies, f"Follow {escalation} in the place of the recovery")).escalation_id)


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
            choices=(Decision.RETRY, Decision.SKIP, Decision.ABORT),
        ),
    )
