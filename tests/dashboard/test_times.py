"""Times: on the clocks of the team that they are about, with the zone told; of no team or of several, in UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dashboard.pages.runs import changes
from dashboard.templating import ago, lasting, moment, took
from devsync.storage.alerts import Alerts
from tests.dashboard.conftest import House
from tests.dashboard.test_runs import PAGE, opened, write
from tests.storage.test_alerts import alert, record

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ("UTC", "2026-11-23 12:00 UTC"),
        ("Europe/Berlin", "2026-11-23 13:00 CET"),
        ("America/New_York", "2026-11-23 07:00 EST"),
        ("Asia/Dubai", "2026-11-23 16:00 UTC+04:00"),
        ("Asia/Kathmandu", "2026-11-23 17:45 UTC+05:45"),
    ],
)
def test_a_time_tells_its_zone(zone: str, words: str) -> None:
    assert moment(NOON, zone) == (
        f'<time datetime="2026-11-23T12:00:00+00:00" title="2026-11-23 12:00 UTC">{words}</time>'
    )
    assert moment(NOON) == moment(NOON, "UTC")


async def test_what_is_about_a_team_is_told_in_its_zone_and_the_rest_in_utc(house: House) -> None:
    house.change_team(timezone="America/New_York")
    await write(house)
    await Alerts(house.site.database).write(record((NOON, alert(team="payments", opened_at=NOON))))
    await Alerts(house.site.database).write(record((NOON, alert(id="all@1", key="all:one", opened_at=NOON))))
    root = await house.visitor("root")
    assert "EST</time>" in (await root.get("/editions")).text
    assert "2026-11-23 07:00 EST" in (await root.get(PAGE)).text
    shown = (await root.get("/alerts")).text
    assert "2026-11-23 07:00 EST" in shown
    assert "2026-11-23 12:00 UTC</time>" in shown


async def test_what_moves_by_itself_is_told_in_the_zone_of_now(house: House) -> None:
    house.change_team(timezone="America/New_York")
    assert (await house.site.watch.now()).teams["payments"].timezone == "America/New_York"
    house.change_team(timezone="Asia/Tokyo")
    async with opened(house, "2025-W04"):
        assert "JST</time>" in await anext(changes(house.site, "payments", "2025-W04", ""))


def test_several_teams_have_a_zone_where_they_share_one(house: House) -> None:
    zone_of = house.site.configuration.zone_of
    assert zone_of("payments", "payments") == "Europe/Berlin"
    assert zone_of("payments", "unknown") == zone_of("") == zone_of() == "UTC"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0.0 s"), (0.0004, "0.4 ms"), (0.04, "40 ms"), (0.3, "0.3 s"), (12, "12 s"), (7_800, "2 h 10 min")],
)
def test_a_duration_has_its_unit(seconds: float, words: str) -> None:
    assert took(seconds) == words


def test_how_long_ago_changes_once_a_minute() -> None:
    assert [ago(timedelta(seconds=one)) for one in (-1, 0, 59, 60, 119, 7_500)] == [
        "just now", "just now", "just now", "1 min ago", "1 min ago", "2 h 5 min ago",
    ]  # fmt: skip


def test_words_for_what_lies_back() -> None:
    assert [lasting(timedelta(hours=one)) for one in (0.5, 1, 24, 168)] == ["30 min", "hour", "day", "7 days"]
