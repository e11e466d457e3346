"""Rules that cannot work are refused, with what to write instead."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from devsync.domain.breaker import BreakerConfig, spoken
from tests.domain.breaker.makers import MINUTE, SECOND


def test_the_defaults_are_those_of_the_brief() -> None:
    config = BreakerConfig()
    assert (config.failure_threshold, config.monitoring_window) == (10, 15 * MINUTE)
    assert (config.recovery_timeout, config.half_open_max_calls, config.success_threshold) == (5 * MINUTE, 5, 3)
    assert config.failure_rate_threshold is config.slow_call_rate_threshold is None
    assert config.recovery_timeout_of(1) == config.recovery_timeout_of(1000) == 5 * MINUTE


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"failure_threshold": 0}, "greater than 0"),
        ({"success_threshold": -1}, "greater than 0"),
        ({"half_open_max_calls": 0}, "greater than or equal to 1"),
        ({"monitoring_window": timedelta(0)}, "greater than 0"),
        ({"recovery_timeout": -MINUTE}, "greater than 0"),
        ({"failure_rate_threshold": 1.5}, "less than or equal to 1"),
        ({"slow_call_rate_threshold": 0}, "greater than 0"),
        ({"recovery_timeout_growth": 0.5}, "greater than or equal to 1"),
        ({"recovery_timeout": timedelta.max}, "recovery_timeout: is longer than 30 days; write a shorter duration"),
        (
            {"slow_call_rate_threshold": 0.5},
            "slow_call_rate_threshold: nothing says from when on a call is slow; add slow_call_duration",
        ),
        ({"window_calls": 10}, "window_calls: 10 calls never reach minimum_calls; write 20 or more"),
        (
            {"recovery_timeout_growth": 2},
            "recovery_timeout_growth: nothing bounds the growth; add recovery_timeout_maximum",
        ),
        (
            {"recovery_timeout_maximum": MINUTE},
            "recovery_timeout_maximum: is less than recovery_timeout; write as much or more",
        ),
        ({"half_open_max_wait": SECOND}, "half_open_max_wait: is less than probe_lease"),
    ],
)
def test_the_impossible_is_refused(values: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError) as refused:
        BreakerConfig(**values)
    assert problem in str(refused.value)


def test_a_wait_that_grows_for_ever_stays_at_its_maximum() -> None:
    config = BreakerConfig(recovery_timeout_growth=10, recovery_timeout_maximum=60 * MINUTE)
    assert config.recovery_timeout_of(10**6) == 60 * MINUTE


@pytest.mark.parametrize(
    ("duration", "words"),
    [
        (timedelta(0), "0 s"),
        (timedelta(milliseconds=250), "0.25 s"),
        (30 * SECOND, "30 s"),
        (90 * SECOND, "1 min 30 s"),
        (15 * MINUTE, "15 min"),
        (timedelta(hours=24, seconds=0.4), "1 d"),
        (timedelta(days=1, hours=2, minutes=3), "1 d 2 h 3 min"),
    ],
)
def test_durations_as_people_read_them(duration: timedelta, words: str) -> None:
    assert spoken(duration) == words
