"""Policies are merged from a service and its operation, and those that cannot work are refused."""

from datetime import timedelta
from pathlib import Path

import pytest

from devsync.contracts.policies import OperationPolicy
from devsync.settings.problems import ConfigError
from devsync.settings.services import ServicesConfig, ServiceSettings, read_services

SHIPPED = Path(__file__).parents[2] / "config" / "services.yaml"

VALID = """\
github:
  retry: {initial: 1s, factor: 2, maximum: 60s}
  timeouts: {start_to_close: 1m, schedule_to_close: 1h, heartbeat: 30s, http_read: 10s}
  concurrency: 10
  slots: 64
  operations:
    collect_repository: {retry: {attempts: 3}}
"""


def test_an_operation_overrides_single_values_of_its_service(tmp_path: Path) -> None:
    services = _read(tmp_path, VALID)
    collect, other = services.policy("github", "collect_repository"), services.policy("github", "other")
    assert (collect.retry.attempts, other.retry.attempts) == (3, None)
    assert collect.start_to_close == other.start_to_close == timedelta(minutes=1)
    assert collect.retry.maximum == timedelta(seconds=60)
    assert collect.retry.jitter == "full"


def test_the_shipped_policies_keep_the_rules_of_the_design() -> None:
    services = read_services(SHIPPED).model
    for service in ("github", "jira"):
        collect = services.policy(service, "collect")
        assert collect.retry.attempts is None
        assert collect.heartbeat == timedelta(seconds=25)
        assert services.service(service).concurrency == 10
    assert services.policy("slack", "find_part").retry.attempts is None
    assert services.policy("local", "record_edition").schedule_to_close == timedelta(days=7)


def test_what_is_not_tried_again_is_a_category_of_errors(tmp_path: Path) -> None:
    text = VALID.replace("maximum: 60s", "maximum: 60s, non_retryable: [database]")
    assert _read(tmp_path, text).policy("github", "collect").retry.non_retryable == ("database",)
    with pytest.raises(ConfigError, match=r'retry.non_retryable\[0\]: .*"authentification".*"authentication"'):
        _read(tmp_path, text.replace("database", "authentification"))


def test_policies_and_services_survive_a_workflow_history() -> None:
    services = read_services(SHIPPED).model
    assert ServicesConfig.model_validate_json(services.model_dump_json()) == services
    policy = services.policy("slack", "send_part")
    assert OperationPolicy.model_validate_json(policy.model_dump_json()) == policy


SLACK = """\
slack:
  retry: {initial: 1s, factor: 2, maximum: 60s}
  timeouts: {start_to_close: 15s, schedule_to_close: 2m}
  concurrency: 10
  slots: 64
  operations:
"""


@pytest.mark.parametrize(
    ("operation", "problem"),
    [
        (
            "send-part: {retry: {attempts: 1}}",
            '7: slack.operations.send-part: is no operation of slack; did you mean "send_part"?',
        ),
        (
            "collect: {timeouts: {start_to_close: 5s}}",
            "7: slack.operations.collect: is no operation of slack; the known ones are find_part, notify, "
            "remove_part or send_part",
        ),
        (
            "send_part: {retry: {attempts: 3}}",
            "7: slack.operations.send_part.retry: a send is tried once, and again by the schedule in delivery.yaml "
            "alone; remove it",
        ),
    ],
)
def test_operations_are_those_of_activities_and_a_send_has_no_retries(
    tmp_path: Path, operation: str, problem: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        _read(tmp_path, f"{SLACK}    {operation}\n")
    assert refused.value.problems == (f"{tmp_path}/services.yaml:{problem}",)


def test_a_send_may_have_time_outs_of_its_own(tmp_path: Path) -> None:
    services = _read(tmp_path, f"{SLACK}    send_part: {{timeouts: {{start_to_close: 20s}}}}\n")
    assert services.policy("slack", "send_part").start_to_close == timedelta(seconds=20)


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
            "heartbeat: 30s",
            "heartbeat: 24s",
            '3: github.timeouts.heartbeat: "24s" is less than one call may take (a probe\'s lease 5s, connecting 10s, '
            'reading 10s); write "25s" or more',
        ),
        (
            "heartbeat: 30s, http_read: 10s",
            "heartbeat: 8s, http_read: 2s",
            '3: github.timeouts.heartbeat: "8s" is less than one call may take (a probe\'s lease 5s, connecting 2s, '
            'reading 2s); write "9s" or more',
        ),
        (
            "attempts: 3",
            "attempts: 3}, timeouts: {heartbeat: 2s",
            '7: github.operations.collect_repository.timeouts.heartbeat: "2s" is less than one call may take '
            '(a probe\'s lease 5s, connecting 10s, reading 10s); write "25s" or more',
        ),
        (
            "http_read: 10s",
            "http_read: 30s",
            '3: github.timeouts.http_read: "30s" is too long, threads cannot be interrupted; write "10s"',
        ),
        ("concurrency: 10", "concurrency: 0", "4: github.concurrency: 0 is too small; write a number above 0"),
        (
            "http_read: 10s",
            "http_connect: 5s",
            "3: github.timeouts.http_connect: has no effect at github; remove it",
        ),
        (
            "attempts: 3",
            "attempts: 3}, timeouts: {http_read: 5s",
            "7: github.operations.collect_repository.timeouts.http_read: has no effect:"
            " one client serves all operations; "
            "write it at the service",
        ),
        ("  slots: 64\n", "", "1: github.slots: is missing; add it"),
        ("slots: 64", "slots: many", '5: github.slots: "many" is not a whole number; write one'),
        (
            "slots: 64",
            "slots: 64\n  rate_per_second: 0",
            "6: github.rate_per_second: 0 is too small; write a number above 0",
        ),
        (
            "attempts: 3",
            "attempts: 0",
            "7: github.operations.collect_repository.retry.attempts: 0 is too small; write a number above 0",
        ),
        (
            "attempts: 3",
            "atempts: 3",
            '7: github.operations.collect_repository.retry.atempts: is not a known key; did you mean "attempts"?',
        ),
        (
            "attempts: 3",
            "jitter: some",
            '7: github.operations.collect_repository.retry.jitter: "some" is not a known jitter; write full or none',
        ),
        (
            "attempts: 3",
            "maximum: 10ms",
            '7: github.operations.collect_repository.retry.maximum: "10ms" is less than initial; write "1s" or more',
        ),
        (
            "attempts: 3",
            "initial: 2m",
            '7: github.operations.collect_repository.retry.maximum: "1m" is less than initial; write "2m" or more',
        ),
    ],
)
def test_a_policy_that_cannot_work_is_refused(tmp_path: Path, old: str, new: str, problem: str) -> None:
    assert old in VALID
    with pytest.raises(ConfigError) as refused:
        _read(tmp_path, VALID.replace(old, new, 1))
    assert refused.value.problems == (f"{tmp_path}/services.yaml:{problem}",)


def test_at_jira_the_two_time_outs_of_a_call_are_apart(tmp_path: Path) -> None:
    jira = VALID.replace("github", "jira").replace("collect_repository", "collect_project")
    fitting = jira.replace("heartbeat: 30s", "heartbeat: 16s, http_connect: 1s")
    assert _read(tmp_path, fitting).policy("jira", "collect_project").heartbeat == timedelta(seconds=16)
    with pytest.raises(ConfigError, match=r"\(a probe's lease 5s, connecting 2s, reading 10s\); write \"17s\" or more"):
        _read(tmp_path, fitting.replace("http_connect: 1s", "http_connect: 2s"))


@pytest.mark.parametrize("service", ["slack", "local"])
def test_who_gives_no_signs_of_life_has_no_heartbeat(tmp_path: Path, service: str) -> None:
    line = "timeouts: {start_to_close: 1m, schedule_to_close: 1h, heartbeat: 30s}"
    text = f"{service}:\n  retry: {{initial: 1s, factor: 2, maximum: 60s}}\n  {line}\n  slots: 4\n"
    with pytest.raises(
        ConfigError, match=rf"3: {service}.timeouts.heartbeat: nothing at {service} gives signs of life"
    ):
        _read(tmp_path, text)


@pytest.mark.parametrize(
    ("service", "line", "field"),
    [
        ("slack", "  timeouts: {start_to_close: 1m, schedule_to_close: 1h, http_connect: 5s}", "timeouts.http_connect"),
        ("local", "  timeouts: {start_to_close: 1m, schedule_to_close: 1h, http_read: 5s}", "timeouts.http_read"),
        ("local", "  timeouts: {start_to_close: 1m, schedule_to_close: 1h}\n  concurrency: 3", "concurrency"),
    ],
)
def test_what_a_service_does_not_read_is_refused(tmp_path: Path, service: str, line: str, field: str) -> None:
    text = f"{service}:\n  retry: {{initial: 1s, factor: 2, maximum: 60s}}\n{line}\n  slots: 4\n"
    with pytest.raises(ConfigError, match=rf"{service}\.{field}: has no effect at {service}; remove it$"):
        _read(tmp_path, text)


def test_jira_takes_both_time_outs_and_local_needs_no_concurrency() -> None:
    services = read_services(SHIPPED).model
    assert services.service("jira").http_connect == timedelta(seconds=5)
    assert services.service("local").concurrency == ServiceSettings.model_fields["concurrency"].default
