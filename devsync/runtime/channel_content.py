"""What each kind of channel is given of an edition, and what its Delivery may call."""

from collections.abc import Iterable

from devsync.contracts import activities, names
from devsync.contracts.artifacts import ArtifactRef
from devsync.contracts.delivery import ChannelPlan
from devsync.contracts.edition import EditionRendered

THEIRS = frozenset(contract.name for contract in (*activities.DELIVERY_ACTIVITIES, activities.JOIN_ESCALATION))
"""The activities of a Delivery, of which it is given the policies."""


def content_for(
    channel: ChannelPlan, rendered: EditionRendered
) -> tuple[ArtifactRef, dict[str, ArtifactRef], tuple[str, ...]]:
    """What is sent to the channel, what goes with it, and the digest of each part."""
    formats, digests = rendered.formats, rendered.digests
    if channel.kind == names.EMAIL:
        html = {"html": formats["html"]} if "html" in formats else {}
        return formats["text"], html, (digests["text"],) * len(channel.recipients)
    if channel.kind == names.WEBHOOK:
        return formats["webhook"], {}, (digests["webhook"],)
    return formats["slack"], {}, rendered.slack_part_digests


def alternatives_of(channel: ChannelPlan) -> tuple[ChannelPlan, ...]:
    """The Slack channels that may stand in for it, in order; each has a Delivery of its own."""
    return tuple(
        ChannelPlan(key=names.slack_key(target), kind=names.SLACK, target=target) for target in channel.alternatives
    )


def needed_formats(channels: Iterable[ChannelPlan]) -> tuple[str, ...]:
    """The renderings without which one of the channels, or what stands in for it, gets nothing."""
    every = [one for channel in channels for one in (channel, *alternatives_of(channel))]
    return tuple(sorted({needed_format(channel) for channel in every}))


def needed_format(channel: ChannelPlan) -> str:
    """The rendering without which it gets nothing. (Mail can do without its HTML.)"""
    return _NEEDED[channel.kind]


_NEEDED = {names.SLACK: "slack", names.EMAIL: "text", names.WEBHOOK: "webhook"}
