"""The monitor: who is told what, once, until it is over; what people say to it; hours pass in milliseconds."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.testing import WorkflowEnvironment

from devsync.contracts.monitor import MonitorAnswer
from devsync.domain.breaker import State
from devsync.domain.escalation.policy import Target
from devsync.domain.health.snapshot import ErrorKind
from tests.domain.health.makers import HOUR, breaker, calls, due, run
from tests.workflows.escalation_stage import NO_ANSWER, UNKNOWN_CHANNEL, UNREACHABLE
from tests.workflows.monitor_stage import (
    ALERTS,
    BROKEN,
    MINUTE,
    SETTINGS,
    Stage,
    monitor_stage,
)

pytestmark = pytest.mark.timeout(120)

FAILING: dict[str, Any] = {"services": (calls(failures=10),)}


@pytest.fixture
async def stage(own_time: WorkflowEnvironment) -> AsyncIterator[Stage]:
    async with monitor_stage(own_time.client, environment=own_time) as stage:
        yield stage


# One alert, from its beginning to its end.

AWAY = {"database": "it is away"}
EDITION = "the edition of payments 2026-W47 took"
CROSSED: list[tuple[dict[str, Any], str, str, str]] = [
    ({"services": (calls(failures=10),)}, "error_rate:github", "high", "github: 10.0 % of 100 calls failed"),
    ({"editions": (run(seconds=181),)}, "generation_time:editions", "medium", f"{EDITION} 181 s, more than 180 s"),
    ({"editions": (run(memory=2049),)}, "memory:editions", "high", f"{EDITION} 2049 MB, more than 2048 MB"),
    ({"services": (calls(seconds_p95=11),)}, "response_time:github", "medium", "github: one of 20 calls took 11.0 s"),
    ({"breakers": (breaker(state=State.OPEN),)}, "breaker_open:github", "critical", "github: its breaker is open"),
    ({"due": (due(),)}, "edition_missing:payments:2026-W47", "critical", "the edition of payments for 2026-W47 was"),
    ({"services": None, "unread": AWAY}, "blind:database", "high", "the monitor cannot see: it is away"),
]


@pytest.mark.parametrize(("world", "key", "level", "words"), CROSSED, ids=[row[1] for row in CROSSED])
async def test_each_threshold_crossed_is_told_once_and_resolved(
    stage: Stage, world: dict[str, Any], key: str, level: str, words: str
) -> None:
    stage.world.is_now(**world)
    await stage.start()
    await stage.wait(10 * MINUTE)
    about = [title for title in stage.titles if words in title and "the system" not in title]
    assert len(about) == 1
    assert about[0].startswith(f"Alert ({level}): {words}")
    assert (key, "firing") in stage.world.history
    stage.world.is_now()
    await stage.wait(5 * MINUTE)
    assert stage.titles
    assert all(title.startswith("Resolved: ") for title in stage.titles), "each message is changed in place"
    assert [state for told, state in stage.world.history if told == key] == ["firing", "resolved"]
    assert not (await stage.view()).open_ones


async def test_what_goes_on_is_told_again_every_hour_in_its_own_message(stage: Stage) -> None:
    stage.world.is_now(**FAILING)
    await stage.start()
    await stage.wait(3 * HOUR + 10 * MINUTE)
    assert len(stage.titles) == 2, "the error rate, and the health of the whole"
    assert stage.people.notes().count("Still so: github: 10.0 % of 100 calls failed, more than 5 %") == 3


async def test_what_becomes_worse_is_told_at_once(stage: Stage) -> None:
    stage.world.is_now(services=(calls(failures=6),))
    await stage.start()
    await stage.wait(5 * MINUTE)
    stage.world.is_now(services=(calls(failures=20), calls("jira", failures=20)))
    await stage.wait(2 * MINUTE)
    assert any(note.startswith("Worse: the system is critical") for note in stage.people.notes())


async def test_thousands_of_alike_errors_are_one_message(stage: Stage) -> None:
    kinds = (ErrorKind(fingerprint="f1", count=9000, message="503 from GitHub"),)
    stage.world.is_now(services=(calls(failures=9000, of=10000, kinds=kinds),))
    await stage.start()
    await stage.wait(30 * MINUTE)
    (rate,) = [post for post in stage.people.posts.values() if "error_rate" in post.notice.data["rule"]]
    assert "9000 × 503 from GitHub [f1]" in rate.notice.body
    assert rate.notice.fields["Events"] == "9000"


async def test_two_hundred_missing_editions_are_one_message(stage: Stage) -> None:
    late = tuple(due(f"team{number:03}") for number in range(200))
    stage.world.is_now(due=late)
    await stage.start()
    await stage.wait(2 * MINUTE)
    assert sorted(stage.titles)[0] == "Alert (critical): 200 alerts of edition missing"
    assert len(stage.titles) == 2, stage.titles
    stage.world.is_now(due=late[:1])
    await stage.wait(5 * MINUTE)
    (missing,) = [post for post in stage.people.posts.values() if post.notice.data.get("rule") == "edition_missing"]
    assert missing.notice.fields["State"] == "1 firing, 199 resolved"


# It goes on, whatever happens.


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


async def test_without_the_database_people_are_told_and_records_follow(stage: Stage) -> None:
    stage.world.is_database_away = True
    stage.world.is_now(**FAILING)
    await stage.start()
    await stage.wait(10 * MINUTE)
    assert len(stage.titles) == 2
    assert (await stage.view()).unrecorded > 0
    stage.world.is_database_away = False
    await stage.wait(5 * MINUTE)
    assert (await stage.view()).unrecorded == 0
    assert ("error_rate:github", "firing") in stage.world.history


async def test_a_post_without_an_answer_is_looked_for_and_not_posted_again(stage: Stage) -> None:
    stage.people.failures[ALERTS] = [(NO_ANSWER, True), (NO_ANSWER, False)]
    stage.world.is_now(**FAILING)
    await stage.start()
    await stage.wait(10 * MINUTE)
    assert len(stage.titles) == 2
    assert len(set(stage.titles)) == 2, "one arrived and was found, one did not and was posted anew"


async def test_a_channel_that_is_away_holds_up_no_other(stage: Stage) -> None:
    others = (Target(kind="email", target="oncall@acme.dev"), Target(kind="webhook", target="https://pager.acme.dev"))
    stage.world.settings = SETTINGS.model_copy(update={"channels": (*SETTINGS.channels, *others)})
    stage.people.away.add(ALERTS)
    stage.world.is_now(**FAILING)
    await stage.start()
    await stage.wait(5 * MINUTE)
    assert {post.target.target for post in stage.people.posts.values()} == {one.target for one in others}
    view = await stage.view()
    assert [(one.target.target, one.error) for one in view.told] == [(ALERTS, UNREACHABLE.message)]
    stage.people.away.clear()
    await stage.wait(20 * MINUTE)
    assert stage.people.pages().count(ALERTS) == 2
    stage.world.is_now()
    await stage.wait(10 * MINUTE)
    assert stage.people.mails("oncall@acme.dev").count("Resolved") == 2


async def test_a_channel_that_refused_is_tried_again_at_the_next_reminder(stage: Stage) -> None:
    stage.people.failures[ALERTS] = [(UNKNOWN_CHANNEL, False), (UNKNOWN_CHANNEL, False)]
    stage.world.is_now(**FAILING)
    await stage.start()
    await stage.wait(30 * MINUTE)
    assert not stage.titles
    assert "Not reached: \\#alerts (**unreached**): channel\\_not\\_found" in await stage.details()
    await stage.wait(HOUR)
    assert len(stage.titles) == 2


# What people say.


async def test_who_acknowledges_is_not_reminded_and_the_message_says_so(stage: Stage) -> None:
    stage.world.is_now(**FAILING)
    await stage.start()
    await stage.wait(2 * MINUTE)
    await stage.say("acknowledge", {"by": "anna", "alert": "error_rate:github"})
    await stage.wait(3 * HOUR)
    assert [title for title in stage.titles if title.startswith("Acknowledged by anna: github: 10.0 %")]
    assert not [note for note in stage.people.notes() if note.startswith("Still so: github")]
    assert ("error_rate:github", "acknowledged") in stage.world.history


async def test_in_a_maintenance_window_nobody_is_told_until_it_is_over(stage: Stage) -> None:
    await stage.start()
    await stage.say("mute", {"by": "anna", "pattern": "*", "minutes": 60, "reason": "the database moves"})
    stage.world.is_now(**FAILING)
    await stage.wait(50 * MINUTE)
    assert not stage.titles
    view = await stage.view()
    assert {alert.key for alert in view.alerts} == {"error_rate:github", "health:overall"}
    assert "Muted: `\\*`" in await stage.details()
    await stage.wait(15 * MINUTE)
    assert len(stage.titles) == 2
    (entry,) = [one for batch in stage.world.records for one in batch.entries if one.action == "muted"]
    assert (entry.actor, entry.outcome, entry.context["reason"]) == ("anna", "*", "the database moves")


async def test_what_was_wrong_in_a_window_and_is_over_by_its_end_is_never_told(stage: Stage) -> None:
    await stage.start()
    await stage.say("mute", {"by": "anna", "pattern": "*", "minutes": 60})
    stage.world.is_now(**FAILING)
    await stage.wait(20 * MINUTE)
    stage.world.is_now()
    await stage.wait(2 * HOUR)
    assert not stage.titles
    assert ("error_rate:github", "resolved") in stage.world.history


async def test_an_unmuted_alert_is_told_at_the_next_look(stage: Stage) -> None:
    await stage.start()
    await stage.say("mute", {"by": "anna", "pattern": "*:github", "minutes": 600})
    stage.world.is_now(**FAILING)
    await stage.wait(5 * MINUTE)
    assert not any("github: 10.0" in title for title in stage.titles if title.startswith("Alert (high)"))
    await stage.say("unmute", {"by": "anna", "pattern": "*:github"})
    await stage.wait(2 * MINUTE)
    assert any(title.startswith("Alert (high): github: 10.0 %") for title in stage.titles)


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
    assert len(stage.titles) == 2


async def test_without_alerting_alerts_are_kept_and_nobody_is_told(stage: Stage) -> None:
    silent = SETTINGS.policy.model_copy(update={"is_silent": True})
    stage.world.settings = SETTINGS.model_copy(update={"policy": silent})
    stage.world.is_now(**FAILING)
    await stage.start()
    await stage.wait(2 * HOUR)
    assert not stage.titles
    assert (await stage.view()).alerts
    assert ("error_rate:github", "firing") in stage.world.history


async def test_recommendations_are_asked_for_once_an_hour(stage: Stage) -> None:
    await stage.start()
    await stage.wait(timedelta(hours=5, minutes=30))
    assert sum(look.with_advice for look in stage.world.looks) == 6
