"""What the Temporal Web UI shows of the monitor: how healthy the whole is, what fires, and who could not be told."""

from datetime import datetime

from devsync.contracts.monitor import MonitorView
from devsync.domain.health.book import Alert, Mute
from devsync.domain.health.wording import state_words
from workflows.shared.markdown import last_refusals, plain

_REASONS_SHOWN = 8
_ALERTS_SHOWN = 30


def monitor_story(view: MonitorView) -> str:
    lines = [f"### {_heading(view)}"]
    if view.looked_at is not None:
        lines.append(f"Looked at {_at(view.looked_at)} UTC")
    lines.append("")
    if view.health is not None:
        lines += [f"- {plain(reason)}" for reason in view.health.reasons[:_REASONS_SHOWN]]
    lines += [f"- Muted: {_mute(mute)}" for mute in view.mutes]
    lines += [
        f"- Not reached: {plain(one.target.target)} (**{one.state.value}**): {plain(one.error)}" for one in view.told
    ]
    lines += [f"- Note: {plain(note)}" for note in view.notes]
    if view.unrecorded:
        lines.append(f"- Waiting for the database: {view.unrecorded} changes")
    if view.lost:
        lines.append(f"- Never written down: {view.lost} changes")
    lines += last_refusals(view.refused, view.refused_count)
    if not view.alerts:
        return "\n".join([*lines, "", "No alert."])
    lines += ["", "| alert | level | state | since (UTC) | what |", "| --- | --- | --- | --- | --- |"]
    lines += [_row(alert) for alert in view.alerts[:_ALERTS_SHOWN]]
    rest = len(view.alerts) - _ALERTS_SHOWN
    return "\n".join([*lines, *([f"and {rest} more"] if rest > 0 else [])])


def _heading(view: MonitorView) -> str:
    if not view.is_on:
        return "Switched off by config/monitoring.yaml"
    if view.health is None:
        return "Has not looked yet" if view.looked_at is None else "Could not look"
    count = sum(alert.is_open for alert in view.alerts)
    return f"{view.health.band.value.capitalize()}, {count} {'alert' if count == 1 else 'alerts'} open"


def _mute(mute: Mute) -> str:
    why = f": {plain(mute.reason)}" if mute.reason else ""
    return f"`{plain(mute.pattern)}` from {_at(mute.since)} until {_at(mute.until)} UTC by {plain(mute.by)}{why}"


def _row(alert: Alert) -> str:
    state = plain(state_words(alert))
    return f"| {plain(alert.key)} | {alert.level.value} | {state} | {_at(alert.opened_at)} | {plain(alert.summary)} |"


def _at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M}"
