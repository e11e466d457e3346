"""Outcomes on their way from the calls of many threads into reports."""

import itertools
import math
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

from devsync.domain.breaker import Outcome, Outcomes

LARGEST_COUNT = 1_000_000
"""A report counts no further; where so many calls were never reported, more of them change no rule."""

COARSEST = timedelta(seconds=15)
"""Outcomes that could not be told at once are kept apart at least so finely: each counts as of when it was."""

KEPT = 60
"""How many of them are kept: more than a quarter of an hour is in no monitoring window worth its name."""

LINE = 300
"""Characters of the one line that a failure is told in."""


class CallCounts:
    """Outcomes of calls that began in one generation.

    A success, the common case, takes no lock: `success` is one call into C, during which no other thread runs.
    Everything else is meant to be called under the gate's lock.
    """

    def __init__(self, generation: int, slow_from: float = math.inf) -> None:
        self.generation = generation
        self.slow_from = slow_from
        """Seconds; a success that took less may be counted by `success`."""
        self.is_timed = slow_from < math.inf
        """Without a rule on slow calls nobody looks at the clock: that is a third of what a gate costs."""
        self.success: Callable[[], int] = itertools.count().__next__
        self._reads = 0
        self._taken = 0
        self._counts = dict.fromkeys(Outcome, 0)
        self._slow = 0
        self._last_failure = ""
        self._since: datetime | None = None

    def add(self, outcome: Outcome, *, is_slow: bool, failure: str = "") -> None:
        self._counts[outcome] += 1
        self._slow += is_slow and outcome in (Outcome.SUCCESS, Outcome.FAILURE)
        self._last_failure = failure[:LINE] or self._last_failure

    def take(self, now: datetime) -> Outcomes | None:
        """What came since the last time; None: nothing."""
        succeeded = self.success() - self._reads  # a counter tells its value only by going on
        self._reads += 1
        quick, self._taken = succeeded - self._taken, succeeded
        since, self._since = self._since or now, now
        if not quick and not any(self._counts.values()):
            return None
        counts, slow, failure = self._counts, self._slow, self._last_failure
        self._counts, self._slow, self._last_failure = dict.fromkeys(Outcome, 0), 0, ""
        return Outcomes(
            successes=min(quick + counts[Outcome.SUCCESS], LARGEST_COUNT),
            failures=counts[Outcome.FAILURE],
            slow=slow,
            ignored=counts[Outcome.IGNORED],
            throttled=counts[Outcome.THROTTLED],
            last_failure=failure,
            earliest=since,
            latest=now,
        )


class Unsent:
    """Outcomes that no report has carried yet, oldest first; what is too old to matter is dropped."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[int, Outcomes]] = deque(maxlen=KEPT)

    def add(self, generation: int, outcomes: Outcomes) -> None:
        if self._waiting:
            last_generation, last = self._waiting[-1]
            if last_generation == generation and _is_close(last, outcomes):
                self._waiting[-1] = generation, _sum(last, outcomes)
                return
        self._waiting.append((generation, outcomes))

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self) -> tuple[int, Outcomes] | None:
        """The oldest, with its generation."""
        return self._waiting.popleft() if self._waiting else None

    def forgive(self) -> None:
        """Takes the failures out of what waits."""
        left = ((generation, forgiven(outcomes)) for generation, outcomes in self._waiting)
        self._waiting = deque((entry for entry in left if _says_something(entry[1])), maxlen=KEPT)


def forgiven(outcomes: Outcomes) -> Outcomes:
    """Without what may open a breaker."""
    return outcomes.model_copy(update={"failures": 0, "slow": 0, "last_failure": ""})


def _says_something(outcomes: Outcomes) -> bool:
    return bool(outcomes.calls or outcomes.ignored or outcomes.throttled)


def _is_close(older: Outcomes, newer: Outcomes) -> bool:
    if older.earliest is None or newer.latest is None:
        return False
    return timedelta() <= newer.latest - older.earliest <= COARSEST


def _sum(older: Outcomes, newer: Outcomes) -> Outcomes:
    def added(name: str) -> int:
        total: int = getattr(older, name) + getattr(newer, name)
        return min(total, LARGEST_COUNT)

    return Outcomes(
        successes=added("successes"),
        failures=added("failures"),
        slow=added("slow"),
        ignored=added("ignored"),
        throttled=added("throttled"),
        last_failure=newer.last_failure or older.last_failure,
        earliest=older.earliest,
        latest=newer.latest,
    )
