"""What the Temporal Web UI shows of a breaker: why it is what it is, what comes next, what happened before."""

from datetime import datetime

from devsync.contracts.breaker import BreakerSnapshot
from devsync.domain.breaker import Mode, Standing, State, Transition, spoken

_HEADINGS = {
    State.CLOSED: "closed: calls go out",
    State.OPEN: "open: calls are refused",
    State.HALF_OPEN: "half-open: probes decide",
}
_MEANING = {
    Mode.FORCED_OPEN: "forced open: calls are refused",
    Mode.FORCED_CLOSED: "forced closed: calls go out, whatever fails",
    Mode.DISABLED: "disabled: calls go out, nothing is counted",
    Mode.METRICS_ONLY: "metrics only: calls go out, failures are only counted",
}
_REASON_LIMIT = 300


def breaker_story(snapshot: BreakerSnapshot) -> str:
    standing, config = snapshot.standing, snapshot.config
    heading = _MEANING.get(standing.mode) or _HEADINGS[standing.state]
    lines = [f"### {standing.service} is {heading}", _since(standing), ""]
    if standing.paused_until:
        lines.append(f"- **Paused** until {_at(standing.paused_until)}: {_plain(standing.pause_reason)}")
    if standing.state is State.CLOSED and standing.mode is not Mode.DISABLED:
        counts, window = snapshot.counts, spoken(config.monitoring_window)
        lines.append(f"- Counted in the last {window}: {counts.calls} calls, {counts.failures} failed")
    if snapshot.last_failure:
        lines.append(f"- Last failure: {_plain(snapshot.last_failure)}")
    if standing.state is State.HALF_OPEN:
        out, succeeded = len(snapshot.leases), snapshot.probe_successes
        lines.append(f"- Probes: {out} of {config.half_open_max_calls} out, {succeeded} succeeded")
    lines.append(f"- Rules: {_rules(snapshot)}")
    lines.append(f"- Reports: {snapshot.reports}, and {snapshot.duplicates} that came again")
    if snapshot.unrecorded:
        lines.append(f"- Waiting for the database: {snapshot.unrecorded} of the events below")
    if snapshot.records_lost:
        lines.append(f"- Never written down: {snapshot.records_lost} events")
    lines += [f"- Refused: {_plain(message)}" for message in snapshot.refused]
    if snapshot.transitions:
        lines += ["", "| at (UTC) | event | why | by |", "| --- | --- | --- | --- |"]
        lines += [_row(transition) for transition in reversed(snapshot.transitions)]
    return "\n".join(lines)


def next_tick(standing: Standing, at: datetime) -> str:
    """The summary of the timer that ends then."""
    if at == standing.mode_until:
        return f"{standing.mode.value.replace('_', ' ')} ends at {_at(at)}"
    if at == standing.retry_at:
        return f"Next probe at {_at(at)}"
    if at == standing.paused_until:
        return f"The pause ends at {_at(at)}"
    return f"Probes without a result are given up at {_at(at)}"


def _since(standing: Standing) -> str:
    """`Open since 2026-11-23 12:00:00: 10 failures in 15 min, last: 503 …; next probe at 12:05:00`."""
    said = f"{standing.label.replace('_', ' ').capitalize()} since {_at(standing.changed_at)} UTC"
    said += f": {_plain(standing.reason)}"
    if standing.actor:
        said += f" ({_plain(standing.actor)})"
    if standing.mode_until:
        return f"{said}; until {_at(standing.mode_until)}"
    if standing.retry_at:
        return f"{said}; next probe at {_at(standing.retry_at)}"
    return f"{said}; until somebody ends it" if standing.mode is not Mode.NORMAL else said


def _rules(snapshot: BreakerSnapshot) -> str:
    config = snapshot.config
    rules = [f"{config.failure_threshold} failures in {spoken(config.monitoring_window)}"]
    among = f"{config.window_calls} calls" if config.window_calls else f"{config.minimum_calls} calls or more"
    if config.failure_rate_threshold:
        rules.append(f"{config.failure_rate_threshold:.0%} of {among} failing")
    if config.slow_call_rate_threshold and config.slow_call_duration:
        slow = spoken(config.slow_call_duration)
        rules.append(f"{config.slow_call_rate_threshold:.0%} of {among} taking {slow}")
    opens = f"opens after {' or '.join(rules)}, for {spoken(config.recovery_timeout)}"
    closes = f"closes after {config.success_threshold} probes that succeed"
    origin = "" if snapshot.is_configured else " (config/services.yaml is still to be read)"
    return f"{opens}; {closes}{origin}"


def _row(transition: Transition) -> str:
    until = f", until {_at(transition.until)}" if transition.until else ""
    event = transition.event.value.replace("_", " ")
    why, by = _plain(transition.reason), _plain(transition.actor)
    return f"| {_at(transition.at)} | {event}{until} | {why} | {by} |"


def _at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S}"


def _plain(text: str) -> str:
    """Text from outside, on one line and without a meaning in Markdown."""
    line = " ".join(text.split())[:_REASON_LIMIT]
    return "".join(f"\\{character}" if character in "\\`*_[]<>|#~" else character for character in line)
