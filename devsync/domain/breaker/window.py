"""Counted outcomes of calls, over the last minutes and over the last calls, in a few numbers that never grow."""

from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AwareDatetime, Field, model_validator

from devsync.domain.model import Model

SLICES = 60
"""A window of time is counted in so many slices: 15 s each of 15 minutes. One that is partly past counts whole."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Count = Annotated[int, Field(ge=0, le=1_000_000)]


class Outcome(StrEnum):
    """What one call says about the service."""

    SUCCESS = "success"
    FAILURE = "failure"
    """Counted: a time-out, the network, 5xx, a malformed answer."""
    IGNORED = "ignored"
    """Our own fault, such as 404 or 422: says nothing about the service."""
    THROTTLED = "throttled"
    """The service works and asks for patience; never a failure."""


class Outcomes(Model):
    """Counts over calls that began in one generation."""

    successes: Count = 0
    failures: Count = 0
    slow: Count = 0
    """Of successes and failures, those that took `slow_call_duration` or longer."""
    ignored: Count = 0
    throttled: Count = 0
    last_failure: Annotated[str, Field(max_length=500)] = ""
    """One line for people, without secrets: `503 from GET /repos/acme/ledger/pulls`."""
    earliest: AwareDatetime | None = None
    """When the first of these calls ended."""
    latest: AwareDatetime | None = None
    """When the last of them ended; without it, they count as of now."""

    @property
    def calls(self) -> int:
        """Those that say something about the service."""
        return self.successes + self.failures

    @model_validator(mode="after")
    def _slow_calls_are_calls(self) -> Self:
        if self.slow > self.calls:
            raise ValueError("more slow calls than calls; count each as a success or a failure, too")
        return self


class Tally(Model):
    """Calls counted in a window."""

    calls: int = 0
    failures: int = 0
    slow: int = 0

    @property
    def failure_rate(self) -> float:
        return self.failures / self.calls if self.calls else 0.0

    @property
    def slow_rate(self) -> float:
        return self.slow / self.calls if self.calls else 0.0


class TimeSlice(Model):
    """The calls that ended in one slice of time."""

    number: int
    """Slices since 1970."""
    tally: Tally


class TimeWindow:
    """Calls of the last `length`, in slices of a sixtieth of it."""

    def __init__(self, length: timedelta, slices: Iterable[TimeSlice] = ()) -> None:
        self._width = max(length / SLICES, timedelta(milliseconds=1))
        self._counts = {each.number: [each.tally.calls, each.tally.failures, each.tally.slow] for each in slices}

    def add(self, outcomes: Outcomes, now: datetime) -> None:
        """Counts them as of when they ended, and forgets what is past. Never later than now, whatever they claim."""
        if outcomes.calls:
            number = self._number(outcomes.latest or now)
            counts = self._counts.setdefault(number, [0, 0, 0])
            counts[0] += outcomes.calls
            counts[1] += outcomes.failures
            counts[2] += outcomes.slow
        self._forget(now)

    def tally(self, now: datetime) -> Tally:
        oldest = self._number(now) - SLICES
        kept = [counts for number, counts in self._counts.items() if number >= oldest]
        calls, failures, slow = (sum(counts[column] for counts in kept) for column in range(3))
        return Tally(calls=calls, failures=failures, slow=slow)

    def slices(self) -> tuple[TimeSlice, ...]:
        return tuple(
            TimeSlice(number=number, tally=Tally(calls=calls, failures=failures, slow=slow))
            for number, (calls, failures, slow) in sorted(self._counts.items())
        )

    def resized(self, length: timedelta, now: datetime) -> "TimeWindow":
        """The calls that count now, in a window of another length."""
        self._forget(now)
        resized = TimeWindow(length)
        for number, counts in self._counts.items():
            into = resized._counts.setdefault((number * self._width) // resized._width, [0, 0, 0])
            for column, count in enumerate(counts):
                into[column] += count
        return resized

    def _forget(self, now: datetime) -> None:
        newest = self._number(now)
        if all(newest - SLICES <= number <= newest for number in self._counts):
            return
        kept: dict[int, list[int]] = {}
        for number, counts in self._counts.items():
            if number < newest - SLICES:
                continue
            # Of the future: the clock went back, or another machine's is ahead. They count as of now.
            into = kept.setdefault(min(number, newest), [0, 0, 0])
            for column, count in enumerate(counts):
                into[column] += count
        self._counts = kept

    def _number(self, at: datetime) -> int:
        return (at - _EPOCH) // self._width


class CallWindow:
    """The last `length` calls, whenever they were: one letter a call.

    Of a batch the order is not known; its failures count as the later ones, so that they are remembered longer.
    """

    _LETTERS = {(False, False): ".", (False, True): "s", (True, False): "x", (True, True): "X"}

    def __init__(self, length: int, letters: str = "") -> None:
        self._letters = deque(letters, maxlen=length)

    def add(self, outcomes: Outcomes) -> None:
        slow_failures = min(outcomes.slow, outcomes.failures)
        slow_successes = outcomes.slow - slow_failures
        for is_failure, is_slow, count in (
            (False, False, outcomes.successes - slow_successes),
            (False, True, slow_successes),
            (True, False, outcomes.failures - slow_failures),
            (True, True, slow_failures),
        ):
            # No more letters than fit: a batch may count a million calls.
            self._letters.extend(self._LETTERS[is_failure, is_slow] * min(count, self._letters.maxlen or 0))

    def tally(self) -> Tally:
        letters = "".join(self._letters)
        return Tally(
            calls=len(letters),
            failures=letters.count("x") + letters.count("X"),
            slow=letters.count("s") + letters.count("X"),
        )

    @property
    def letters(self) -> str:
        return "".join(self._letters)
