"""Long lists: each page begins after the last line of the one before, so that none is slower than the first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from fastapi import Request

from devsync.storage.edition_list import EditionLine


class Cursor:
    """A line in an address: `2026-W47:payments`."""

    @staticmethod
    def read(text: str) -> tuple[str, str] | None:
        """None: from the beginning, also where it is none of ours."""
        week, colon, team = text.partition(":")
        return (week, team) if colon else None


class InstantCursor:
    """A line of a list in the order of time: when it was, and what tells it from others of that instant."""

    @staticmethod
    def write(at: datetime, key: str) -> str:
        return f"{at.isoformat()} {key}"

    @staticmethod
    def read(text: str) -> tuple[datetime, str] | None:
        """None: from the beginning, also where it is none of ours."""
        instant, _, key = text.partition(" ")
        try:
            at = datetime.fromisoformat(instant)
        except ValueError:
            return None
        return (at, key) if key and at.tzinfo else None


def next_page(request: Request, lines: Sequence[EditionLine], size: int) -> str:
    """The address of what follows; empty: nothing does. One line more than `size` was asked for."""
    if len(lines) <= size:
        return ""
    last = lines[size - 1]
    return this_page(request, after=f"{last.iso_week}:{last.team}")


def this_page(request: Request, **changes: str | int) -> str:
    """The address of the page that is looked at, with other values of its parameters."""
    return str(request.url.include_query_params(**changes).replace(scheme="", netloc=""))
