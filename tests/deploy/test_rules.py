"""deploy/prometheus: valid to promtool, alerting when it should, and with the thresholds of the configuration."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from devsync.domain.health.thresholds import Thresholds
from devsync.runtime.metrics.declared import API_CALL, EDITION_GENERATION
from tests.deploy.prometheus import DEPLOY, RULES, program, rules
from tests.docs.test_pages import problems

FOLDER = DEPLOY / "prometheus"
TESTS = FOLDER / "rules_test.yml"
ALERTS = {rule["alert"]: rule for rule in rules() if "alert" in rule}


def promtool(*arguments: str, folder: Path = FOLDER) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program("promtool"), *arguments], cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    "arguments",
    [("check", "config", "prometheus.yml"), ("check", "rules", "rules.yml"), ("test", "rules", "rules_test.yml")],
    ids=" ".join,
)
def test_promtool_accepts(arguments: tuple[str, ...]) -> None:
    done = promtool(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_rule_that_is_turned_round_fails_its_tests(tmp_path: Path) -> None:
    shutil.copy(TESTS, tmp_path)
    broken = RULES.read_text().replace("devsync_edition_overdue) == 1", "devsync_edition_overdue) == 0")
    (tmp_path / RULES.name).write_text(broken)
    assert promtool("test", "rules", TESTS.name, folder=tmp_path).returncode == 1


def test_each_alert_is_seen_firing_in_the_tests() -> None:
    seen = {
        test["alertname"]
        for case in yaml.safe_load(TESTS.read_text())["tests"]
        for test in case["alert_rule_test"]
        if test["exp_alerts"]
    }
    assert seen == set(ALERTS)


def test_thresholds_are_those_of_the_configuration() -> None:
    thresholds = Thresholds()
    expected = {
        "DevSyncErrorRate": [thresholds.error_rate_percentage, float(thresholds.fewest_failures)],
        "DevSyncResponseTime": [thresholds.api_response_time_seconds],
        "DevSyncMemory": [thresholds.memory_usage_mb],
    }
    for alert, numbers in expected.items():
        compared = re.findall(r" (?:>|>=) ([\d.]+)", ALERTS[alert]["expr"])
        assert [float(number) for number in compared] == numbers, alert
    seconds = f"{thresholds.generation_time_seconds:g}"
    (slow,) = (rule for rule in rules() if rule.get("record") == f"devsync:editions_over_{seconds}s:count")
    assert f'le="{seconds}"' in slow["expr"]


def test_thresholds_are_bounds_of_the_histograms_that_they_are_compared_with() -> None:
    thresholds = Thresholds()
    assert thresholds.generation_time_seconds in EDITION_GENERATION.buckets
    assert thresholds.api_response_time_seconds in API_CALL.buckets


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_says_how_bad_it_is_and_what_to_do(alert: str) -> None:
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in {"critical", "high", "medium", "none"}
    assert rule["annotations"]["summary"]
    if action := rule["annotations"].get("action"):
        assert list(problems(re.sub(r"\{\{.*?\}\}", "NAME", action).split())) == []
