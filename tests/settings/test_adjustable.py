"""The settings that recommendations may change, read from those that the product ships."""

from datetime import timedelta
from typing import Any

import pytest

from commands.stack import ROOT
from devsync.settings.adjustable import service_numbers, usual_refresh
from devsync.settings.services import read_services
from devsync.settings.team import TeamConfig


def test_the_numbers_of_each_service_that_is_called_over_a_network() -> None:
    numbers = service_numbers(read_services(ROOT / "config" / "services.yaml").model)
    assert "local" not in numbers
    github = numbers["github"]
    assert (github.concurrency, github.slots, github.credential) == (10, 64, "GITHUB_TOKEN")
    assert (github.http_read, github.retry_maximum) == (timedelta(seconds=10), timedelta(seconds=60))
    assert github.breaker is not None
    assert github.breaker.failure_threshold == 10
    assert (numbers["calendar"].breaker, numbers["calendar"].credential) == (None, "")


def team(name: str, every: str, **changes: Any) -> TeamConfig:
    values: dict[str, Any] = {
        "team": name,
        "timezone": "Europe/Berlin",
        "schedule": {"day": "monday", "time": "09:00"},
        "refresh": {"every": every},
        "github": {"repositories": ["acme/api"]},
        "channels": [{"kind": "slack", "channel": "#payments"}],
    }
    return TeamConfig.model_validate(values | changes)


@pytest.mark.parametrize(
    ("teams", "hours"),
    [
        ([], 6),
        ([team("a", "3h"), team("b", "3h"), team("c", "12h")], 3),
        ([team("a", "12h"), team("b", "4h")], 4),
        ([team("a", "12h"), team("b", "4h", schedule=None), team("c", "4h", refresh={"enabled": False})], 12),
    ],
)
def test_sources_are_asked_as_often_as_most_teams_say(teams: list[TeamConfig], hours: int) -> None:
    assert usual_refresh(teams) == timedelta(hours=hours)
