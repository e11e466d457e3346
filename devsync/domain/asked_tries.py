"""Tries of a delivery that somebody asks for, beside its schedule: several in a row, and one answer in the end."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Wish:
    """What one asks for: the first try at once, each other one `wait` after the one before it, times `factor`."""

    attempts: int = 1
    wait: timedelta = timedelta(0)
    factor: float = 1.0
    until: datetime | None = None
    """No try is begun later."""


class Row:
    """How far one has come with its wish."""

    def __init__(self, wish: Wish, now: datetime) -> None:
        self.due_at: datetime | None = now
        """When the next try is; None: the row is over."""
        self._wish = wish
        self._attempts = wish.attempts
        self._wait = wish.wait
        self._made = 0
        self._is_under_way = False

    @property
    def goes_on(self) -> bool:
        return self.due_at is not None

    @property
    def tries(self) -> int:
        """Those that were begun."""
        return self._made + self._is_under_way

    def begin(self, now: datetime) -> None:
        """A try begins, which is of this row where one is due."""
        self._is_under_way = self.due_at is not None and self.due_at <= now

    def failed(self, hint: timedelta, now: datetime) -> None:
        """A try settled nothing, this row's or another's; either way the service wants to be left alone for `hint`."""
        next_at = max(self.due_at or now, now + hint)
        if self._is_under_way:
            next_at = now + max(self._wait, hint)
            self._wait *= self._wish.factor
            self._end_try()
        is_in_time = self._wish.until is None or next_at < self._wish.until
        self.due_at = next_at if is_in_time and self._made < self._attempts else None

    def settled(self) -> None:
        self._end_try()
        self.due_at = None

    def end_with_the_next(self, now: datetime) -> None:
        self._attempts, self.due_at = self._made + 1, now

    def _end_try(self) -> None:
        self._made, self._is_under_way = self.tries, False


class AskedTries:
    """A row for each who asks. One try serves all whose row is due; a row that is over is kept until it is told."""

    def __init__(self) -> None:
        self._rows: dict[str, Row] = {}
        """By who asks."""

    # What is said.

    def ask(self, by: str, wish: Wish, now: datetime) -> None:
        """Also while a try is under way: that one was not for it."""
        self._rows[by] = Row(wish, now)

    def take_back(self, by: str) -> None:
        """They do not wait for it any more."""
        self._rows.pop(by, None)

    def end_with_the_next(self, now: datetime) -> None:
        """Something newer is tried at once: what comes of that is everybody's answer."""
        for row in self._rows.values():
            if row.goes_on:
                row.end_with_the_next(now)

    # What becomes of it.

    def begin(self, now: datetime) -> None:
        """A try begins."""
        for row in self._rows.values():
            row.begin(now)

    def failed(self, hint: timedelta, now: datetime) -> None:
        """The try settled nothing. What is asked for meanwhile is not made to wait by what the try was told."""
        for row in self._begun:
            row.failed(hint, now)

    def settled(self) -> None:
        """It is there, or will not be. What was asked for meanwhile is still to be answered."""
        for row in self._begun:
            row.settled()

    def are_told(self) -> None:
        """All who are to hear of the rows that are over have heard of them."""
        self._rows = {by: row for by, row in self._rows.items() if row.goes_on}

    # What there is to know.

    @property
    def is_news(self) -> bool:
        """Whether others are to hear of a try that failed: a row ended with it, or it was between those of none."""
        return not self._begun or not all(row.goes_on for row in self._rows.values())

    @property
    def next_at(self) -> datetime | None:
        """When the next try is due; None where nobody waits for one."""
        return min((row.due_at for row in self._rows.values() if row.due_at is not None), default=None)

    def is_due(self, now: datetime) -> bool:
        return self.next_at is not None and self.next_at <= now

    def waits(self, by: str) -> bool:
        """Whether they are to hear of it later."""
        return by in self._rows and self._rows[by].goes_on

    def tries_for(self, by: str) -> int:
        """Those begun in a row that they have not been told the end of."""
        return self._rows[by].tries if by in self._rows else 0

    @property
    def _begun(self) -> list[Row]:
        """Rows that go on, and of which a try was made, or is under way."""
        return [row for row in self._rows.values() if row.goes_on and row.tries > 0]
