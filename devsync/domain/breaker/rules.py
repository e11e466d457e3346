"""Which counts open a breaker, in words that go into its reason."""

from datetime import timedelta

from devsync.domain.breaker.config import BreakerConfig
from devsync.domain.breaker.window import Tally


def breach(config: BreakerConfig, recent: Tally, last_calls: Tally | None) -> str:
    """The rule that is broken, empty while none is.

    `recent` counts the monitoring window, `last_calls` the last `window_calls`; without the latter, the rates look
    at the former.
    """
    if recent.failures >= config.failure_threshold:
        return f"{_counted(recent.failures, 'failure')} in {spoken(config.monitoring_window)}"
    base = recent if last_calls is None else last_calls
    if base.calls < config.minimum_calls:
        return ""
    among = f"of {base.calls} calls" if last_calls is not None else f"of {base.calls} calls in {_window(config)}"
    if config.failure_rate_threshold is not None and base.failure_rate >= config.failure_rate_threshold:
        return f"{base.failure_rate:.0%} {among} failed"
    if config.slow_call_rate_threshold is not None and base.slow_rate >= config.slow_call_rate_threshold:
        slow = spoken(config.slow_call_duration or timedelta())
        return f"{base.slow_rate:.0%} {among} took {slow} or longer"
    return ""


def spoken(duration: timedelta) -> str:
    """As people read it: `15 min`, `1 h 30 min`, `30 s`, `0.5 s`; nothing below the second from a minute on."""
    seconds = duration.total_seconds()
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = ((days, "d"), (hours, "h"), (minutes, "min"), (rest, "s"))
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def _window(config: BreakerConfig) -> str:
    return spoken(config.monitoring_window)


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
