"""The calls of a Delivery to Slack, each with the words that the Temporal Web UI shows for it."""

from datetime import datetime

from devsync.contracts import activities
from devsync.contracts.delivery import (
    DeliveryRequest,
    FindPart,
    PartFound,
    PartRecord,
    PartSent,
    RemovePart,
    SendPart,
)
from devsync.runtime.policies import call


async def send(request: DeliveryRequest, part: PartRecord, *, target: str, thread_ts: str) -> PartSent:
    """Posts the part, or updates its message in place. Raises ActivityError; it was tried once."""
    verb = "Update" if part.message_id else "Post"
    return await call(
        activities.SEND_SLACK_PART,
        SendPart(
            team=request.team,
            key=_key(request, part),
            target=target,
            rendering=request.rendering,
            index=part.index,
            thread_ts=thread_ts,
            message_ts=part.message_id,
            stands_in_for="" if part.index else request.stands_in_for,
        ),
        request.policies,
        summary=f"{verb} {part_name(part.index)} in {request.channel.target}",
    )


async def find(
    request: DeliveryRequest, part: PartRecord, *, target: str, thread_ts: str, sent_after: datetime
) -> PartFound:
    """Looks for a part whose post had no answer. Raises ActivityError."""
    return await call(
        activities.FIND_SLACK_PART,
        FindPart(key=_key(request, part), target=target, thread_ts=thread_ts, sent_after=sent_after),
        request.policies,
        summary=f"Is {part_name(part.index)} there? Its post had no answer",
    )


async def remove(request: DeliveryRequest, part: PartRecord, *, target: str) -> None:
    """Deletes the part's message; one that is gone already is fine. Raises ActivityError."""
    await call(
        activities.REMOVE_SLACK_PART,
        RemovePart(target=target, message_ts=part.message_id),
        request.policies,
        summary=f"Remove {part_name(part.index)}",
    )


def part_name(index: int) -> str:
    return "the channel message" if index == 0 else f"thread part {index}"


def _key(request: DeliveryRequest, part: PartRecord) -> str:
    return f"{request.team}/{request.iso_week}/{request.channel.key}/{part.index}"
