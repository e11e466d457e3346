"""Short words for long things, so that the tests read as statements."""

from datetime import UTC, datetime, timedelta
from typing import Any

from devsync.domain.breaker import Breaker, BreakerConfig, BreakerRecord, Outcomes, State, Transition

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def breaker(**config: Any) -> Breaker:
    """Closed, at noon, with the brief's defaults where nothing else is said."""
    return Breaker(BreakerRecord.fresh("github", BreakerConfig(**config), NOON))


def fail(one: Breaker, count: int = 1, at: datetime = NOON, last: str = "503 from GET /repos") -> list[Transition]:
    return one.record(Outcomes(failures=count, last_failure=last), one.standing.generation, at)


def succeed(one: Breaker, count: int = 1, at: datetime = NOON) -> list[Transition]:
    return one.record(Outcomes(successes=count), one.standing.generation, at)


def opened(**config: Any) -> Breaker:
    """Open since noon, after as many failures as it takes."""
    one = breaker(**config)
    fail(one, one.config.failure_threshold)
    assert one.standing.state is State.OPEN
    return one


def half_open(**config: Any) -> tuple[Breaker, datetime]:
    """With the instant at which it became half-open."""
    one = opened(**config)
    at = one.standing.retry_at
    assert at is not None
    one.tick(at)
    assert one.standing.state is State.HALF_OPEN
    return one, at
