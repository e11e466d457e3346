"""What a gate has seen and not yet told: by generation, for reports; by kind, for metrics."""

import math
from collections import Counter, deque
from datetime import datetime, timedelta
from typing import NamedTuple

from devsync.contracts.breaker import ProbeResult
from devsync.domain.breaker import AdmissionKind, Lease, Outcome, Outcomes
from devsync.runtime.breaker.counts import CallCounts, Unsent, forgiven


class Report(NamedTuple):
    """What the entity shall know."""

    generation: int
    outcomes: Outcomes
    probes: tuple[ProbeResult, ...]
    pause: tuple[datetime, str] | None


class Told(NamedTuple):
    """What happened in a while, counted."""

    calls: Counter[Outcome]
    probes: Counter[Outcome]
    refusals: Counter[AdmissionKind]


class Ledger:
    """Not for many threads at once, but for `counts.success`."""

    def __init__(self) -> None:
        self.counts = CallCounts(0)
        """Of calls that begin now."""
        self._late: deque[CallCounts] = deque(maxlen=4)
        """Of what is over, though calls that began then may still be under way."""
        self._unsent = Unsent()
        self._probes: list[ProbeResult] = []
        self._pause: tuple[datetime, str] | None = None
        self._outstanding: Report | None = None
        self._told = Told(Counter(), Counter(), Counter())

    def begin(self, generation: int, slow_call_duration: timedelta | None) -> None:
        """Calls that begin from now on are counted apart from those before."""
        self._late.append(self.counts)
        self.counts = CallCounts(generation, slow_call_duration.total_seconds() if slow_call_duration else math.inf)

    def collect(self, now: datetime) -> Outcomes | None:
        """Takes in what was counted; returns what is new of the calls that began last."""
        for late in self._late:
            self._keep(late.generation, late.take(now))
        outcomes = self.counts.take(now)
        self._keep(self.counts.generation, outcomes)
        return outcomes

    def probed(self, lease: Lease, outcome: Outcome, failure: str) -> None:
        """A call under one of the entity's leases."""
        self._told.probes[outcome] += 1
        self.give_back(lease, outcome, failure)

    def probed_locally(self, generation: int, outcome: Outcome, failure: str, now: datetime) -> None:
        """A call under one of our own: for the entity a call like any other."""
        self._told.probes[outcome] += 1
        counts = CallCounts(generation)
        counts.add(outcome, is_slow=False, failure=failure)
        self._keep(generation, counts.take(now))

    def give_back(self, lease: Lease, outcome: Outcome = Outcome.IGNORED, failure: str = "") -> None:
        self._probes.append(ProbeResult(lease_id=lease.id, outcome=outcome, failure=failure))

    def paused(self, until: datetime, reason: str) -> None:
        self._pause = max(self._pause or (until, reason), (until, reason))

    def refused(self, kind: AdmissionKind) -> None:
        self._told.refusals[kind] += 1

    def healed(self) -> None:
        """The service has failed and come back before anybody could be told: its failures would open it again."""
        self._unsent.forgive()
        if self._outstanding is not None:
            outcomes = forgiven(self._outstanding.outcomes)
            self._outstanding = self._outstanding._replace(outcomes=outcomes)

    def report(self, generation: int) -> Report | None:
        """What the next report says: the same again until it is `confirmed`. None: nothing.

        `generation` is the one now.
        """
        if self._outstanding is None:
            waiting = self._unsent.take()
            if waiting is None and not self._probes and self._pause is None:
                return None
            told_of, outcomes = waiting or (generation, Outcomes())
            self._outstanding = Report(told_of, outcomes, tuple(self._probes), self._pause)
            self._probes, self._pause = [], None
        return self._outstanding

    def confirmed(self) -> None:
        """The last report was taken."""
        self._outstanding = None

    @property
    def is_behind(self) -> bool:
        """Whether more than one report's worth waits."""
        return len(self._unsent) + (self._outstanding is not None) > 1

    def take_told(self) -> Told:
        told, self._told = self._told, Told(Counter(), Counter(), Counter())
        return told

    def _keep(self, generation: int, outcomes: Outcomes | None) -> None:
        if outcomes is None:
            return
        self._unsent.add(generation, outcomes)
        self._told.calls.update(
            {
                Outcome.SUCCESS: outcomes.successes,
                Outcome.FAILURE: outcomes.failures,
                Outcome.IGNORED: outcomes.ignored,
                Outcome.THROTTLED: outcomes.throttled,
            }
        )
