"""Instants as people read them at a terminal."""

from datetime import datetime
from zoneinfo import ZoneInfo


def local_time(instant: datetime, timezone: str) -> str:
    """`Mon 2026-11-30 09:01 Europe/Berlin`."""
    return f"{instant.astimezone(ZoneInfo(timezone)):%a %Y-%m-%d %H:%M} {timezone}"
