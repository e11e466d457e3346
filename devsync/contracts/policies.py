"""The declared policy of one operation, as it is recorded in a plan and turned into activity options."""

from datetime import timedelta
from enum import StrEnum

from devsync.domain.model import Model


class Jitter(StrEnum):
    FULL = "full"
    NONE = "none"


class RetryDeclaration(Model):
    """How Temporal retries. Without `attempts`, `schedule_to_close` of the operation is the budget."""

    initial: timedelta
    factor: float
    maximum: timedelta
    attempts: int | None = None
    jitter: Jitter = Jitter.FULL
    non_retryable: tuple[str, ...] = ()
    """Types of ApplicationError that end the activity at once."""


class OperationPolicy(Model):
    """Retry and time-outs of one operation of one service (config/services.yaml)."""

    retry: RetryDeclaration
    start_to_close: timedelta
    schedule_to_close: timedelta | None = None
    """None: bounded by `retry.attempts`."""
    heartbeat: timedelta | None = None


Policies = dict[str, OperationPolicy]
"""By activity name, such as `github.collect_repository`."""
