"""What one generation has counted, and which rule that breaks."""

from datetime import datetime

from devsync.domain.breaker.config import BreakerConfig
from devsync.domain.breaker.spoken import counted, spoken
from devsync.domain.breaker.window import CallWindow, Outcomes, Tally, TimeSlice, TimeWindow


class Counts:
    """The calls of the monitoring window and, where the rules ask for them, the last calls whenever they were."""

    def __init__(self, config: BreakerConfig, slices: tuple[TimeSlice, ...] = (), letters: str = "") -> None:
        self._config = config
        self._recent = TimeWindow(config.monitoring_window, slices)
        self._last_calls = None if config.window_calls is None else CallWindow(config.window_calls, letters)

    @property
    def slices(self) -> tuple[TimeSlice, ...]:
        return self._recent.slices()

    @property
    def letters(self) -> str:
        return "" if self._last_calls is None else self._last_calls.letters

    def under(self, config: BreakerConfig, now: datetime) -> "Counts":
        """The same calls, counted under other rules; what is past stays forgotten in a longer window."""
        resized = self._recent.resized(config.monitoring_window, now)
        return Counts(config, resized.slices(), self.letters)

    def add(self, outcomes: Outcomes, now: datetime) -> None:
        self._recent.add(outcomes, now)
        if self._last_calls is not None:
            self._last_calls.add(outcomes)

    def recent(self, now: datetime) -> Tally:
        """Within the monitoring window."""
        return self._recent.tally(now)

    def breach(self, now: datetime) -> str:
        """The rule that is broken, in words for the reason of an opening; empty while none is."""
        config, recent = self._config, self.recent(now)
        if recent.failures >= config.failure_threshold:
            return f"{counted(recent.failures, 'failure')} in {spoken(config.monitoring_window)}"
        base = recent if self._last_calls is None else self._last_calls.tally()
        if base.calls < config.minimum_calls:
            return ""
        among = f"of {counted(base.calls, 'call')}"
        if self._last_calls is None:
            among += f" in {spoken(config.monitoring_window)}"
        if config.failure_rate_threshold is not None and base.failure_rate >= config.failure_rate_threshold:
            return f"{base.failure_rate:.0%} {among} failed"
        limit, slow = config.slow_call_rate_threshold, config.slow_call_duration
        if limit is not None and slow is not None and base.slow_rate >= limit:
            return f"{base.slow_rate:.0%} {among} took {spoken(slow)} or longer"
        return ""
