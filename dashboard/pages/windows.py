"""Which time a page is about: so far back from now, or exactly from one instant until another, as links have it."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, NamedTuple

from fastapi import HTTPException, Query
from pydantic import AwareDatetime
from starlette.status import HTTP_422_UNPROCESSABLE_CONTENT

from devsync.domain.dashboard_pages import within
from devsync.domain.health.wording import span_words
from devsync.domain.insight.span import ImpossibleSpan, Span, span


class Window(StrEnum):
    """How far back; errors are kept for 90 days as shipped."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"
    QUARTER = "90d"

    @property
    def words(self) -> str:
        """What stands behind `the last`."""
        return "24 hours" if self is Window.DAY else f"{self.value.removesuffix('d')} days"

    def span(self, now: datetime) -> Span:
        length = {"24h": 1, "7d": 7, "30d": 30, "90d": 90}[self.value]
        return Span(start=now - timedelta(days=length), end=now)


From = Annotated[AwareDatetime | None, Query(alias="from")]
Until = Annotated[AwareDatetime | None, Query()]


class Asked(NamedTuple):
    span: Span
    words: str
    """`in the last 7 days`."""
    parameters: dict[str, str]
    """Of an address that is about the same time."""
    is_exact: bool


def asked(window: Window, since: datetime | None, until: datetime | None, now: datetime) -> Asked:
    """Exactly from `since` until `until` where both are given. Raises HTTPException 422 for what cannot be asked."""
    if since is None and until is None:
        return Asked(window.span(now), f"in the last {window.words}", {"window": window.value}, is_exact=False)
    if since is None or until is None:
        raise HTTPException(HTTP_422_UNPROCESSABLE_CONTENT, "the address has one of from and until; write both")
    try:
        exact = span(since, until, now)
    except ImpossibleSpan as error:
        raise HTTPException(HTTP_422_UNPROCESSABLE_CONTENT, str(error)) from None
    return Asked(exact, f"from {span_words(exact)}", within(exact), is_exact=True)
