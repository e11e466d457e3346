"""What fires now on the overview: by the monitor's word, each person's own, and what of it is clearing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dashboard import picture as pictures
from dashboard.firing import Firing
from dashboard.headline import headline
from dashboard.pages.overview import rendered
from dashboard.picture import Picture
from dashboard.viewer import ANYBODY
from devsync.contracts import names
from devsync.contracts.escalation import EscalationView
from devsync.domain.health.book import Alert, Mute
from tests.dashboard.conftest import House
from tests.dashboard.test_overview import NOW, picture
from tests.domain.health.makers import calls, due
from tests.e2e.stage import PATIENCE_SECONDS
from tests.storage.test_alerts import alert
from tests.workflows.monitor_stage import Stage, monitor_stage

RATE, LATE = "error_rate:github", "edition_missing:payments:2026-W47"
MINUTE = timedelta(minutes=1)


def fires(*alerts: Alert, **known: Any) -> Picture:
    return replace(picture(), firing=Firing(alerts, **known))


def now(seen: Picture, sees: frozenset[str] = ANYBODY.sees) -> str:
    return " ".join(rendered(seen, None, sees)["now"].split())


def test_the_worst_comes_first_and_the_rest_is_counted() -> None:
    many = tuple(alert(id=f"a{number}", key=f"error_rate:s{number:02}") for number in range(12))
    text = now(fires(alert(level="critical", key="breaker_open:jira", summary="jira: open"), *many))
    assert text.index("breaker_open%3Ajira") < text.index("error_rate%3As00")
    assert ("error_rate%3As06" in text, "error_rate%3As07" in text) == (True, False)
    assert '<a href="/alerts">All 13</a>' in text


def test_one_whose_condition_is_over_is_told_to_be_clearing_since_then() -> None:
    since = NOW - MINUTE
    over, still = alert(quiet_since=since), alert(id="b", key="memory:editions", level="medium")
    text = now(fires(over, still))
    clearing = text.partition("clearing since")[2]
    assert clearing.startswith(f' <time datetime="{since.isoformat()}"')
    assert "clearing since" not in clearing
    assert '<span class="hint">1 medium, 1 clearing</span>' in text


def test_one_that_the_alert_of_its_cause_tells_is_no_news() -> None:
    cause = alert(id="b", key="breaker_open:github", level="critical")
    rate = alert(follows=cause.key)
    text = now(fires(cause, rate))
    assert 'told by <a href="/alerts#breaker_open%3Agithub">breaker_open:github</a>' in text
    assert '<span class="hint">1 critical, 1 told by another</span>' in text
    assert (headline(fires(cause, rate)), headline(fires(rate))) == ("All is well, but an alert fires", "All is well")


def test_who_looks_after_one_and_that_it_is_muted_is_told() -> None:
    mute = Mute(pattern="*:github", since=NOW - MINUTE, until=NOW + MINUTE, by="anna")
    text = now(fires(alert(state="acknowledged", acknowledged_by="<b>ben"), mutes=(mute,)))
    assert "&lt;b&gt;ben looks after it; muted" in text


def test_all_is_not_simply_well_while_something_fires_that_is_wrong() -> None:
    firing, other = alert(), alert(id="b", key="memory:editions")
    clearing, advice = alert(quiet_since=NOW), alert(id="c", key="optimisation:x", rule="optimisation", level="low")
    for alerts, words in (
        ((clearing, advice), "All is well"),
        ((firing, advice), "All is well, but an alert fires"),
        ((firing, other), "All is well, but alerts fire"),
    ):
        assert headline(fires(*alerts)) == words
    asked = replace(fires(firing), escalations=(EscalationView(escalation_id="escalation:service:github"),))
    assert headline(asked) == "All is well, but an alert fires and people are asked"


def test_where_nothing_fires_it_says_so_and_shows_no_list() -> None:
    assert "No alert is open." in now(fires())
    assert 'id="alerts"' not in now(fires())


def test_a_monitor_that_does_not_answer_or_look_is_not_taken_for_calm() -> None:
    silent = fires(is_known=False, silence="the monitor does not run; start it: python starter.py apply")
    assert "Nobody can tell which alerts fire: the monitor does not run; start it:" in now(silent)
    assert "Nobody can tell which alerts fire" not in now(picture()), "it is being asked"
    assert "Alerts are switched off by config/monitoring.yaml." in now(fires(is_on=False))
    for unknown in (silent, picture(), fires(is_on=False)):
        assert "No alert is open." not in now(unknown)


def test_each_sees_their_teams_alerts_and_who_sees_every_team_the_rest() -> None:
    seen = fires(alert(), alert(id="b", key=LATE, rule="edition_missing", team="payments"))
    shown = {team: now(seen, frozenset({team})) for team in ("payments", "search", "*")}
    found = {team: ("error_rate%3Agithub" in text, "edition_missing" in text) for team, text in shown.items()}
    assert found == {"payments": (False, True), "search": (False, False), "*": (True, True)}


def test_hostile_words_stay_words() -> None:
    text = now(fires(alert(summary="<script>alert(1)</script> \u202e" + "long " * 50)))
    assert "<script>" not in text
    assert "\u202e" not in text


# By a real monitor.


@pytest.fixture
async def stage(house: House, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """A service fails, and a team's edition is missing. On a machine that has much else to do, it answers all the
    same."""
    monkeypatch.setattr(pictures, "PATIENCE_SECONDS", PATIENCE_SECONDS)
    async with monitor_stage(house.site.temporal) as stage:
        stage.world.is_now(services=(calls("github", failures=50),), due=(due("payments"),))
        stage.world.settings = stage.world.settings.model_copy(update={"interval": timedelta(seconds=1)})
        await stage.start()
        await stage.until(lambda view: {RATE, LATE} <= {one.key for one in view.alerts})
        yield stage


async def test_what_a_monitor_knows_is_shown_on_both_pages(house: House, stage: Stage) -> None:
    stage.world.is_now()
    await stage.until(lambda view: all(one.clearing_since for one in view.open_ones))
    anna, root = await house.visitor("anna"), await house.visitor("root")
    for path in ("/", "/alerts"):
        assert (await anna.get(path)).text.count("clearing since") == 1, path
        assert (await root.get(path)).text.count("clearing since") == 2, path


async def test_a_monitor_that_is_over_is_told_so(house: House, stage: Stage) -> None:
    await house.site.temporal.get_workflow_handle(names.MONITOR_ID).terminate("its test is over")
    shown = (await (await house.visitor("root")).get("/")).text
    assert "Nobody can tell which alerts fire: the monitor does not run" in shown


async def test_nobody_waits_long_for_a_monitor(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    is_over = asyncio.Event()

    async def silence(_: object) -> Firing:
        await is_over.wait()
        return Firing()

    monkeypatch.setattr("dashboard.picture.firing", silence)
    try:
        async with asyncio.timeout(30):
            shown = (await (await house.visitor("root")).get("/")).text
    finally:
        is_over.set()
    assert "All is well" in shown
    assert "No alert is open." not in shown
