"""The monitor goes on, whatever happens and whatever is said to it; hours pass in milliseconds."""

from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError

from devsync.contracts.monitor import MonitorAnswer
from tests.domain.health.makers import calls
from tests.workflows.monitor_stage import BROKEN, FAILING, MINUTE, SETTINGS, Stage

pytestmark = pytest.mark.timeout(120)

AWAY = {"database": "it is away"}


async def test_a_look_that_fails_is_told_and_the_next_one_is_as_ever(stage: Stage) -> None:
    await stage.start()
    stage.world.failure = BROKEN
    await stage.wait(2 * MINUTE)
    assert stage.titles == ["Alert (high): the monitor cannot look: the look broke"]
    assert "Could not look" in await stage.details()
    stage.world.failure = None
    await stage.wait(5 * MINUTE)
    assert stage.titles == ["Resolved: the monitor cannot look: the look broke"]
    assert (await stage.details()).startswith("### Healthy, 0 alerts open")


async def test_what_fires_is_not_resolved_by_a_look_that_sees_nothing(stage: Stage) -> None:
    stage.world.is_now(**FAILING)
    await stage.start()
    await stage.wait(2 * MINUTE)
    stage.world.is_now(services=None, unread={"database": "it is away"})
    await stage.wait(20 * MINUTE)
    view = await stage.view()
    assert {alert.key for alert in view.open_ones} >= {"error_rate:github", "blind:database"}


async def test_the_sum_of_what_fails_is_not_over_because_a_part_of_it_cannot_be_seen(stage: Stage) -> None:
    several = {"services": (calls(failures=20), calls("jira", failures=20))}
    stage.world.is_now(**several)
    await stage.start()
    await stage.wait(5 * MINUTE)
    before = {alert.key for alert in (await stage.view()).open_ones}
    assert before == {"error_rate:github", "error_rate:jira", "health:overall"}
    stage.world.is_now(services=None, unread=AWAY)
    await stage.wait(20 * MINUTE)
    assert {alert.key for alert in (await stage.view()).open_ones} == before | {"blind:database"}
    assert not [title for title in stage.titles if title.startswith("Resolved")]


async def test_a_database_that_is_away_is_not_back_because_nobody_could_look(stage: Stage) -> None:
    stage.world.is_now(services=None, unread=AWAY)
    await stage.start()
    await stage.wait(2 * MINUTE)
    stage.world.failure = BROKEN
    await stage.wait(20 * MINUTE)
    assert {alert.key for alert in (await stage.view()).open_ones} == {"blind:database", "blind:monitor"}


async def test_a_database_that_takes_nothing_and_then_is_away_is_one_message_until_both_are_over(stage: Stage) -> None:
    stage.world.is_now(unwritten="it is read-only")
    await stage.start()
    await stage.wait(2 * MINUTE)
    assert stage.titles == ["Alert (high): nothing is written down: it is read-only"]
    stage.world.is_now(services=None, unread=AWAY)
    await stage.wait(10 * MINUTE)
    assert stage.titles == ["Alert (high): the monitor cannot see: it is away"], "changed in place"
    stage.world.is_now(unwritten="it is read-only")
    await stage.wait(10 * MINUTE)
    assert stage.titles == ["Alert (high): nothing is written down: it is read-only"]
    stage.world.is_now()
    await stage.wait(5 * MINUTE)
    assert stage.titles == ["Resolved: nothing is written down: it is read-only"]


async def test_without_the_database_people_are_told_and_records_follow(stage: Stage) -> None:
    stage.world.is_database_away = True
    stage.world.is_now(**FAILING)
    await stage.start()
    await stage.wait(10 * MINUTE)
    assert len(stage.titles) == 1
    assert (await stage.view()).unrecorded > 0
    stage.world.is_database_away = False
    await stage.wait(5 * MINUTE)
    assert (await stage.view()).unrecorded == 0
    assert ("error_rate:github", "firing") in stage.world.history


# What people say.

NONSENSE: list[tuple[str, list[Any], str]] = [
    ("acknowledge", [{"by": "anna", "alert": "nothing"}], "there is no alert 'nothing'"),
    ("acknowledge", [{"by": "", "alert": "x"}], "by: "),
    ("acknowledge", [], "not with so many arguments"),
    ("acknowledge", ["anna", "error_rate:github"], "not with so many arguments"),
    ("mute", [{"by": "anna", "pattern": "*", "minutes": 0}], "minutes: "),
    ("mute", [{"by": "anna", "pattern": "*", "minutes": 60, "until": "tomorrow"}], "until: not known here"),
    ("mute", [{"by": "anna", "pattern": "*", "minutes": 60, "since": "2020-01-01T00:00:00Z"}], "over before it begins"),
    ("mute", ["*"], "should be an object"),
    ("unmute", [{"by": "anna", "pattern": "*:jira"}], "*:jira is not muted"),
    ("resolve", [{"by": "anna"}], "not a message of the monitor"),
]


async def test_nonsense_is_recorded_as_refused_and_harms_nothing(stage: Stage) -> None:
    await stage.start()
    for name, arguments, _ in NONSENSE:
        await stage.say(name, *arguments)
    view = await stage.until(lambda view: view.refused_count == len(NONSENSE))
    for (name, _, why), refused in zip(NONSENSE, view.refused, strict=True):
        assert refused.startswith(f"{name}: ")
        assert why in refused
    assert not view.mutes
    looks = len(stage.world.looks)
    await stage.wait(3 * MINUTE)
    assert len(stage.world.looks) > looks


async def test_updates_say_what_came_of_them(stage: Stage) -> None:
    await stage.start()
    window = {"by": "anna", "pattern": "*", "minutes": 60}
    answer = await stage.handle.execute_update("mute", window, result_type=MonitorAnswer)
    assert answer.text.startswith("* is muted until ")
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await stage.handle.execute_update("unmute", {"by": "anna", "pattern": "x"}, result_type=MonitorAnswer)
    assert "x is not muted" in str(refused.value.cause)


# Settings are those of each look.


async def test_switched_off_it_looks_at_nothing_and_comes_back(stage: Stage) -> None:
    stage.world.settings = SETTINGS.model_copy(update={"is_on": False})
    stage.world.is_now(**FAILING)
    await stage.start()
    await stage.wait(10 * MINUTE)
    assert not stage.titles
    assert (await stage.details()).startswith("### Switched off")
    stage.world.settings = SETTINGS
    await stage.wait(2 * MINUTE)
    assert len(stage.titles) == 1


async def test_recommendations_are_asked_for_once_an_hour(stage: Stage) -> None:
    await stage.start()
    await stage.wait(timedelta(hours=5, minutes=30))
    assert sum(look.with_advice for look in stage.world.looks) == 6
