"""config/monitoring.yaml means what it says, and every mistake is told with its line and its cure."""

from datetime import timedelta
from pathlib import Path

import pytest

from devsync.domain.escalation.policy import Target
from devsync.settings.configuration import load_configuration
from devsync.settings.monitoring import MonitoringSettings, read_monitoring
from devsync.settings.problems import ConfigError
from tests.configuration import SHIPPED, shipped_settings


def read(tmp_path: Path, *lines: str) -> MonitoringSettings:
    path = tmp_path / "monitoring.yaml"
    path.write_text("\n".join(["changelog_monitoring:", *(f"  {line}" for line in lines), ""]))
    return read_monitoring(path).model.changelog_monitoring


def test_the_shipped_file_says_what_holds_without_it() -> None:
    assert read_monitoring(SHIPPED / "monitoring.yaml").model.changelog_monitoring == MonitoringSettings()


def test_the_briefs_defaults() -> None:
    settings = MonitoringSettings()
    assert (settings.interval, settings.limits.error_rate_percentage) == (timedelta(minutes=1), 5)
    assert settings.limits.generation_time_seconds == 180
    assert (settings.limits.memory_usage_mb, settings.limits.api_response_time_seconds) == (2048, 10)


def test_a_threshold_may_be_written_under_either_name(tmp_path: Path) -> None:
    above = read(tmp_path, "error_threshold_percentage: 7.5", "performance_threshold_seconds: 90")
    assert (above.limits.error_rate_percentage, above.limits.generation_time_seconds) == (7.5, 90)
    below = read(tmp_path, "thresholds: {error_rate_percentage: 7.5, generation_time_seconds: 90}")
    assert below.limits == above.limits
    both = read(tmp_path, "error_threshold_percentage: 7.5", "thresholds: {error_rate_percentage: 7.5}")
    assert both.limits.error_rate_percentage == 7.5


def test_channels_are_known_by_their_form(tmp_path: Path) -> None:
    webhook = "{kind: webhook, to: https://pager.acme.dev/x, secret_env: PAGER_SECRET}"
    settings = read(tmp_path, f'alert_channels: ["#alerts", "@anna", oncall@acme.dev, {webhook}]')
    assert settings.targets == (
        Target(kind="slack", target="#alerts"),
        Target(kind="slack", target="@anna"),
        Target(kind="email", target="oncall@acme.dev"),
        Target(kind="webhook", target="https://pager.acme.dev/x", secret_env="PAGER_SECRET"),
    )
    assert settings.kinds == {"slack", "email", "webhook"}


def test_a_worker_serves_what_alerts_go_through(tmp_path: Path) -> None:
    directory = shipped_settings(tmp_path)
    assert not load_configuration(directory).uses("email")
    (directory / "monitoring.yaml").write_text("changelog_monitoring: {alert_channels: [oncall@acme.dev]}\n")
    assert load_configuration(directory).uses("email")


def test_who_is_told_nothing_needs_no_channel(tmp_path: Path) -> None:
    settings = read(tmp_path, "enable_alerting: false", "alert_channels: []")
    assert settings.alert_policy.is_silent
    assert not settings.kinds


WRONG = [
    ("alert_channels: []", "2: changelog_monitoring.alert_channels: is empty, nobody would be told; name one, or"),
    ('alert_channels: ["#a", "#a"]', "2: changelog_monitoring.alert_channels[1]: is listed twice; remove one"),
    ("alert_channels: [nobody]", '2: changelog_monitoring.alert_channels[0].to: "nobody" is nobody in Slack; write'),
    ("monitoring_interval_seconds: 1", "2: changelog_monitoring.monitoring_interval_seconds: 1 is too small; write 5"),
    ("monitoring_interval_seconds: 1m", "2: changelog_monitoring.monitoring_interval_seconds: "),
    ("error_threshold_percentage: nan", "2: changelog_monitoring.error_threshold_percentage: "),
    ("error_threshold_percentage: 0", "2: changelog_monitoring.error_threshold_percentage: 0 is too small"),
    ("error_threshold_percentage: 20.0", "2: changelog_monitoring.error_threshold_percentage: is more than"),
    ("thresholds: {error_rate_percentage: 20}", "2: changelog_monitoring.thresholds: unhealthy_error_rate_percentage"),
    ("window: 30d", "2: changelog_monitoring.window: is not between 5m and 7d; write 1h"),
    ("alerts: {cool_down: 1 hour}", '2: changelog_monitoring.alerts.cool_down: "1 hour" is not a duration; write "1h"'),
    (
        "alerts: {cool_downs: {errors: 1h}}",
        '2: changelog_monitoring.alerts.cool_downs.errors: "errors" is not known here; did',
    ),
    ("enable_alarming: true", "2: changelog_monitoring.enable_alarming: "),
]


@pytest.mark.parametrize(("line", "problem"), WRONG)
def test_what_is_wrong_is_told_with_its_line_and_its_cure(tmp_path: Path, line: str, problem: str) -> None:
    with pytest.raises(ConfigError) as refused:
        read(tmp_path, line)
    assert any(one.startswith(f"{tmp_path}/monitoring.yaml:{problem}") for one in refused.value.problems), (
        refused.value.problems
    )


def test_two_numbers_for_one_threshold_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        read(tmp_path, "error_threshold_percentage: 7", "thresholds:", "  error_rate_percentage: 5")
    assert refused.value.problems == (
        f"{tmp_path}/monitoring.yaml:2: changelog_monitoring.error_threshold_percentage: is another number than "
        "thresholds.error_rate_percentage, which means the same; write one of them",
    )
