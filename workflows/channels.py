"""Hands a revision to the channel's Delivery, whether that one is already running or not."""

from temporalio import workflow
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from devsync.contracts import activities, names
    from devsync.contracts.delivery import ChannelPlan, DeliveryOutcome, DeliveryRequest
    from devsync.contracts.edition import EditionComposed, EditionPlan, EditionRendered
    from workflows.signals import signal_if_open

THEIRS = frozenset(contract.name for contract in activities.DELIVERY_ACTIVITIES)


def delivery_request(
    plan: EditionPlan,
    channel: ChannelPlan,
    composed: EditionComposed,
    rendered: EditionRendered,
    *,
    revision: int,
    replace: bool,
    reply_to: str,
) -> DeliveryRequest:
    """What the channel's Delivery is given; of the plan's policies, those of its own activities that the plan has."""
    return DeliveryRequest(
        team=plan.team,
        iso_week=plan.iso_week,
        channel=channel,
        revision=revision,
        rendering=rendered.formats["slack"],
        part_digests=rendered.slack_part_digests,
        completeness=composed.completeness,
        missing=tuple(gap.unit for gap in composed.gaps),
        replace=replace,
        policies={name: policy for name, policy in plan.policies.items() if name in THEIRS},
        schedule=plan.delivery_schedule,
        reply_to=reply_to,
    )


async def bring_to_channel(request: DeliveryRequest) -> None:
    """Starts `delivery:{team}:{iso_week}:{channel}`, or tells the running one of the newer revision.

    Returns when the Delivery has the request; its outcome comes by the signal `delivery_reported`. The child is
    abandoned on purpose (it goes on after our deadline), so its start is awaited.
    """
    delivery_id = names.delivery_id(request.team, request.iso_week, request.channel.key)
    while True:
        try:
            await workflow.start_child_workflow(
                names.DELIVERY,
                request,
                id=delivery_id,
                task_queue=names.CONTROL_QUEUE,
                result_type=DeliveryOutcome,
                parent_close_policy=ParentClosePolicy.ABANDON,
                static_summary=f"{request.team} {request.iso_week} → {request.channel.target}",
            )
        except WorkflowAlreadyStartedError:
            if not await signal_if_open(delivery_id, "revise", request):
                continue  # it closed in between: start a new one
        return
