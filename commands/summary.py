"""What a person reads when an edition is done."""

from collections.abc import Iterable, Sequence

from commands.console import output
from commands.outages import Healed
from devsync.contracts.edition import EditionResult, EditionStatus, RecoverySummary, StepSummary
from devsync.domain.changelog.edition import Gap
from devsync.domain.recovery.plan import StepState
from devsync.rendering.wording import counted

_COLOURS = {EditionStatus.COMPLETE: "green", EditionStatus.PARTIAL: "yellow"}


def print_summary(result: EditionResult) -> None:
    """Status, numbers, gaps and channels of one edition, on standard output."""
    out = output()
    colour = _COLOURS.get(result.status, "red")
    out.print(
        f"[bold]{result.team} {result.iso_week}[/]: [{colour}]{result.status.value}[/], {_content(result)}"
        f"{result.seconds.get('total', 0):.1f} s",
        soft_wrap=True,
    )
    for line in missing_lines(result.gaps):
        out.print(f"  {line}", markup=False, soft_wrap=True)
    for recovery in result.recoveries:
        out.print(f"  {recovery_line(recovery)}", markup=False, soft_wrap=True)
    for escalation in result.escalations:
        out.print(f"  people were asked: {escalation}", markup=False, soft_wrap=True)
    if result.approval is not None:
        said = f": {result.approval.note}" if result.approval.note else ""
        out.print(f"  {result.approval.state.value} by {result.approval.by}{said}", markup=False, soft_wrap=True)
    calls = result.calls_by_road | {name: n for name, n in result.api_calls.items() if not _has_roads(result, name)}
    listed = ", ".join(f"{name} {count}" for name, count in sorted(calls.items()))
    out.print(f"  calls: {listed or 'none'}", markup=False, soft_wrap=True)
    for about, note in _together(note.partition(": ")[::2] for note in result.notes):
        out.print(f"  note on {about}: {note}", markup=False, soft_wrap=True)
    for channel in result.channels:
        where = f" ({channel.message_id})" if channel.message_id else ""
        why = f": {channel.reason}" if channel.reason else ""
        stands_in = ", stands in" if channel.stands_in else ""
        out.print(f"  {channel.channel} {channel.state.value}{stands_in}{where}{why}", markup=False, soft_wrap=True)
    out.print(f"  workflow {result.workflow_id}, run {result.run_id}", markup=False, soft_wrap=True)


def missing_lines(gaps: Iterable[Gap]) -> list[str]:
    """One for all that are missing for the same reason: with a service down, that is every source of it."""
    return [f"missing {units}: {reason}" for units, reason in _together((gap.unit, gap.reason) for gap in gaps)]


def _together(told: Iterable[Sequence[str]]) -> list[tuple[str, str]]:
    """`(about, text)` with equal texts as one, in the order in which the texts come first."""
    abouts: dict[str, list[str]] = {}
    for about, text in told:
        abouts.setdefault(text, []).append(about)
    return [(", ".join(names), text) for text, names in abouts.items()]


def _content(result: EditionResult) -> str:
    """Empty where the run made no edition: it has no items to count."""
    if result.status not in (EditionStatus.COMPLETE, EditionStatus.PARTIAL):
        return ""
    revision = f"revision {result.revision}, " if result.revision else ""  # a dry run makes none
    return f"{revision}{counted(result.item_count, 'item')}, {result.completeness:.0%} of the sources, "


def print_healing(healed: Healed) -> None:
    """What came of an edition after an outage."""
    out = output()
    amendment = healed.amendment
    if amendment is not None:
        added = f", added {', '.join(amendment.healed)}" if amendment.healed else ""
        out.print(
            f"  afterwards: revision {amendment.revision}{added}: {amendment.ended}", markup=False, soft_wrap=True
        )
    for delivery in healed.deliveries:
        out.print(
            f"  afterwards: {delivery.channel} {delivery.state.value}, revision {delivery.revision}",
            markup=False,
            soft_wrap=True,
        )
    for escalation in healed.open_escalations:
        out.print(f"  afterwards: {escalation} is still open", markup=False, soft_wrap=True)


def recovery_line(recovery: RecoverySummary) -> str:
    """`recovery of github: stand in (status, retry failed, cached 2)`: how each step ended, or how many it healed."""
    steps = ", ".join(map(_step, recovery.steps))
    decided = f", {recovery.decision} decided by {recovery.decided_by}" if recovery.decision else ""
    outcome = recovery.outcome.replace("_", " ")
    return f"recovery of {recovery.service}: {outcome}{f' ({steps})' if steps else ''}{decided}"


def _step(step: StepSummary) -> str:
    if step.healed:
        return f"{step.id} healed {len(step.healed)}"
    # It did its work, and healed nothing: a status page was read, a cache was empty.
    return step.id if step.state is StepState.SUCCEEDED else f"{step.id} {step.state.value.replace('_', ' ')}"


def _has_roads(result: EditionResult, service: str) -> bool:
    return any(road.startswith(f"{service}.") for road in result.calls_by_road)
