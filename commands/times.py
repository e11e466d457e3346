"""Instants and spans of time as people read and write them at a terminal."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from commands.console import Exit, Told
from devsync.domain.insight.span import ImpossibleSpan, Span, span
from devsync.settings.durations import parse_duration


def local_time(instant: datetime, timezone: str) -> str:
    """`Mon 2026-11-30 09:01 Europe/Berlin`."""
    return f"{instant.astimezone(ZoneInfo(timezone)):%a %Y-%m-%d %H:%M} {timezone}"


def span_of(window: str, until: datetime, *, option: str = "--window") -> timedelta:
    """What `--window` says: `24h`. Raises Told."""
    try:
        length = parse_duration(window)
        _ = until - length
    except ValueError as error:
        raise Told(f"{option}: {error}", Exit.USAGE) from None
    except OverflowError:
        raise Told(f'{option}: "{window}" begins before the calendar does; write 30d', Exit.USAGE) from None
    if not length:
        raise Told(f'{option}: "0s" is no time at all; write 24h', Exit.USAGE)
    return length


def window_of(window: str, until: str | None, now: datetime) -> Span:
    """What `--window` and `--until` say: `7d`, and the instant at which it ends. Raises Told."""
    end = instant_of(until) if until else now
    length = span_of(window, end)
    try:
        return span(end - length, end, now)
    except ImpossibleSpan as error:
        raise Told(f"{'--until' if end - length >= now else '--window'}: {error}", Exit.USAGE) from None


def instant_of(text: str, *, option: str = "--until") -> datetime:
    """Without an offset it is UTC, as the times are that commands print."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise Told(f'{option}: "{text}" is no time; write 2026-11-23 or 2026-11-23T08:00+01:00', Exit.USAGE) from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
