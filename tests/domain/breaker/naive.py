"""A breaker that nobody would run: it keeps every call and works everything out from the whole list, each time.

Written from the rules (design, section 6), not from the code. Only what callers can see is modelled.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from devsync.domain.breaker import BreakerConfig, Outcome, Outcomes

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass
class Call:
    at: datetime
    failed: bool
    slow: bool


@dataclass
class Naive:
    config: BreakerConfig
    state: str = "closed"
    mode: str = "normal"
    generation: int = 0
    until: datetime | None = None
    """Of the open state or the mode."""
    paused_until: datetime | None = None
    openings: int = 0
    calls: list[Call] = field(default_factory=list)
    last_calls: list[Call] = field(default_factory=list)
    pretends_open_until: datetime | None = None
    leases: dict[str, datetime] = field(default_factory=dict)
    first_probe: datetime | None = None
    succeeded: int = 0
    events: list[str] = field(default_factory=list)

    # Time.

    def tick(self, now: datetime) -> None:
        self._shorten(now)
        if self.paused_until and self.paused_until <= now:
            self.paused_until = None
            self.events.append("pause_ended")
        if self.mode != "normal":
            if self.until and self.until <= now:
                self._become("half_open" if self.mode == "forced_open" else "closed", "normal", None, "mode_ended")
        elif self.state == "open":
            if self.until and self.until <= now:
                self._become("half_open", "normal", None, "half_opened")
        elif self.state == "half_open":
            self.leases = {lease: deadline for lease, deadline in self.leases.items() if deadline > now}
            if self.first_probe and self.first_probe + self.config.half_open_max_wait <= now:
                if self.succeeded:
                    self._become("closed", "normal", None, "closed")
                else:
                    self._open(now)

    def _shorten(self, now: datetime) -> None:
        if self.mode == "normal" and self.state == "open" and self.until:
            self.until = min(self.until, now + self._wait())
        if self.paused_until:
            self.paused_until = min(self.paused_until, now + DAY)
        if self.pretends_open_until:
            self.pretends_open_until = min(self.pretends_open_until, now + self.config.recovery_timeout)
        latest = now + self.config.probe_lease
        self.leases = {lease: min(deadline, latest) for lease, deadline in self.leases.items()}
        if self.first_probe:
            self.first_probe = min(self.first_probe, now)

    # Calls.

    def report(self, outcomes: Outcomes, generation: int, now: datetime) -> None:
        if self.generation == 0:
            self.generation = generation
        if generation != self.generation or self.mode == "disabled":
            return
        if self.state == "half_open" and outcomes.failures:
            self._open(now)
        elif self.state == "closed" and outcomes.successes + outcomes.failures:
            if self.pretends_open_until and now < self.pretends_open_until:
                return
            self._count(outcomes, now)
            self._judge(now)

    def _count(self, outcomes: Outcomes, now: datetime) -> None:
        slow_failures = min(outcomes.slow, outcomes.failures)
        slow_successes = outcomes.slow - slow_failures
        at = min(outcomes.latest or now, now)
        new = [Call(at, False, index >= outcomes.successes - slow_successes) for index in range(outcomes.successes)]
        new += [Call(at, True, index >= outcomes.failures - slow_failures) for index in range(outcomes.failures)]
        self.calls += new
        self._forget(now)
        if self.config.window_calls:
            self.last_calls += new

    def _forget(self, now: datetime) -> None:
        """What is past, for good; what was counted in a future that the clock took back counts as of now."""
        self.calls = self.recent(now)
        for call in self.calls:
            call.at = min(call.at, now)

    def recent(self, now: datetime) -> list[Call]:
        return [call for call in self.calls if self._slice(call.at) >= self._slice(now) - 60]

    def _slice(self, at: datetime) -> int:
        return (at - EPOCH) // (self.config.monitoring_window / 60)

    def _judge(self, now: datetime) -> None:
        if self.state != "closed" or self.mode not in {"normal", "metrics_only"} or not self._is_broken(now):
            return
        if self.mode == "normal":
            self._open(now)
        else:
            self.calls, self.last_calls = [], []
            self.pretends_open_until = now + self.config.recovery_timeout
            self.events.append("would_have_opened")

    def _is_broken(self, now: datetime) -> bool:
        recent = self.recent(now)
        if sum(call.failed for call in recent) >= self.config.failure_threshold:
            return True
        base = self.last_calls[-self.config.window_calls :] if self.config.window_calls else recent
        if len(base) < self.config.minimum_calls:
            return False
        failed, slow = self.config.failure_rate_threshold, self.config.slow_call_rate_threshold
        return bool(
            (failed and sum(call.failed for call in base) / len(base) >= failed)
            or (slow and sum(call.slow for call in base) / len(base) >= slow)
        )

    # Probes.

    def lend(self, wanted: int, now: datetime) -> int:
        """How many leases there must be."""
        if self.state != "half_open" or self.paused_until:
            return 0
        return max(min(wanted, self.config.half_open_max_calls - len(self.leases)), 0)

    def lent(self, lease: str, deadline: datetime, now: datetime) -> None:
        self.leases[lease] = deadline
        self.first_probe = self.first_probe or now

    def settle(self, lease: str, outcome: Outcome, now: datetime) -> None:
        if self.leases.pop(lease, None) is None:
            return
        if outcome is Outcome.FAILURE:
            self._open(now)
        if outcome is Outcome.SUCCESS:
            self.succeeded += 1
            if self.succeeded >= self.config.success_threshold:
                self._become("closed", "normal", None, "closed")

    # Pauses and people.

    def pause(self, until: datetime, now: datetime) -> None:
        if until.microsecond:
            until = until.replace(microsecond=0) + timedelta(seconds=1)
        until = min(until, now + DAY)
        if self.mode in {"forced_closed", "disabled"} or until <= (self.paused_until or now):
            return
        if not self.paused_until:
            self.events.append("paused")
        self.paused_until = until

    def enter(self, mode: str, until: datetime | None) -> None:
        if mode in {"forced_closed", "disabled"}:
            self.paused_until = None
        self._become("open" if mode == "forced_open" else "closed", mode, until, mode)
        self.openings = 0

    def reset(self) -> None:
        self.paused_until = None
        self._become("closed", "normal", None, "reset")

    def configure(self, config: BreakerConfig, now: datetime) -> None:
        if config == self.config:
            return
        width = self.config.monitoring_window / 60
        self._forget(now)
        for call in self.calls:
            call.at = EPOCH + self._slice(call.at) * width  # counted calls know their slice of time, no more
        if not config.window_calls:
            self.last_calls = []
        elif self.config.window_calls:
            self.last_calls = self.last_calls[-min(config.window_calls, self.config.window_calls) :]
        self.config = config
        self.events.append("configured")
        self._shorten(now)
        self._judge(now)

    # Changes.

    def _wait(self) -> timedelta:
        config = self.config
        if config.recovery_timeout_maximum is None:
            return config.recovery_timeout
        grown = config.recovery_timeout * config.recovery_timeout_growth ** (self.openings - 1)
        return min(grown, config.recovery_timeout_maximum)

    def _open(self, now: datetime) -> None:
        openings = self.openings + 1
        self.openings = openings
        self._become("open", "normal", now + self._wait(), "opened")

    def _become(self, state: str, mode: str, until: datetime | None, event: str) -> None:
        self.state, self.mode, self.until = state, mode, until
        self.generation += 1
        self.calls, self.last_calls, self.pretends_open_until = [], [], None
        self.leases, self.first_probe, self.succeeded = {}, None, 0
        if state == "closed":
            self.openings = 0
        self.events.append(event)
