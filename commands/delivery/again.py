"""A delivery started again from what is on record: the newest revision, the team's file of today."""

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

from temporalio.client import Client, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from activities.planning import delivery_schedules, planned_channels, policies
from commands.console import Told
from devsync.contracts import names
from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.delivery import ChannelPlan, DeliveryOutcome, DeliveryRequest, TryNow
from devsync.contracts.edition import EditionRendered
from devsync.rendering.slack import SlackRendering, slack_part_digests
from devsync.settings.configuration import TeamConfiguration
from devsync.settings.problems import any_of
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.editions import EditionRecord
from workflows.channels import THEIRS, alternatives_of, content_for, needed_format


class DeliveryKey(NamedTuple):
    team: str
    iso_week: str
    channel: str


def parsed_id(words: Sequence[str]) -> DeliveryKey:
    """`delivery:payments:2026-W47:slack-payments`, or the last three of it. Raises Told for anything else."""
    parts = words[0].split(":") if len(words) == 1 else ["delivery", *words]
    if len(parts) != len(("delivery", *DeliveryKey._fields)) or parts[0] != "delivery" or not all(parts):
        raise Told("name a delivery by its id, as `delivery list` shows it, or by team, week and channel")
    return DeliveryKey(*parts[1:])


async def request_of_record(
    configuration: TeamConfiguration, edition: EditionRecord, channel_key: str, store: ArtifactStore
) -> DeliveryRequest:
    """What the channel's Delivery is given. Raises Told where the channel or its rendering is not there any more."""
    channel, stands_in_for = _channel(configuration, channel_key)
    needed = needed_format(channel)
    if needed not in edition.renderings:
        week = f"{edition.team} --week {edition.iso_week}"
        raise Told(f"revision {edition.revision} was not rendered for {channel.kind}: `python starter.py run {week}`")
    rendering, renderings, part_digests = content_for(channel, await _rendered(edition, channel, store))
    every_policy = policies(configuration.services)
    return DeliveryRequest(
        team=edition.team,
        iso_week=edition.iso_week,
        channel=channel,
        revision=edition.revision,
        rendering=rendering,
        renderings=renderings,
        part_digests=part_digests,
        stands_in_for=stands_in_for,
        completeness=edition.completeness,
        missing=tuple(gap.unit for gap in edition.gaps),
        policies={name: policy for name, policy in every_policy.items() if name in THEIRS},
        schedule=delivery_schedules(configuration.delivery, configuration.services)[channel.kind],
        escalation=configuration.team.escalation,
        is_replay=True,
    )


async def start_again(client: Client, request: DeliveryRequest) -> WorkflowHandle[Any, DeliveryOutcome]:
    """Starts the Delivery, or has the one that is under way try at once."""
    return await client.start_workflow(
        names.DELIVERY,
        request,
        id=names.delivery_id(request.team, request.iso_week, request.channel.key),
        task_queue=names.CONTROL_QUEUE,
        result_type=DeliveryOutcome,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        start_signal="try_now",
        start_signal_args=[TryNow()],
        static_summary=f"{request.team} {request.iso_week} → {request.channel.target}",
    )


def _channel(configuration: TeamConfiguration, key: str) -> tuple[ChannelPlan, str]:
    """The channel of that key, and for which it stands in."""
    own = planned_channels(configuration.team)
    known = {channel.key: (channel, "") for channel in own}
    for channel in own:
        for other in alternatives_of(channel):
            known.setdefault(other.key, (other, channel.told))
    if key not in known:
        raise Told(f'{configuration.team.team} has no channel "{key}"; it has {any_of(sorted(known))}')
    return known[key]


async def _rendered(edition: EditionRecord, channel: ChannelPlan, store: ArtifactStore) -> EditionRendered:
    """As the edition's rendering was, as far as the channel needs it."""
    formats = edition.renderings
    if channel.kind == names.SLACK:
        slack = SlackRendering.model_validate_json(await store.get(formats["slack"]))
        return EditionRendered(formats=formats, slack_part_digests=slack_part_digests(slack))
    needed = needed_format(channel)
    digest = await _digest(formats[needed], store)
    return EditionRendered(formats=formats, slack_part_digests=(), digests={needed: digest})


async def _digest(reference: ArtifactRef, store: ArtifactStore) -> str:
    return reference.digest or hashlib.sha256(await store.get(reference)).hexdigest()
