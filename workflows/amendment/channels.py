"""Where an edition stands that is amended, and what became of its next revision there. Issues no command."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from devsync.contracts.delivery import IS_THERE, ChannelPlan, DeliveryOutcome
from devsync.contracts.edition import ChannelResult, EditionPlan
from devsync.runtime.channel_content import alternatives_of
from workflows.edition.results import channel_result, is_reported


class Amended(NamedTuple):
    """A channel that gets the next revision."""

    channel: ChannelPlan
    stands_in_for: str
    """The target of the first channel, where another one has stood in; else empty."""


def channels_to_amend(plan: EditionPlan, told: Sequence[ChannelResult]) -> tuple[Amended, ...]:
    """By what the edition told of its channels: those that were asked for, unless somebody stopped their delivery, and
    what stands in for one and can be changed in place. A mail that stood in cannot: it is not sent twice."""
    return tuple(_to_amend(plan, told))


def _to_amend(plan: EditionPlan, told: Sequence[ChannelResult]) -> Iterator[Amended]:
    asked = [channel for channel in plan.channels if not channel.only_as_fallback]
    for channel in asked:
        if not any(_is_of(one, channel) and one.was_stopped for one in told if not one.stands_in):
            yield Amended(channel, "")
    stand_ins = {one.key: Amended(one, first.target) for first in reversed(asked) for one in alternatives_of(first)}
    for stand_in in stand_ins.values():
        if any(_is_of(one, stand_in.channel) and one.state in IS_THERE for one in told if one.stands_in):
            yield stand_in


def amended_results(
    told: Sequence[ChannelResult], amended: Sequence[Amended], revision: int, outcomes: Mapping[str, DeliveryOutcome]
) -> tuple[ChannelResult, ...]:
    """What was told of the channels, with what became of the revision where it was brought."""

    def now(one: ChannelResult) -> ChannelResult:
        for channel, stands_in_for in amended:
            if _is_of(one, channel) and one.stands_in == bool(stands_in_for):
                result = channel_result(channel, revision, outcomes)
                return result.model_copy(update={"stands_in": one.stands_in})
        return one

    return tuple(map(now, told))


def are_reported(amended: Sequence[Amended], revision: int, outcomes: Mapping[str, DeliveryOutcome]) -> bool:
    return all(is_reported(channel, revision, outcomes) for channel, _ in amended)


def _is_of(result: ChannelResult, channel: ChannelPlan) -> bool:
    return (result.kind, result.channel) == (channel.kind, channel.target)
