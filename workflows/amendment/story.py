"""What the Temporal Web UI shows of an amendment: what the edition still lacks, and until when it is asked for."""

from devsync.contracts.amendment import AmendmentProgress, AmendmentRequest
from devsync.domain.instants import in_utc
from devsync.rendering.wording import listed, what_stands_in
from workflows.shared.markdown import asked_line, refusals


def amendment_story(request: AmendmentRequest, progress: AmendmentProgress) -> str:
    """What a partial edition still lacks, what was added to it, and until when it is asked for."""
    plan = request.plan
    until = in_utc(progress.until)
    wanted = len(progress.missing) - len(progress.given_up)
    doing = progress.ended or f"asking again for {wanted} missing, until {until}"
    if progress.asked is not None and not progress.ended:
        asked = listed([f"`{escalation}`" for escalation in progress.asked.escalations])
        left = f"; {wanted} missing, asked for until {until}" if wanted else ""
        doing = f"waiting for the people whom {asked} asks{left}"
    lines = [f"### Amending {plan.team} {plan.iso_week}", f"Now: **{doing}**", ""]
    lines.append(f"- Newest revision: {progress.revision}; asked again {progress.tries} times")
    if progress.asked is not None:
        lines += [asked_line(escalation, progress.asked.choices) for escalation in progress.asked.escalations]
    lines += [f"- Added {unit}" for unit in progress.healed]
    standing_in = {gap.unit for gap in request.result.gaps if what_stands_in(gap)}
    for unit in progress.missing:
        lacks = "Not live" if unit.unit in standing_in else "Missing"
        not_asked = ", and not asked for any more" if unit.unit in progress.given_up else ""
        lines.append(f"- **{lacks}**{not_asked} {unit.unit}: {unit.failure.message}")
    lines += refusals(progress.refused_messages)
    return "\n".join(lines)
