"""What an operator types, and what is made of it."""

from datetime import UTC, datetime, timedelta

import pytest

from commands.breaker.decisions import changed, end_of
from commands.console import Exit, Told
from commands.messages import by_me
from devsync.contracts.breaker import Decision
from devsync.domain.breaker import BreakerConfig

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2h", NOON + timedelta(hours=2)),
        ("90s", NOON + timedelta(seconds=90)),
        ("2026-11-30T18:00+01:00", datetime(2026, 11, 30, 17, 0, tzinfo=UTC)),
        ("2026-11-30T18:00Z", datetime(2026, 11, 30, 18, 0, tzinfo=UTC)),
        ("2026-11-30T18:00", datetime(2026, 11, 30, 18, 0).astimezone()),
    ],
)
def test_until_is_a_duration_or_a_time(text: str, expected: datetime) -> None:
    assert end_of(text, NOON) == expected


@pytest.mark.parametrize("text", ["soon", "2 hours", "99999999999d", "18", ""])
def test_another_until_is_refused_with_the_cure(text: str) -> None:
    with pytest.raises(Told, match=r'neither a duration nor a time; write it like "2h" or "2026-11-30T18:00"') as told:
        end_of(text, NOON)
    assert told.value.code is Exit.USAGE


def test_a_decision_without_a_reason_is_refused() -> None:
    with pytest.raises(Told, match=r'^--reason: "  " is empty; write something'):
        by_me(Decision, {"reason": "  "})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("2026-11-23T11:00Z", "--until: 2026-11-23T11:00:00+00:00 is not in the future"),
        ("400d", "is more than 366 days away"),
    ],
)
def test_an_end_that_is_past_or_too_far_away_is_refused_before_the_breaker_is_asked(text: str, problem: str) -> None:
    with pytest.raises(Told) as told:
        end_of(text, NOON)
    assert (problem in str(told.value), told.value.code) == (True, Exit.USAGE), told.value


def test_single_rules_are_changed_as_services_yaml_would_have_them() -> None:
    assert changed(BreakerConfig(), ["failure_threshold=5", "recovery_timeout=90s"]) == BreakerConfig(
        failure_threshold=5, recovery_timeout=timedelta(seconds=90)
    )
    assert changed(BreakerConfig(failure_rate_threshold=0.5), ["failure_rate_threshold=null"]) == BreakerConfig()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("failure_threshold", '--set "failure_threshold" changes nothing; write it like failure_threshold=5'),
        (
            "failure_treshold=5",
            '--set: "failure_treshold" is not a rule of a breaker; did you mean "failure_threshold"?',
        ),
        ("failure_threshold=0", "--set failure_threshold: 0 is too small; write a number above 0"),
        (
            "failure_threshold=[1",
            '--set "failure_threshold=[1" cannot be read as YAML; write it like failure_threshold=5',
        ),
        ("failure_threshold=many", '--set failure_threshold: "many" is not a whole number; write one'),
        ("recovery_timeout=90", '--set recovery_timeout: 90 is not a duration; write "90s"'),
        ("window_calls=10", "--set window_calls: 10 calls never reach minimum_calls; write 20 or more"),
    ],
)
def test_an_impossible_rule_is_refused_with_the_cure(change: str, problem: str) -> None:
    with pytest.raises(Told) as told:
        changed(BreakerConfig(), [change])
    assert str(told.value) == problem
    assert told.value.code is Exit.USAGE
