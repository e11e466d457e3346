"""An alert in words, the same ones wherever it is told."""

from collections.abc import Callable
from datetime import UTC
from typing import Final

from devsync.domain.health.book import Alert
from devsync.domain.health.naming import RuleName
from devsync.domain.insight.span import Span

_COUNTED: Final[dict[RuleName, Callable[[int, int], str]]] = {
    RuleName.ERROR_RATE: lambda count, of: f"{count:,} of {of:,} attempts failed",
    RuleName.HEALTH: lambda count, of: f"{count:,} of {of:,} attempts failed",
    RuleName.GENERATION_TIME: lambda count, of: f"{count:,} of {of:,} editions took longer",
    RuleName.MEMORY: lambda count, of: f"{count:,} of {of:,} editions took more",
    RuleName.RESPONSE_TIME: lambda _, of: f"{of:,} API calls",
}


def counted_words(alert: Alert) -> str:
    """`11 of 21 attempts failed`; empty where nothing was counted."""
    words = _COUNTED.get(alert.rule)
    return words(alert.count, alert.counted.of) if alert.counted and words else ""


def state_words(alert: Alert) -> str:
    """`firing`, `acknowledged by anna`; of what another alert tells, `firing, told by breaker_open:github`."""
    whose = f" by {alert.acknowledged_by}" if alert.acknowledged_by else ""
    told_by = f", told by {alert.follows}" if alert.follows and alert.is_open else ""
    return f"{alert.state.value}{whose}{told_by}"


def span_words(span: Span) -> str:
    """`2026-11-29 11:04 to 12:04 UTC`, the day of the end only where it is another one."""
    start, end = span.start.astimezone(UTC), span.end.astimezone(UTC)
    return f"{start:%Y-%m-%d %H:%M} to {end:{'%H:%M' if start.date() == end.date() else '%Y-%m-%d %H:%M'}} UTC"
