"""What `breaker list` and `breaker show` say of a standing, whether or not a worker keeps it up to date."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from commands.breaker.shown import BreakerState
from devsync.domain.breaker import Mode, Standing, State

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LATER = NOON + timedelta(minutes=5)
OPEN = {"state": State.OPEN, "retry_at": LATER}
FORCED = {"state": State.OPEN, "mode": Mode.FORCED_OPEN}
PAUSED = {"paused_until": LATER, "pause_reason": "429"}


def state(**changes: Any) -> BreakerState:
    told: dict[str, Any] = {"reason": "10 failures in 15 min", "actor": "breaker", "changed_at": NOON}
    return BreakerState("github", Standing(service="github", probes_allowed=5, **(told | changes)))


@pytest.mark.parametrize(
    ("standing", "after", "ending"),
    [
        (OPEN, 1, "; next probe at 2026-11-23 12:05:00 UTC"),
        (OPEN, 9, "; next probe due since 2026-11-23 12:05:00 UTC"),
        (FORCED, 1, "; until somebody ends it"),
        (FORCED | {"mode_until": LATER}, 1, "; until 2026-11-23 12:05:00 UTC"),
        (FORCED | {"mode_until": LATER}, 9, "; was to end at 2026-11-23 12:05:00 UTC"),
        (PAUSED, 1, "; paused until 2026-11-23 12:05:00 UTC: 429"),
        (PAUSED, 9, ""),
        ({}, 1, ""),
    ],
)
def test_a_line_says_since_when_why_who_and_what_comes_next(standing: dict[str, Any], after: int, ending: str) -> None:
    said = state(**standing).why(NOON + timedelta(minutes=after))
    assert said == f"since 2026-11-23 12:00:00 UTC: 10 failures in 15 min (breaker){ending}"


def test_what_is_not_called_never_looks_well() -> None:
    assert state().colour == "green"
    assert "green" not in {state(**standing).colour for standing in (OPEN, FORCED, PAUSED)}


def test_a_breaker_that_nobody_has_asked_is_closed() -> None:
    assert BreakerState("github", None).line() == "github closed (no calls yet)"
