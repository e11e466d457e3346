"""The `breaker:` part of services.yaml: the machine's rules, and what is said of impossible ones."""

from datetime import timedelta
from pathlib import Path

import pytest

from devsync.domain.breaker import BreakerConfig
from devsync.settings.problems import ConfigError
from devsync.settings.services import ServicesConfig, read_services

SHIPPED = Path(__file__).parents[2] / "config" / "services.yaml"

VALID = """\
github:
  retry: {initial: 1s, factor: 2, maximum: 60s}
  timeouts: {start_to_close: 1m, schedule_to_close: 1h}
  breaker: {failure_threshold: 10, monitoring_window: 15m, recovery_timeout: 5m}
  slots: 64
"""


def _read(folder: Path, text: str) -> ServicesConfig:
    path = folder / "services.yaml"
    path.write_text(text)
    return read_services(path).model


def test_the_rules_of_a_breaker_are_the_machines(tmp_path: Path) -> None:
    assert _read(tmp_path, VALID).breaker("github") == BreakerConfig()
    quick = _read(tmp_path, VALID.replace("recovery_timeout: 5m", "recovery_timeout: 90s, window_calls: 50"))
    assert quick.breaker("github") == BreakerConfig(recovery_timeout=timedelta(seconds=90), window_calls=50)


def test_every_outside_service_has_a_breaker_whether_or_not_the_file_says_so(tmp_path: Path) -> None:
    unsaid = VALID.replace("  breaker: {failure_threshold: 10, monitoring_window: 15m, recovery_timeout: 5m}\n", "")
    assert _read(tmp_path, unsaid).breaker("github") == BreakerConfig()


def test_the_shipped_rules_are_the_defaults_of_the_brief_for_all_but_our_own_machine() -> None:
    services = read_services(SHIPPED).model
    assert services.guarded == ("github", "jira", "slack", "email")
    assert all(services.breaker(name) == BreakerConfig() for name in services.guarded)
    with pytest.raises(
        ConfigError, match=r'^"local" is our own machine and has no breaker; email, github, jira or slack have'
    ):
        services.breaker("local")


def test_a_breaker_of_our_own_machine_would_be_believed_and_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        _read(tmp_path, VALID.replace("github:", "local:").replace("failure_threshold: 10", "failure_threshold: 5"))
    problem = "services.yaml:4: local.breaker: has no effect at local; remove it"
    assert refused.value.problems == (f"{tmp_path}/{problem}",)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (
            "breaker: {",
            "breaker: {failure_treshold: 5, ",
            'failure_treshold: is not a known key; did you mean "failure_threshold"?',
        ),
        ("failure_threshold: 10", "failure_threshold: 0", "failure_threshold: 0 is too small; write a number above 0"),
        ("recovery_timeout: 5m", "recovery_timeout: 5", 'recovery_timeout: 5 is not a duration; write "5s"'),
        (
            "recovery_timeout: 5m",
            "failure_rate_threshold: 50",
            "failure_rate_threshold: 50 is too large; write 1 or less",
        ),
        (
            "recovery_timeout: 5m",
            "recovery_timeout_growth: 2",
            "recovery_timeout_growth: nothing bounds the growth; add recovery_timeout_maximum",
        ),
        (
            "recovery_timeout: 5m",
            "slow_call_rate_threshold: 0.5",
            "slow_call_rate_threshold: nothing says from when on a call is slow; add slow_call_duration",
        ),
        (
            "monitoring_window: 15m",
            "monitoring_window: 60d",
            "monitoring_window: is longer than 30 days; write a shorter duration",
        ),
    ],
)
def test_rules_that_cannot_work_are_refused_with_the_cure(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in VALID
    with pytest.raises(ConfigError) as refused:
        _read(tmp_path, VALID.replace(old, new, 1))
    assert refused.value.problems == (f"{tmp_path}/services.yaml:4: github.breaker.{problem}",)
