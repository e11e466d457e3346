"""The Markdown that the Temporal Web UI shows of a recovery: what failed, what was done about it, what comes next."""

from collections.abc import Sequence
from datetime import timedelta

from devsync.contracts.recovery import RecoveryReport, RecoveryRequest
from devsync.domain.escalation.ending import ending
from devsync.domain.recovery.builtin import DELIVER, told_state
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.domain.recovery.plan import PlanStep, StepRecord
from workflows.shared.markdown import refusals

_OUTCOMES = {
    RecoveryOutcome.HEALED: "healed: everything is live after all",
    RecoveryOutcome.STAND_IN: "over: something stands in for what is not live",
    RecoveryOutcome.PARTIAL: "over: some of it stays missing",
    RecoveryOutcome.FAILED: "over: nothing was healed",
    RecoveryOutcome.ABORTED: "over: a person has called off what it is for",
}
_UNITS_SHOWN = 10


def recovery_summary(request: RecoveryRequest) -> str:
    """`payments 2026-W47: github, 2 units`, or `nightly-report: github:fetch_commits` of another program."""
    if request.program:
        return f"{request.program}: {', '.join(unit.unit for unit in request.units)}"
    count = len(request.units)
    return f"{request.team} {request.iso_week}: {request.service}, {count} unit{'s' if count != 1 else ''}"


def recovery_story(
    request: RecoveryRequest, report: RecoveryReport, doing: str, next_steps: Sequence[PlanStep] = ()
) -> str:
    """`doing` is what it does or waits for now; empty when it is over."""
    now = doing if report.outcome is None else _OUTCOMES[report.outcome]
    lines = [
        f"### {recovery_summary(request)}, in phase {request.phase}",
        f"Now: **{now}**",
        "",
        f"- Plan: {report.plan}; it ends by {request.deadline:%Y-%m-%d %H:%M:%S} UTC",
        *_failed(request),
        "",
    ]
    lines += [f"{number}. {_step(record)}" for number, record in enumerate(report.steps, 1)]
    if next_steps and report.outcome is None:
        lines.append(f"- Next: {', '.join(step.id for step in next_steps)}")
    if report.decided_by:
        lines.append(f"- Answer: {ending(report.decision, report.decided_by, report.note)}")
    elif report.note:
        lines.append(f"- Note: {report.note}")
    lines += [f"- People are told: `{escalation}`" for escalation in report.escalations]
    lines += refusals(report.refused_messages)
    return "\n".join(lines)


def by_hand(request: RecoveryRequest) -> str:
    """What a person does where no machine can."""
    if request.phase != DELIVER:
        return "see the failure for what to mend, then decide to retry"
    targets = ", ".join(delivery.channel.target for delivery in request.deliveries) or "the channel"
    preview = f"python starter.py preview {request.team} --week {request.iso_week} --format text"
    paste = f"the text to paste into {targets} comes by `{preview}`"
    if any(unit.failure.may_have_taken_effect for unit in request.units):
        return f"look into {targets} first, it may be there; if it is not, {paste}"
    return paste


def _failed(request: RecoveryRequest) -> list[str]:
    shown = [f"- **Failed** {unit.unit}: {unit.failure.message}" for unit in request.units[:_UNITS_SHOWN]]
    more = len(request.units) - _UNITS_SHOWN
    return [*shown, f"- and {more} more"] if more > 0 else shown


def _step(record: StepRecord) -> str:
    took = "" if record.state == "skipped" else f", {_shown(record.duration)}"
    tries = f", {record.attempts} attempts" if record.attempts > 1 else ""
    healed = f"; it healed {len(record.healed)}" if record.healed else ""
    said = f": {record.message}" if record.message else ""
    return f"{record.id} **{told_state(record.activity, record.state, record.healed)}**{took}{tries}{healed}{said}"


def _shown(duration: timedelta) -> str:
    seconds = duration.total_seconds()
    return f"{seconds:.1f} s" if seconds < 60 else str(timedelta(seconds=round(seconds)))
