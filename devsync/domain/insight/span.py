"""The stretch of time that a question is about; one that cannot be asked about is refused with why."""

from datetime import UTC, date, datetime, time, timedelta

from pydantic import AwareDatetime

from devsync.domain.model import Model

LONGEST = timedelta(days=5 * 366)
"""Nothing is kept for longer."""


class ImpossibleSpan(ValueError):
    """An empty, negative or future stretch, or one longer than anything is kept; the message says which."""


class Span(Model):
    """The instants `start <= t < end`."""

    start: AwareDatetime
    end: AwareDatetime

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    @property
    def before(self) -> "Span":
        """As long, and ending where this one starts: what it is compared with."""
        return Span(start=self.start - self.length, end=self.start)

    @property
    def days(self) -> tuple[date, ...]:
        """The days of UTC that lie in it as a whole: half a day would count as a quiet one."""
        first = self.start.astimezone(UTC)
        is_midnight = first.time() == time()
        first_day = first.date() if is_midnight else first.date() + timedelta(days=1)
        length = (self.end.astimezone(UTC).date() - first_day).days
        return tuple(first_day + timedelta(days=number) for number in range(length))


def span(start: datetime, end: datetime, now: datetime) -> Span:
    """Raises ImpossibleSpan. What of it is yet to come is cut off."""
    if end <= start:
        raise ImpossibleSpan("the window is empty: it ends before it begins")
    if start >= now:
        raise ImpossibleSpan("the window lies in the future: nothing is on record there")
    if end - start > LONGEST:
        raise ImpossibleSpan(f"the window is longer than {LONGEST.days} days; ask for a shorter one")
    return Span(start=start, end=min(end, now))


def last(length: timedelta, now: datetime) -> Span:
    """The stretch of that length that ends now. Raises ImpossibleSpan."""
    if length <= timedelta():
        raise ImpossibleSpan("the window is no time at all; write a longer duration")
    if length > LONGEST:
        raise ImpossibleSpan(f"the window is longer than {LONGEST.days} days; ask for a shorter one")
    return span(now - length, now, now)
