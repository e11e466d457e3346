"""The `breaker:` part of a service in config/services.yaml: the machine's numbers as people write them."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from devsync.domain.breaker import BreakerConfig
from devsync.domain.breaker.config import impossible
from devsync.settings.durations import PositiveDuration
from devsync.settings.problems import problem_at

_DEFAULT = BreakerConfig()


class BreakerSettings(BreakerConfig):
    """When calls to the service are refused, and how it comes back."""

    monitoring_window: PositiveDuration = _DEFAULT.monitoring_window
    recovery_timeout: PositiveDuration = _DEFAULT.recovery_timeout
    slow_call_duration: PositiveDuration | None = None
    recovery_timeout_maximum: PositiveDuration | None = None
    half_open_max_wait: PositiveDuration = _DEFAULT.half_open_max_wait
    probe_lease: PositiveDuration = _DEFAULT.probe_lease

    def config(self) -> BreakerConfig:
        """As the machine and its messages know it."""
        return BreakerConfig.model_validate(self.model_dump())

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        for field, problem in impossible(self):
            raise problem_at(problem, field)
        return self
