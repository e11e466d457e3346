"""Of which time a question is."""

from datetime import datetime, timedelta
from typing import Final

from devsync.domain.insight.span import ImpossibleSpan, Span, last, span

Window = timedelta | tuple[datetime, datetime]
"""A duration until now, or two instants."""

USUAL: Final = timedelta(hours=24)
ADVISED_BY: Final = timedelta(days=28)


def span_of(window: Window, now: datetime) -> Span:
    """Raises ImpossibleSpan, a ValueError, for one that is empty, negative, in the future or longer than anything is
    kept, and TypeError for what is no window."""
    if isinstance(window, timedelta):
        return last(window, now)
    if not (isinstance(window, tuple) and len(window) == 2 and all(isinstance(one, datetime) for one in window)):
        raise TypeError("a window is a timedelta, or a tuple of two datetimes")
    start, end = window
    if start.tzinfo is None or end.tzinfo is None:
        raise ImpossibleSpan("the window has times without a timezone; write datetime.now(UTC)")
    return span(start, end, now)
