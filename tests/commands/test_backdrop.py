"""A demo's schedule does not fire while its story is told, and its past is made of the weeks before."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from commands.backdrop import QUIET, quiet_day, set_the_scene, weeks_before
from devsync.settings.configuration import load_configuration
from tests.configuration import shipped_settings

BERLIN = "Europe/Berlin"


def berlin(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=ZoneInfo(BERLIN)).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (berlin(29, 21, 45), "monday"),  # a Sunday evening
        (berlin(30, 5, 59), "monday"),
        (berlin(30, 6, 1), "tuesday"),
        (berlin(30, 8, 59), "tuesday"),
        (berlin(30, 9), "monday"),  # the next one is a week away
        (berlin(25, 12), "monday"),
    ],
)
def test_the_weekly_time_is_monday_unless_that_is_near(now: datetime, day: str) -> None:
    assert quiet_day(now, BERLIN) == day


def test_whenever_a_demo_begins_nothing_fires_within_three_hours(tmp_path: Path) -> None:
    shipped_settings(tmp_path)
    (tmp_path / "teams").mkdir(exist_ok=True)
    schedule = {"day": "monday", "time": "09:00", "jitter": "2m"}
    team: dict[str, Any] = {"team": "payments", "timezone": BERLIN, "schedule": schedule}
    team |= {"github": {"repositories": ["acme/ledger"]}, "channels": [{"kind": "slack", "channel": "#payments"}]}
    (tmp_path / "teams" / "payments.yaml").write_text(yaml.safe_dump(team))
    for hours in range(0, 7 * 24, 2):
        now = datetime(2026, 10, 19, 0, 30, tzinfo=UTC) + timedelta(hours=hours)  # clocks go back that week
        set_the_scene(tmp_path, now, has_outage=False)
        settings = load_configuration(tmp_path).team("payments")
        assert settings.weekly_time.next_due(now)[1] - now > QUIET
        assert not settings.refresh.enabled


@pytest.mark.parametrize("has_outage", [True, False])
def test_the_monitor_is_hurried_and_what_else_its_file_says_stays(tmp_path: Path, has_outage: bool) -> None:
    shipped_settings(tmp_path)
    before = yaml.safe_load((tmp_path / "monitoring.yaml").read_text())["changelog_monitoring"]
    set_the_scene(tmp_path, berlin(25, 12), has_outage=has_outage)
    after = yaml.safe_load((tmp_path / "monitoring.yaml").read_text())["changelog_monitoring"]
    assert load_configuration(tmp_path).monitoring.interval == timedelta(seconds=5)
    different = {"monitoring_interval_seconds": 5, "alerts": before["alerts"] | {"resolve_after": "10s"}}
    assert after == before | different | ({"window": "5m"} if has_outage else {})


def test_the_weeks_before_go_back_over_new_year() -> None:
    assert weeks_before("2027-W01") == ["2026-W52", "2026-W53"]
