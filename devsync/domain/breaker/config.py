"""When a breaker opens, how long it stays open and how it comes back: the numbers, and which of them are impossible."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, PositiveInt, model_validator

from devsync.domain.model import Model

Rate = Annotated[float, Field(gt=0, le=1)]
"""A share of calls: 0.5 is half of them."""

LONGEST = timedelta(days=30)
"""No wait and no window of a breaker makes sense beyond it."""

LEASE_PATIENCE = timedelta(seconds=5)
"""How long a call waits for a lease; then the entity counts as out of touch, and the process decides by itself."""

PositiveTime = Annotated[timedelta, Field(gt=timedelta(0))]


class BreakerConfig(Model):
    """The rules of one service's breaker. Only counted failures matter: time-outs, network, 5xx, malformed answers.

    Raises ValidationError for impossible numbers, with a sentence that names the cure.
    """

    failure_threshold: PositiveInt = 10
    """This many failures within `monitoring_window` open it."""
    monitoring_window: PositiveTime = timedelta(minutes=15)
    """How far back failures and calls are counted, to one sixtieth of it."""
    recovery_timeout: PositiveTime = timedelta(minutes=5)
    """How long it stays open before probes are let through."""
    half_open_max_calls: Annotated[int, Field(ge=1, le=1000)] = 5
    """Probes at once while half-open, over all workers."""
    success_threshold: PositiveInt = 3
    """Probes that must succeed to close it; one counted failure opens it again."""
    failure_rate_threshold: Rate | None = None
    """This share of failed calls opens it as well; off without it."""
    slow_call_rate_threshold: Rate | None = None
    """This share of slow calls opens it as well; off without it."""
    slow_call_duration: PositiveTime | None = None
    """From this duration on a call is slow."""
    minimum_calls: PositiveInt = 20
    """With fewer calls counted, the rates say nothing."""
    window_calls: Annotated[int, Field(ge=1, le=1000)] | None = None
    """The rates look at this number of last calls; without it, at the calls within `monitoring_window`."""
    recovery_timeout_growth: Annotated[float, Field(ge=1, le=10)] = 1.0
    """Each opening that follows a failed recovery lasts this much longer than the one before."""
    recovery_timeout_maximum: PositiveTime | None = None
    """It grows up to this; needed where it grows."""
    half_open_max_wait: PositiveTime = timedelta(minutes=10)
    """From the first probe on, recovery is decided within this: by then it closes if any succeeded, otherwise it opens
    again."""
    probe_lease: PositiveTime = timedelta(seconds=30)
    """A probe without a result for this long is given back: whoever held it has died."""

    def recovery_timeout_of(self, openings: int) -> timedelta:
        """How long the opening number `openings` (from 1) since it was last closed lasts."""
        if self.recovery_timeout_maximum is None:
            return self.recovery_timeout
        # Past the sixty-fourth the bound has long been reached, and a float would overflow.
        grown = self.recovery_timeout.total_seconds() * self.recovery_timeout_growth ** min(openings - 1, 64)
        return timedelta(seconds=min(grown, self.recovery_timeout_maximum.total_seconds()))

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        for field, problem in impossible(self):
            raise ValueError(f"{field}: {problem}")
        return self


def impossible(config: BreakerConfig) -> Iterator[tuple[str, str]]:
    """The fields that contradict others or reason, each with `what is wrong; what to write`."""
    for name, value in config:
        if isinstance(value, timedelta) and value > LONGEST:
            yield name, f"is longer than {LONGEST.days} days; write a shorter duration"
    if config.slow_call_rate_threshold is not None and config.slow_call_duration is None:
        yield "slow_call_rate_threshold", "nothing says from when on a call is slow; add slow_call_duration"
    if config.window_calls is not None and config.window_calls < config.minimum_calls:
        needed = config.minimum_calls
        yield "window_calls", f"{config.window_calls} calls never reach minimum_calls; write {needed} or more"
    if config.recovery_timeout_growth > 1 and config.recovery_timeout_maximum is None:
        yield "recovery_timeout_growth", "nothing bounds the growth; add recovery_timeout_maximum"
    if config.recovery_timeout_maximum is not None and config.recovery_timeout_maximum < config.recovery_timeout:
        yield "recovery_timeout_maximum", "is less than recovery_timeout; write as much or more"
    if config.half_open_max_wait < config.probe_lease:
        yield "half_open_max_wait", "is less than probe_lease, no probe could end in time; write as much or more"
