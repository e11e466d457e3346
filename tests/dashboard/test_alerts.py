"""Alerts: whose are shown to whom, who takes one, mutes and maintenance windows, and what is refused."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from dashboard import templating
from dashboard.pages import alerts
from devsync.contracts import names
from devsync.domain.health.book import Alert
from devsync.storage.alerts import Alerts
from tests.dashboard.conftest import House
from tests.domain.health.makers import calls, due
from tests.storage.test_alerts import MISSING, NOON, RESOLVED, alert, record
from tests.workflows.monitor_stage import Channels, Stage, World, monitor_stage, served

pytestmark = pytest.mark.timeout(120)

RATE, LATE = "error_rate:github", "edition_missing:payments:2026-W47"


@pytest.fixture
async def stage(house: House) -> AsyncIterator[Stage]:
    """A service fails, and a team's edition is missing."""
    async with monitor_stage(house.site.temporal) as stage:
        stage.world.is_now(services=(calls("github", failures=50),), due=(due("payments"),))
        await stage.start()
        await stage.until(lambda view: {RATE, LATE} <= {one.key for one in view.alerts})
        yield stage


async def alert_of(stage: Stage, key: str) -> Alert:
    return next(one for one in (await stage.view()).alerts if one.key == key)


async def state_of(stage: Stage, key: str) -> str:
    return (await alert_of(stage, key)).state.value


async def test_each_sees_their_teams_alerts_and_who_sees_every_team_the_rest(house: House, stage: Stage) -> None:
    shown = {name: (await (await house.visitor(name)).get("/alerts")).text for name in ("anna", "ben", "root")}
    assert (RATE in shown["anna"], LATE in shown["anna"]) == (False, True)
    assert (RATE in shown["ben"], LATE in shown["ben"]) == (False, False)
    assert (RATE in shown["root"], LATE in shown["root"]) == (True, True)
    assert "GitHub: 50.0 % of 100 attempts failed, more than 5 %" in shown["root"]


async def test_an_alert_tells_what_was_counted_and_leads_where_its_cause_is_seen(house: House, stage: Stage) -> None:
    shown = (await (await house.visitor("root")).get("/alerts")).text
    (rate,) = [one for one in (await stage.view()).alerts if one.key == RATE]
    assert rate.counted
    assert f"Counted: 50 of 100 attempts failed, {rate.counted.over.start:%Y-%m-%d %H:%M} to " in shown
    assert 'href="/errors?service=github&amp;from=' in shown
    for page in ("/deliveries?team=payments&amp;week=2026-W47", "/teams/payments/schedule"):
        assert f'href="{page}"' in (await (await house.visitor("anna")).get("/alerts")).text


def test_what_follows_from_another_alert_leads_there_and_says_that_nobody_is_told_of_both() -> None:
    parts = templating._ENVIRONMENT.get_template("alert_parts.html").module
    follows = alert(follows="breaker_open:github", told_at=NOON, times_told=1)
    shown = parts.alert_story(follows, "UTC")  # type: ignore[attr-defined]
    assert 'told by <a href="/alerts#breaker_open%3Agithub">breaker_open:github</a>' in shown
    assert "told 1 time" not in shown


async def test_a_page_of_before_takes_nothing_that_fires_anew(house: House, stage: Stage) -> None:
    """Somebody had it open while the alert ended and fired again."""
    anna, old = await house.visitor("anna"), f"{LATE}@20200101T000000.000000Z"
    shown = await anna.deed("/alerts/acknowledge", "/alerts", alert=old)
    assert "was over, and fires again since" in shown
    assert await state_of(stage, LATE) == "firing"
    assert f'name="alert" value="{(await alert_of(stage, LATE)).id}"' in shown
    assert (await (await house.visitor("ben")).post("/alerts/acknowledge", "/alerts", alert=old)).status_code == 404


async def test_who_takes_one_is_named_and_the_second_is_told_who(house: House, stage: Stage) -> None:
    anna, root = await house.visitor("anna"), await house.visitor("root")
    shown = await anna.deed("/alerts/acknowledge", "/alerts", alert=LATE)
    assert "anna looks after it" in shown
    assert await state_of(stage, LATE) == "acknowledged"
    assert "anna has acknowledged it already" in await root.deed("/alerts/acknowledge", "/alerts", alert=LATE)


async def test_another_teams_alert_is_not_there_to_be_taken(house: House, stage: Stage) -> None:
    for name, key, code in (("ben", LATE, 404), ("anna", RATE, 404), ("cleo", LATE, 403), ("anna", "nothing", 404)):
        answer = await (await house.visitor(name)).post("/alerts/acknowledge", "/alerts", alert=key)
        assert answer.status_code == code, (name, key)
    assert await state_of(stage, LATE) == "firing"


async def test_a_mute_holds_for_its_time_with_reason_and_ends_when_somebody_ends_it(house: House, stage: Stage) -> None:
    root = await house.visitor("root")
    shown = await root.deed("/alerts/mute", "/alerts", pattern=RATE, minutes="30", reason="we know")
    assert "we know" in shown
    (mute,) = (await stage.view()).mutes
    assert (mute.pattern, mute.by, mute.until - mute.since) == (RATE, "root", timedelta(minutes=30))
    assert "Unmute" in shown
    await root.deed("/alerts/unmute", "/alerts", pattern=RATE)
    assert (await stage.view()).mutes == ()
    assert f"{RATE} is not muted" in await root.deed("/alerts/unmute", "/alerts", pattern=RATE)


async def test_a_maintenance_window_begins_when_it_says_in_utc(house: House, stage: Stage) -> None:
    begins = (datetime.now(UTC) + timedelta(days=1)).replace(second=0, microsecond=0, tzinfo=None)
    root = await house.visitor("root")
    await root.deed(
        "/alerts/mute", "/alerts", pattern="*", minutes="120", reason="a move", since=f"{begins:%Y-%m-%dT%H:%M}"
    )
    (mute,) = (await stage.view()).mutes
    assert (mute.since, mute.pattern) == (begins.replace(tzinfo=UTC), "*")


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"pattern": "*", "minutes": "30"}, "the reason is empty"),
        ({"pattern": "*", "minutes": "0", "reason": "x"}, "is too small; write 1 or more"),
        ({"pattern": "*", "minutes": "99999999", "reason": "x"}, "is too large; write 43200 or less"),
        ({"minutes": "30", "reason": "x"}, "pattern: is missing; add it"),
        ({"pattern": "*", "minutes": "30", "reason": "x", "since": "soon"}, '"soon" is no time'),
        ({"pattern": "*", "minutes": "30", "reason": "x", "since": "2020-01-01T00:00"}, "over before it begins"),
    ],
)
async def test_what_makes_no_sense_is_told_and_mutes_nothing(
    house: House, stage: Stage, fields: dict[str, str], why: str
) -> None:
    shown = await (await house.visitor("root")).deed("/alerts/mute", "/alerts", **fields)
    assert 'role="alert"' in shown
    assert why in shown.replace("&#34;", '"')
    assert (await stage.view()).mutes == ()


@pytest.mark.parametrize("name", ["anna", "cleo"])
async def test_only_who_operates_every_team_mutes(house: House, name: str) -> None:
    visitor = await house.visitor(name)
    for deed in ("mute", "unmute"):
        answer = await visitor.post(f"/alerts/{deed}", "/alerts", pattern="*", minutes="30", reason="x")
        assert answer.status_code == 403


async def test_without_a_monitor_the_page_shows_what_is_on_record(house: House) -> None:
    records = Alerts(house.site.database)
    await records.write(record((NOON, alert())))
    await records.write(record((NOON, MISSING.model_copy(update={"team": "payments"}))))
    await records.write(
        record(
            (NOON, alert(id="old@1", key="old:one", summary="it was slow")),
            (NOON, RESOLVED.model_copy(update={"id": "old@1", "key": "old:one", "summary": "it was slow"})),
        )
    )
    root, anna = await house.visitor("root"), await house.visitor("anna")
    shown = (await root.get("/alerts")).text
    assert "this page asks again by itself" in shown
    assert "error_rate:github" in shown.partition('id="kept"')[0]
    assert "old:one" not in shown.partition('id="kept"')[0]
    assert "old:one" in shown
    assert shown.count('id="old:one"') == 1, "its anchor is the last time that it fired"
    assert shown.count('id="error_rate:github"') == 1
    assert "Acknowledge</button>" not in shown
    own = (await anna.get("/alerts")).text
    assert ("edition_missing:core" in own, "error_rate:github" in own) == (True, False)
    resolved = (await root.get("/alerts?state=resolved")).text.partition('id="kept"')[2]
    assert ("old:one" in resolved, "error_rate:github" in resolved) == (True, False)


async def test_a_monitor_that_was_ended_is_not_asked_for_what_it_knew(house: House, stage: Stage) -> None:
    await house.site.temporal.get_workflow_handle(names.MONITOR_ID).terminate("its test is over")
    shown = (await (await house.visitor("root")).get("/alerts")).text
    assert "The monitor does not run; start it: python starter.py apply" in shown
    assert RATE not in shown


async def test_a_monitor_that_nobody_works_for_is_not_waited_for(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker has just gone: the server still hopes for it."""
    monkeypatch.setattr(alerts, "PATIENCE_SECONDS", 1.0)
    await Alerts(house.site.database).write(record((NOON, alert())))
    root = await house.visitor("root")
    stage = Stage(house.site.temporal, World(), Channels())
    async with served(stage):
        await stage.start()
    try:
        began = time.monotonic()
        shown = (await root.get("/alerts")).text
        took = time.monotonic() - began
    finally:
        await stage.handle.terminate("its test is over")
    assert "No answer within 1 s from the monitor" in shown
    assert "error_rate:github" in shown.partition('id="kept"')[0]
    assert took < 4, "seconds, of which one is the monitor's"
