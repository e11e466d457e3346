"""What a person reads when an edition is done."""

from collections.abc import Iterable, Iterator, Sequence

from commands.console import output
from commands.outages import Healed
from devsync.contracts.edition import EditionResult, EditionStatus, RecoverySummary, StepSummary
from devsync.contracts.escalation import EscalationView, ToldTarget
from devsync.domain.changelog.edition import Gap, gaps_by_reason
from devsync.domain.escalation.ending import ending
from devsync.domain.recovery.plan import StepState
from devsync.rendering.escalation_words import told_words
from devsync.rendering.wording import counted, listed, what_stands_in

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
    for line in gap_lines(result.gaps):
        out.print(f"  {line}", markup=False, soft_wrap=True)
    for recovery in result.recoveries:
        out.print(f"  {recovery_line(recovery)}", markup=False, soft_wrap=True)
    for escalation in result.escalations:
        out.print(f"  people were asked: {escalation}", markup=False, soft_wrap=True)
    if result.approval is not None:
        out.print(f"  {result.approval.answer}", markup=False, soft_wrap=True)
    out.print(f"  calls: {_calls(result)}", markup=False, soft_wrap=True)
    for about, note in _together(note.partition(": ")[::2] for note in result.notes):
        out.print(f"  note on {about}: {note}", markup=False, soft_wrap=True)
    for channel in result.channels:
        where = f" ({channel.message_id})" if channel.message_id else ""
        why = f": {channel.reason}" if channel.reason else ""
        stands_in = ", stands in" if channel.stands_in else ""
        out.print(f"  {channel.channel} {channel.state.value}{stands_in}{where}{why}", markup=False, soft_wrap=True)
    out.print(f"  workflow {result.workflow_id}, run {result.run_id}", markup=False, soft_wrap=True)


def gap_lines(gaps: Iterable[Gap]) -> list[str]:
    """One for all that are missing, and one for all in whose place the same stands, for the same reason."""
    lines = []
    for reason, alike in gaps_by_reason(gaps).items():
        units: dict[str, list[str]] = {}
        for gap in alike:
            units.setdefault(what_stands_in(gap), []).append(gap.unit)
        for instead, names in units.items():
            listed = ", ".join(names)
            lines.append(f"not live {listed}: {instead} ({reason})" if instead else f"missing {listed}: {reason}")
    return lines


def _together(told: Iterable[Sequence[str]]) -> list[tuple[str, str]]:
    """`(about, text)` with equal texts as one, in the order in which the texts come first."""
    abouts: dict[str, list[str]] = {}
    for about, text in told:
        abouts.setdefault(text, []).append(about)
    return [(", ".join(names), text) for text, names in abouts.items()]


def _content(result: EditionResult) -> str:
    """Empty where the run made no edition: it has no items to count."""
    if not result.status.has_edition:
        return ""
    revision = f"revision {result.revision}, " if result.revision else ""  # a dry run makes none
    return f"{revision}{counted(result.item_count, 'item')}, {result.completeness:.0%} of the sources, "


def healing_lines(healed: Healed) -> Iterator[str]:
    """What came of an edition after an outage, a line a fact."""
    amendment = healed.amendment
    if amendment is not None:
        added = f" adds {counted(len(amendment.healed), 'source')}" if amendment.healed else ""
        yield f"revision {amendment.revision}{added}: {amendment.ended}"
    for delivery in healed.deliveries:
        yield f"{delivery.channel} {delivery.state.value}, revision {delivery.revision}"
    yield from map(_asked, healed.escalations)


def _asked(escalation: EscalationView) -> str:
    """Who was asked, and what came of it."""
    record = escalation.record
    ended = None if record is None or record.is_open else record
    told = [_told(one, is_over=ended is not None) for one in escalation.told]
    asked = f"{escalation.escalation_id} asked {listed(told) or 'nobody yet'}"
    if ended is None:
        return f"{asked}: still open"
    return f"{asked}: {ending(ended.decision, ended.decided_by, ended.note)}"


def _told(one: ToldTarget, *, is_over: bool) -> str:
    words = told_words(one, is_over=is_over)
    return one.target.target if words == "told" else f"{one.target.target} ({words})"


def recovery_line(recovery: RecoverySummary) -> str:
    """`recovery of github (collect): stand in (status, retry failed, cached healed 2)`: how each step ended, or how
    many it healed."""
    steps = ", ".join(map(_step, recovery.steps))
    decided = f", {ending(recovery.decision, recovery.decided_by)}" if recovery.decided_by else ""
    outcome = recovery.outcome.replace("_", " ")
    return f"recovery of {recovery.told}: {outcome}{f' ({steps})' if steps else ''}{decided}"


def _step(step: StepSummary) -> str:
    if step.healed:
        return f"{step.id} healed {len(step.healed)}"
    # It did its work, and healed nothing: a status page was read, a cache was empty.
    return step.id if step.state is StepState.SUCCEEDED else f"{step.id} {step.state.value.replace('_', ' ')}"


def _calls(result: EditionResult) -> str:
    """Of the attempts that succeeded: where none did, something else stands in, and 0 is not the number of calls."""
    calls = result.calls_by_road | {name: n for name, n in result.api_calls.items() if not _has_roads(result, name)}
    told = (f"{name} {count}" if count else f"{name} 0 (no attempt succeeded)" for name, count in sorted(calls.items()))
    return ", ".join(told) or "none"


def _has_roads(result: EditionResult, service: str) -> bool:
    return any(road.startswith(f"{service}.") for road in result.calls_by_road)
