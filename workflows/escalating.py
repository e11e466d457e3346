"""How a run of ours asks people: it joins an escalation, and leaves it when it needs no answer any more."""

from collections.abc import Iterable

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from devsync.contracts import activities, names
    from devsync.contracts.escalation import JoinEscalation, SubscriberLeft
    from devsync.contracts.policies import Policies
    from devsync.runtime.policies import call
    from workflows.signals import signal_if_open


async def escalate(joining: JoinEscalation, policies: Policies) -> str:
    """The id of the escalation, empty where the policy tells nobody. Raises ActivityError."""
    cause = joining.service or joining.subscriber.workflow_id
    joined = await call(
        activities.JOIN_ESCALATION, joining, policies, summary=f"Ask people: {joining.reason or cause}"[:200]
    )
    return joined.escalation_id


async def leave(escalations: Iterable[str], *, is_healed: bool, note: str) -> None:
    """Tells each escalation that this run needs no answer any more."""
    left = SubscriberLeft(workflow_id=workflow.info().workflow_id, is_healed=is_healed, note=note)
    for escalation in escalations:
        await signal_if_open(escalation, "left", left)


