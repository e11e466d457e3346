"""The Markdown that the Temporal Web UI shows as a run's current details: the story so far."""

from devsync.contracts.delivery import DeliveryOutcome, DeliveryRequest, PartState
from devsync.contracts.edition import EditionProgress, EditionRequest, Phase

_DOING = {
    Phase.PLANNING: "reading the configuration",
    Phase.COLLECTING: "asking GitHub and JIRA",
    Phase.COMPOSING: "composing and rendering the edition",
    Phase.DELIVERING: "bringing it to the channels",
    Phase.RECORDING: "writing the records; the edition itself is out",
    Phase.DONE: "done",
}


def edition_story(request: EditionRequest, progress: EditionProgress) -> str:
    """What an edition has done, what is missing and what it waits for."""
    mode = " (dry run: nothing is posted)" if request.is_dry_run else ""
    doing = "cancelled" if progress.cancelled_because else _DOING[progress.phase]
    lines = [f"### {request.team}, week {request.iso_week}{mode}", f"Now: **{doing}**", ""]
    if progress.deadline:
        lines.append(f"- Deadline: {progress.deadline:%Y-%m-%d %H:%M} UTC")
    if progress.units_total:
        lines.append(f"- Collected: {len(progress.units_done)} of {progress.units_total} sources")
    if progress.result is not None and not progress.cancelled_because:
        lines.append(f"- Result: **{progress.result.status.value}**, {progress.result.completeness:.0%} of the sources")
    if progress.item_count is not None:
        lines.append(f"- Edition: revision {progress.revision}, {progress.item_count} items")
    lines += [f"- **Missing** {gap.unit}: {gap.reason}" for gap in progress.gaps]
    lines += [
        f"- {channel.channel}: **{channel.state.value}** {channel.reason}".rstrip() for channel in progress.channels
    ]
    if progress.cancelled_because:
        lines.append(f"- Cancelled: {progress.cancelled_because}")
    lines += [f"- Refused {message}" for message in progress.refused_messages]
    return "\n".join(lines)


def delivery_story(request: DeliveryRequest, outcome: DeliveryOutcome, waiting_for: str) -> str:
    """What stands in the channel, part by part, and what the delivery waits for."""
    lines = [
        f"### Revision {request.revision} of {request.team} {request.iso_week} for {request.channel.target}",
        f"State: **{outcome.state.value}** {outcome.reason}".rstrip(),
        "",
    ]
    for part in outcome.parts:
        name = "channel message" if part.index == 0 else f"thread part {part.index}"
        detail = part.message_id if part.state is PartState.DELIVERED else part.last_error
        lines.append(f"- {name}: {part.state.value} {detail}".rstrip())
    if waiting_for:
        lines += ["", f"Waiting for {waiting_for}"]
    return "\n".join(lines)
