"""What the Temporal Web UI shows of a breaker: why it is what it is, what comes next, what happened before."""

from datetime import datetime

from devsync.contracts.breaker import BreakerSnapshot
from devsync.domain.breaker import Mode, Standing, State, Transition, spoken
from devsync.domain.breaker.record import BREAKER
from workflows.shared.markdown import last_refusals, plain

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


def breaker_story(snapshot: BreakerSnapshot) -> str:
    standing, config = snapshot.standing, snapshot.config
    lines = [f"### {standing.service} is {_heading(standing)}", *_next(standing), "", _since(standing), ""]
    if standing.paused_until:
        lines.append(f"- Paused until {_at(standing.paused_until)} UTC: {plain(standing.pause_reason)}")
    if standing.state is State.CLOSED and standing.mode is not Mode.DISABLED:
        counts, window = snapshot.counts, spoken(config.monitoring_window)
        lines.append(f"- Counted in the last {window}: {counts.calls} calls, {counts.failures} failed")
    if snapshot.last_failure and snapshot.last_failure not in standing.reason:
        lines.append(f"- Last failure: {plain(snapshot.last_failure)}")
    if standing.state is State.HALF_OPEN:
        out, succeeded = len(snapshot.leases), snapshot.probe_successes
        lines.append(f"- Probes: {out} of {config.half_open_max_calls} out, {succeeded} succeeded")
    lines.append(f"- Rules: {_rules(snapshot)}")
    again = f", and {snapshot.duplicates} that came again" if snapshot.duplicates else ""
    lines.append(f"- Reports: {snapshot.reports}{again}")
    if snapshot.unrecorded:
        lines.append(f"- Waiting for the database: {snapshot.unrecorded} of the events below")
    if snapshot.records_lost:
        lines.append(f"- Never written down: {snapshot.records_lost} events")
    lines += last_refusals(snapshot.refused, snapshot.refused_count)
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


def _heading(standing: Standing) -> str:
    if standing.paused_until and standing.state is not State.OPEN:
        return "paused: calls are refused, the service asks for patience"
    return _MEANING.get(standing.mode) or _HEADINGS[standing.state]


def _next(standing: Standing) -> list[str]:
    """What comes next, on a line of its own: it is what people look for."""
    if standing.paused_until and standing.state is not State.OPEN:
        return [f"**Until {_at(standing.paused_until)} UTC**"]
    if standing.mode_until:
        return [f"**Until {_at(standing.mode_until)} UTC**"]
    if standing.retry_at:
        return [f"**Next probe at {_at(standing.retry_at)} UTC**"]
    return ["**Until somebody ends it**"] if standing.mode is not Mode.NORMAL else []


def _since(standing: Standing) -> str:
    """`Open since 2026-11-23 12:00:00 UTC: 10 failures in 15 min, last: 503 …`, and which person decided so."""
    by = f" ({plain(standing.actor)})" if standing.actor not in {"", BREAKER} else ""
    since = _at(standing.changed_at)
    return f"{standing.label.replace('_', ' ').capitalize()} since {since} UTC: {plain(standing.reason)}{by}"


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
    until = f", until {_short(transition.until)}" if transition.until else ""
    event = transition.event.value.replace("_", " ")
    why, by = plain(transition.reason), plain(transition.actor)
    return f"| {_short(transition.at)} | {event}{until} | {why} | {by} |"


def _at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M:%S}"


def _short(instant: datetime) -> str:
    """For the narrow columns of the Web UI."""
    return f"{instant:%m-%d %H:%M:%S}"
