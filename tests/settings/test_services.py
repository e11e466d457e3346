"""Policies are merged from a service and its operation, and those that cannot work are refused."""

from datetime import timedelta
from pathlib import Path

import pytest

from devsync.contracts.policies import OperationPolicy
from devsync.domain.breaker import BreakerConfig
from devsync.settings.problems import ConfigError
from devsync.settings.services import ServicesConfig, read_services

SHIPPED = Path(__file__).parents[2] / "config" / "services.yaml"

VALID = """\
github:
  retry: {initial: 1s, factor: 2, maximum: 60s}
  timeouts: {start_to_close: 1m, schedule_to_close: 1h, heartbeat: 30s, http_read: 10s}
  breaker: {failure_threshold: 10, monitoring_window: 15m, recovery_timeout: 5m}
  concurrency: 10
  slots: 64
  operations:
    probe: {retry: {attempts: 3}}
"""


def test_an_operation_overrides_single_values_of_its_service(tmp_path: Path) -> None:
    services = _read(tmp_path, VALID)
    probe, collect = services.policy("github", "probe"), services.policy("github", "collect")
    assert (probe.retry.attempts, collect.retry.attempts) == (3, None)
    assert probe.start_to_close == collect.start_to_close == timedelta(minutes=1)
    assert probe.retry.maximum == timedelta(seconds=60)
    assert probe.retry.jitter == "full"


def test_the_shipped_policies_keep_the_rules_of_the_design() -> None:
    services = read_services(SHIPPED).model
    for service in ("github", "jira"):
        collect = services.policy(service, "collect")
        assert collect.retry.attempts is None
        assert collect.heartbeat == timedelta(seconds=15)
        assert services.service(service).concurrency == 10
    assert services.policy("slack", "send_part").retry.attempts == 1
    assert services.policy("slack", "find_part").retry.attempts != 1
    assert services.policy("local", "record_edition").schedule_to_close == timedelta(days=7)
    for name, service_settings in services.root.items():
        for operation in ("", *service_settings.operations):
            assert "PayloadsTooLarge" in services.policy(name, operation).retry.non_retryable


def test_policies_and_services_survive_a_workflow_history() -> None:
    services = read_services(SHIPPED).model
    assert ServicesConfig.model_validate_json(services.model_dump_json()) == services
    policy = services.policy("slack", "send_part")
    assert OperationPolicy.model_validate_json(policy.model_dump_json()) == policy


def test_an_unknown_service_names_the_known_ones(tmp_path: Path) -> None:
    services = _read(tmp_path, VALID)
    with pytest.raises(ConfigError, match=r'^the service "githup" is not in services.yaml; did you mean "github"\?$'):
        services.policy("githup", "collect")
    with pytest.raises(ConfigError, match=r'^the service "x" is not in services.yaml; the known ones are github$'):
        services.policy("x", "collect")


def _read(folder: Path, text: str) -> ServicesConfig:
    path = folder / "services.yaml"
    path.write_text(text)
    return read_services(path).model


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("initial: 1s, ", "", "2: github.retry.initial: is missing; add it here or at the service"),
        ("start_to_close: 1m, ", "", "3: github.timeouts.start_to_close: is missing; add it here or at the service"),
        (
            "schedule_to_close: 1h, ",
            "",
            "1: github: nothing bounds the retries; add timeouts.schedule_to_close or retry.attempts",
        ),
        ("factor: 2", "factor: 0.5", "2: github.retry.factor: 0.5 is too small; write 1 or more"),
        ("maximum: 60s", "maximum: 60", '2: github.retry.maximum: 60 is not a duration; write "60s"'),
        (
            "maximum: 60s",
            "maximum: 500ms",
            '2: github.retry.maximum: "500ms" is less than initial; write "1s" or more',
        ),
        (
            "schedule_to_close: 1h",
            "schedule_to_close: 30s",
            '3: github.timeouts.schedule_to_close: "30s" is less than start_to_close; write "1m" or more',
        ),
        (
            "heartbeat: 30s",
            "heartbeat: 2m",
            '3: github.timeouts.start_to_close: "1m" is less than heartbeat; write "2m" or more',
        ),
        (
            "http_read: 10s",
            "http_read: 30s",
            '3: github.timeouts.http_read: "30s" is too long, threads cannot be interrupted; write "10s"',
        ),
        ("concurrency: 10", "concurrency: 0", "5: github.concurrency: 0 is too small; write a number above 0"),
        ("  slots: 64\n", "", "1: github.slots: is missing; add it"),
        ("slots: 64", "slots: many", '6: github.slots: "many" is not a whole number; write one'),
        (
            "slots: 64",
            "slots: 64\n  rate_per_second: 0",
            "7: github.rate_per_second: 0 is too small; write a number above 0",
        ),
        (
            "attempts: 3",
            "attempts: 0",
            "8: github.operations.probe.retry.attempts: 0 is too small; write a number above 0",
        ),
        (
            "attempts: 3",
            "atempts: 3",
            '8: github.operations.probe.retry.atempts: is not a known key; did you mean "attempts"?',
        ),
        (
            "attempts: 3",
            "jitter: some",
            '8: github.operations.probe.retry.jitter: "some" is not a known jitter; write full or none',
        ),
        (
            "attempts: 3",
            "maximum: 10ms",
            '8: github.operations.probe.retry.maximum: "10ms" is less than initial; write "1s" or more',
        ),
        (
            "breaker: {",
            "breaker: {failure_treshold: 5, ",
            '4: github.breaker.failure_treshold: is not a known key; did you mean "failure_threshold"?',
        ),
        (
            "failure_threshold: 10",
            "failure_threshold: 0",
            "4: github.breaker.failure_threshold: 0 is too small; write a number above 0",
        ),
        (
            "recovery_timeout: 5m",
            "recovery_timeout: 5",
            '4: github.breaker.recovery_timeout: 5 is not a duration; write "5s"',
        ),
        (
            "recovery_timeout: 5m",
            "failure_rate_threshold: 50",
            "4: github.breaker.failure_rate_threshold: 50 is too large; write 1 or less",
        ),
        (
            "recovery_timeout: 5m",
            "recovery_timeout: 5m, recovery_timeout_growth: 2",
            "4: github.breaker.recovery_timeout_growth: nothing bounds the growth; add recovery_timeout_maximum",
        ),
        (
            "recovery_timeout: 5m",
            "slow_call_rate_threshold: 0.5",
            "4: github.breaker.slow_call_rate_threshold: "
            "nothing says from when on a call is slow; add slow_call_duration",
        ),
        (
            "monitoring_window: 15m",
            "monitoring_window: 60d",
            "4: github.breaker.monitoring_window: is longer than 30 days; write a shorter duration",
        ),
        (
            "attempts: 3",
            "initial: 2m",
            '8: github.operations.probe.retry.maximum: "1m" is less than initial; write "2m" or more',
        ),
    ],
)
def test_a_policy_that_cannot_work_is_refused(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in VALID
    with pytest.raises(ConfigError) as refused:
        _read(tmp_path, VALID.replace(old, new, 1))
    assert refused.value.problems == (f"{tmp_path}/services.yaml:{problem}",)


def test_the_rules_of_a_breaker_are_the_machines(tmp_path: Path) -> None:
    services = _read(tmp_path, VALID)
    assert services.breaker("github") == BreakerConfig()
    quick = _read(tmp_path, VALID.replace("recovery_timeout: 5m", "recovery_timeout: 90s, window_calls: 50"))
    assert quick.breaker("github") == BreakerConfig(recovery_timeout=timedelta(seconds=90), window_calls=50)


def test_every_outside_service_has_a_breaker_whether_or_not_the_file_says_so() -> None:
    services = read_services(SHIPPED).model
    assert services.guarded == ("github", "jira", "slack")
    assert all(services.breaker(name) == BreakerConfig() for name in services.guarded)
    with pytest.raises(
        ConfigError, match=r'^"local" is our own machine and has no breaker; github, jira or slack have'
    ):
        services.breaker("local")


def test_a_breaker_of_our_own_machine_would_be_believed_and_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        _read(tmp_path, VALID.replace("github:", "local:").replace("failure_threshold: 10", "failure_threshold: 5"))
    problem = "4: local.breaker: has no effect at local, which is our own machine; remove it"
    assert refused.value.problems == (f"{tmp_path}/services.yaml:{problem}",)
