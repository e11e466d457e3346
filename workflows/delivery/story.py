"""What the Temporal Web UI shows of a delivery: what stands in the channel, and what is waited for."""

from devsync.contracts import names
from devsync.contracts.delivery import DeliveryOutcome, DeliveryRequest, StandingRevision
from workflows.shared.markdown import refusals

_UNITS_SHOWN = 3


def delivery_story(request: DeliveryRequest, outcome: DeliveryOutcome, waiting_for: str) -> str:
    """What stands in the channel, part by part, and what the delivery waits for."""
    lines = [
        f"### Revision {request.revision} of {request.team} {request.iso_week} for {request.channel.target}",
        *([f"Stands in for {request.stands_in_for}"] if request.stands_in_for else []),
        f"State: **{outcome.state.value}** {outcome.reason}".rstrip(),
        "",
    ]
    for part in outcome.parts:
        name = part.target or ("channel message" if part.index == 0 else f"thread part {part.index}")
        if request.channel.kind == names.WEBHOOK:
            name = "request"
        # In code: Markdown would take a Message-ID's angle brackets for a tag.
        detail = part.last_error or (f"`{part.message_id}`" if part.message_id else "")
        lines.append(f"- {name}: {part.state.value} {detail}".rstrip())
    lines += refusals(outcome.refused_messages)
    if waiting_for:
        lines += ["", f"Waiting for {waiting_for}"]
    return "\n".join(lines)


def why_it_is_kept(request: DeliveryRequest, standing: StandingRevision) -> str:
    """Why a revision was not put over the one that stands in the channel, and how it can be all the same."""
    share = "is complete" if standing.completeness == 1 else f"has {standing.completeness:.0%} of the sources"
    shown = ", ".join(request.missing[:_UNITS_SHOWN])
    more = f" and {len(request.missing) - _UNITS_SHOWN} more" if len(request.missing) > _UNITS_SHOWN else ""
    return (
        f"not replaced: revision {standing.revision} {share}, this one ({request.completeness:.0%}) lacks "
        f"{shown}{more}; `run --replace` posts it all the same"
    )
