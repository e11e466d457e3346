"""A delivery started again from what is on record: the newest revision, the team's file of today."""

import hashlib
from datetime import UTC, datetime
from typing import Any

from temporalio.client import Client, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from devsync.contracts import names
from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.delivery import ChannelPlan, DeliveryOutcome, DeliveryRequest, TryNow
from devsync.contracts.edition import EditionRendered
from devsync.contracts.names import DeliveryKey
from devsync.domain.audit import AuditEntry, deed
from devsync.rendering.slack import SlackRendering, slack_part_digests
from devsync.runtime.channel_content import THEIRS, alternatives_of, content_for, needed_format
from devsync.runtime.refusals import NotDone, NotThere
from devsync.settings.configuration import TeamConfiguration
from devsync.settings.planned import delivery_schedules, planned_channels, policies
from devsync.settings.problems import any_of
from devsync.storage.artifacts import ArtifactMissing, ArtifactStore
from devsync.storage.audit import Audit
from devsync.storage.database import Database
from devsync.storage.editions import EditionRecord, Editions


class CannotReplay(NotDone):
    """Nothing on record can be brought to that channel; the message says why, and what to do."""


async def request_of_record(
    configuration: TeamConfiguration, edition: EditionRecord, channel_key: str, store: ArtifactStore
) -> DeliveryRequest:
    """What the channel's Delivery is given. Raises NotThere where the channel is gone, CannotReplay where its rendering
    is."""
    channel, stands_in_for = _channel(configuration, channel_key)
    needed = needed_format(channel)
    if needed not in edition.renderings:
        raise CannotReplay(f"revision {edition.revision} was not rendered for {channel.kind}: {_made_again(edition)}")
    try:
        rendered = await _rendered(edition, channel, store)
    except ArtifactMissing as error:
        raise CannotReplay(f"revision {edition.revision} is not kept any more: {_made_again(edition)}") from error
    rendering, renderings, part_digests = content_for(channel, rendered)
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


async def replay(
    client: Client, database: Database, configuration: TeamConfiguration, key: DeliveryKey, by: str
) -> WorkflowHandle[Any, DeliveryOutcome]:
    """Brings the newest revision on record to the channel. What is there already is not sent again.

    Raises NotThere, CannotReplay, and what the database and Temporal raise.
    """
    edition = await Editions(database).latest(key.team, key.iso_week)
    if edition is None:
        raise NotThere(f"there is no edition of {key.team} {key.iso_week} on record; `python starter.py run` makes one")
    request = await request_of_record(configuration, edition, key.channel, ArtifactStore(database))
    await Audit(database).write([_asked_for(request, by)])
    return await start_again(client, request)


async def start_again(client: Client, request: DeliveryRequest) -> WorkflowHandle[Any, DeliveryOutcome]:
    """Starts the Delivery, or has the one that is under way try at once."""
    return await client.start_workflow(
        names.DELIVERY,
        request,
        id=_id_of(request),
        task_queue=names.CONTROL_QUEUE,
        result_type=DeliveryOutcome,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
        start_signal="try_now",
        start_signal_args=[TryNow()],
        static_summary=f"{request.team} {request.iso_week} → {request.channel.target}",
    )


def _id_of(request: DeliveryRequest) -> str:
    return names.delivery_id(request.team, request.iso_week, request.channel.key)


def _asked_for(request: DeliveryRequest, by: str) -> AuditEntry:
    return deed(
        team=request.team,
        by=by,
        at=datetime.now(UTC),
        what=_id_of(request),
        action="replay",
        outcome=f"revision {request.revision} asked for",
    )


def _made_again(edition: EditionRecord) -> str:
    return f"`python starter.py run {edition.team} --week {edition.iso_week}`"


def _channel(configuration: TeamConfiguration, key: str) -> tuple[ChannelPlan, str]:
    """The channel of that key, and for which it stands in."""
    own = planned_channels(configuration.team)
    known = {channel.key: (channel, "") for channel in own}
    for channel in own:
        for other in alternatives_of(channel):
            known.setdefault(other.key, (other, channel.told))
    if key not in known:
        raise NotThere(f'{configuration.team.team} has no channel "{key}"; it has {any_of(sorted(known))}')
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
