"""Hands a revision to the channel's Delivery, whether that one is already running or not, and leaves it to it."""

import asyncio
from collections.abc import Callable, Iterable, Sequence

from temporalio import workflow
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

from devsync.contracts import names
from devsync.contracts.delivery import ChannelPlan, DeliveryOutcome, DeliveryRequest
from devsync.contracts.edition import EditionComposed, EditionPlan, EditionRendered
from devsync.contracts.escalation import GoOnAlone, HeldPlace
from devsync.runtime.channel_content import THEIRS, content_for
from workflows.shared.signals import signal_if_open

RequestFor = Callable[[ChannelPlan, str], DeliveryRequest]
"""Makes what a channel's Delivery is given; the second says for which other channel it stands in, or is empty."""


def delivery_request(
    plan: EditionPlan,
    channel: ChannelPlan,
    composed: EditionComposed,
    rendered: EditionRendered,
    *,
    revision: int,
    replace: bool,
    reply_to: str,
    owner_run_id: str,
    is_looked_after: bool,
    stands_in_for: str = "",
) -> DeliveryRequest:
    """What the channel's Delivery is given; of the plan's policies, those of its own activities that the plan has."""
    rendering, renderings, part_digests = content_for(channel, rendered)
    return DeliveryRequest(
        team=plan.team,
        iso_week=plan.iso_week,
        channel=channel,
        revision=revision,
        rendering=rendering,
        renderings=renderings,
        part_digests=part_digests,
        stands_in_for=stands_in_for,
        completeness=composed.completeness,
        missing=tuple(gap.unit for gap in composed.gaps),
        replace=replace,
        policies={name: policy for name, policy in plan.policies.items() if name in THEIRS},
        schedule=plan.delivery_schedules[channel.kind],
        escalation=plan.escalation,
        reply_to=reply_to,
        owner_run_id=owner_run_id,
        is_looked_after=is_looked_after,
    )


def delivery_id_of(delivery: DeliveryRequest) -> str:
    return names.delivery_id(delivery.team, delivery.iso_week, delivery.channel.key)


async def hand_over(channels: Iterable[ChannelPlan], request_for: RequestFor) -> None:
    """Gives each channel's Delivery what is asked for."""
    await asyncio.gather(*(bring_to_channel(request_for(channel, "")) for channel in channels))


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


async def goes_on_alone(delivery_id: str, places: Sequence[HeldPlace]) -> bool:
    """Leaves the channel to its Delivery: people hear of it from there, also in these places in escalations. False
    where the Delivery is over."""
    return await signal_if_open(delivery_id, "go_on_alone", GoOnAlone(places=tuple(places)))
