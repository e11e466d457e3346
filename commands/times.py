"""Instants and spans of time as people read and write them at a terminal."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from commands.console import Exit, Told
from devsync.settings.durations import parse_duration


def local_time(instant: datetime, timezone: str) -> str:
    """`Mon 2026-11-30 09:01 Europe/Berlin`."""
    return f"{instant.astimezone(ZoneInfo(timezone)):%a %Y-%m-%d %H:%M} {timezone}"


def span_of(window: str, until: datetime) -> timedelta:
    """What `--window` says: `24h`. Raises Told."""
    try:
        span = parse_duration(window)
        _ = until - span
    except ValueError as error:
        raise Told(f"--window: {error}", Exit.USAGE) from None
    except OverflowError:
        raise Told(f'--window: "{window}" begins before the calendar does; write 30d', Exit.USAGE) from None
    if not span:
        raise Told('--window: "0s" is no time at all; write 24h', Exit.USAGE)
    return span
