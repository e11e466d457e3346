"""What the Temporal Web UI shows of an edition, of the firing that starts one, and of a refresh: the story so far."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from devsync.contracts.approval import ApprovalProgress, ApprovalState
from devsync.contracts.due import DueRequest, EditionDue
from devsync.contracts.edition import (
    EditionProgress,
    EditionRequest,
    EditionResult,
    Phase,
    RecoverySummary,
    StepSummary,
)
from devsync.contracts.refresh import RefreshResult
from devsync.domain.changelog.due import duration_words
from devsync.domain.changelog.edition import Gap
from devsync.domain.escalation.ending import ending
from devsync.domain.instants import in_utc
from devsync.domain.recovery.plan import StepState
from devsync.rendering.wording import what_stands_in
from workflows.shared.markdown import asked_line, refusals

_DOING = {
    Phase.PLANNING: "reading the configuration",
    Phase.COLLECTING: "asking GitHub and JIRA",
    Phase.COMPOSING: "composing and rendering the edition",
    Phase.APPROVING: "waiting for reviewers to agree",
    Phase.DELIVERING: "bringing it to the channels",
    Phase.RECORDING: "writing the records; the edition itself is out",
    Phase.DONE: "done",
}


def edition_story(request: EditionRequest, progress: EditionProgress) -> str:
    """What an edition has done, what is missing and what it waits for."""
    return "\n".join(
        [
            *_now(request, progress),
            *_how_far(progress),
            *map(_recovery_line, progress.recoveries),
            *_people(progress),
            *map(_gap_line, progress.gaps),
            *(f"- Note on {note}" for note in progress.notes),
            *_calls_by_road(progress.result),
            *(f"- {one.channel}: **{one.state.value}** {one.reason}".rstrip() for one in progress.channels),
            *([f"- Cancelled: {progress.cancelled_because}"] if progress.cancelled_because else []),
            *([f"- Failed: {progress.failed_because}"] if progress.failed_because else []),
            *refusals(progress.refused_messages),
        ]
    )


def _now(request: EditionRequest, progress: EditionProgress) -> list[str]:
    mode = ""
    if request.is_dry_run:
        mode = " (dry run: nothing is posted)"
    elif not progress.will_deliver:
        mode = " (composed and stored, not posted)"
    ended = progress.result.status if progress.result is not None else None
    doing = ended.value if ended is not None and not ended.has_edition else _DOING[progress.phase]
    return [f"### {request.team}, week {request.iso_week}{mode}", f"Now: **{doing}**", ""]


def _how_far(progress: EditionProgress) -> Iterator[str]:
    """What is known of the edition by now."""
    if progress.deadline:
        yield f"- Deadline: {in_utc(progress.deadline)}"
    if progress.units_total:
        yield f"- Collected: {len(progress.units_done)} of {progress.units_total} sources"
    if progress.result is not None and progress.result.status.has_edition:
        yield f"- Result: **{progress.result.status.value}**, {progress.result.completeness:.0%} of the sources"
    if progress.item_count is not None:
        revision = f"revision {progress.revision}, " if progress.revision else ""
        yield f"- Edition: {revision}{progress.item_count} items"


def _people(progress: EditionProgress) -> Iterator[str]:
    asked = progress.asked
    yield from (asked_line(escalation, choices) for escalation, choices in asked.items())
    yield from (f"- People were told: `{escalation}`" for escalation in progress.escalations if escalation not in asked)
    if progress.approval is not None:
        yield _approval_line(progress.approval)


def _calls_by_road(result: EditionResult | None) -> list[str]:
    if result is None or not result.calls_by_road:
        return []
    roads = ", ".join(f"{road} {count}" for road, count in sorted(result.calls_by_road.items()))
    return [f"- Calls by road: {roads}"]


def _recovery_line(recovery: RecoverySummary) -> str:
    steps = ", ".join(f"{step.id} {_how(step)}".strip() for step in recovery.steps)
    told = f": {steps}" if steps else ""
    decided = f"; {ending(recovery.decision, recovery.decided_by)}" if recovery.decided_by else ""
    outcome = recovery.outcome.replace("_", " ")
    return f"- **Recovery** of {recovery.told}: {outcome}{told}{decided} (`{recovery.workflow_id}`)"


def _gap_line(gap: Gap) -> str:
    instead = what_stands_in(gap)
    return (
        f"- **Not live** {gap.unit}: {instead} ({gap.reason})" if instead else f"- **Missing** {gap.unit}: {gap.reason}"
    )


def _how(step: StepSummary) -> str:
    """How many it healed, or how it ended; nothing to say of one that did its work and healed nothing."""
    if step.healed:
        return f"healed {len(step.healed)}"
    return "" if step.state is StepState.SUCCEEDED else step.state.value.replace("_", " ")


def _approval_line(approval: ApprovalProgress) -> str:
    if approval.state is ApprovalState.WAITING:
        where = "" if approval.is_shown else ", which no reviewers' channel has yet"
        return f"- **Waiting** for approval of preview {approval.preview}{where}, until {approval.until:%H:%M} UTC"
    said = f": {approval.note}" if approval.note else ""
    return f"- Approval: **{approval.state.value.replace('_', ' ')}** by {approval.by}{said}"


def due_story(
    request: DueRequest, scheduled_at: datetime, due: EditionDue | None = None, refused: Sequence[str] = ()
) -> str:
    """When a firing was due, which week that means and what became of it, or what it waits for."""
    lines = [f"### The changelog of {request.team} was due at {in_utc(scheduled_at)}"]
    if due is None:
        lines.append("Now: **reading the team's file**, again and again while it is wrong")
    else:
        lines.append(f"- Week {due.iso_week}: `{due.edition_id}` **{due.outcome.value}**")
        if due.late_by:
            lines.append(f"- {duration_words(due.late_by)} late")
    return "\n".join([*lines, *refusals(refused)])


def refresh_story(result: RefreshResult) -> str:
    """What a refresh has found, and what it has not."""
    week = f", week {result.iso_week} so far" if result.iso_week else ""
    lines = [f"### Sources of {result.team}{week}"]
    if result.problem:
        lines.append(f"Nothing was asked: {result.problem}")
    if result.units_total:
        done = len(result.collected) + len(result.unchanged)
        lines.append(f"- Answered: {done} of {result.units_total}, {len(result.unchanged)} of them unchanged")
    if result.api_calls:
        lines.append(
            f"- Calls: {', '.join(f'{service} {count}' for service, count in sorted(result.api_calls.items()))}"
        )
    lines += [f"- Skipped {one.unit}: {one.reason}" for one in result.skipped]
    lines += [f"- Failed {one.unit}: {one.reason}" for one in result.failed]
    return "\n".join([*lines, *refusals(result.refused_messages)])
