"""What the monitor tells: once when it begins, in its own message until it is over; one cause is one message."""

from datetime import datetime
from typing import Any

import pytest

from devsync.domain.breaker import State
from devsync.domain.errors import ErrorCategory
from devsync.domain.escalation.policy import Target
from devsync.domain.health.snapshot import ErrorKind, Failed, ServiceWindow
from tests.domain.health.makers import HOUR, breaker, calls, due, run
from tests.workflows.escalation_stage import NO_ANSWER, UNKNOWN_CHANNEL, UNREACHABLE
from tests.workflows.monitor_stage import ALERTS, FAILING, MINUTE, SETTINGS, Stage

pytestmark = pytest.mark.timeout(120)

AWAY = {"database": "it is away"}
EDITION = "the edition of payments 2026-W47 took"
CROSSED: list[tuple[dict[str, Any], str, str, str]] = [
    ({"services": (calls(failures=10),)}, "error_rate:github", "high", "github: 10.0 % of 100 attempts failed"),
    ({"editions": (run(seconds=181),)}, "generation_time:editions", "medium", f"{EDITION} 181 s, more than 180 s"),
    ({"editions": (run(memory=2049),)}, "memory:editions", "high", f"{EDITION} 2049 MB, more than 2048 MB"),
    (
        {"services": (calls(seconds_p95=11),)},
        "response_time:github",
        "medium",
        "github: one of 20 API calls took 11.0 s",
    ),
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
    (told,) = stage.titles
    assert told.startswith(f"Alert ({level}): {words}")
    assert (key, "firing") in stage.world.history
    stage.world.is_now()
    await stage.wait(5 * MINUTE)
    (told,) = stage.titles
    assert told.startswith("Resolved: "), "the message is changed in place"
    assert [state for told, state in stage.world.history if told == key] == ["firing", "resolved"]
    assert not (await stage.view()).open_ones


async def test_what_goes_on_is_told_again_every_hour_in_its_own_message(stage: Stage) -> None:
    stage.world.is_now(**FAILING)
    await stage.start()
    await stage.wait(3 * HOUR + 10 * MINUTE)
    assert len(stage.titles) == 1, "the health of the whole is what the error rate says"
    assert stage.people.notes().count("Still so: github: 10.0 % of 100 attempts failed, more than 5 %") == 3


def of_all(failures: int, of: int) -> dict[str, Any]:
    """A few failures of each service: no service has an error rate by itself."""
    return {"services": tuple(calls(name, failures, of) for name in ("email", "github", "jira", "slack"))}


async def test_what_no_other_alert_says_is_told_as_the_health_of_the_whole(stage: Stage) -> None:
    stage.world.is_now(**of_all(failures=2, of=20))
    await stage.start()
    await stage.wait(5 * MINUTE)
    assert stage.titles == ["Alert (medium): the system is degraded: 8 of all 80 attempts failed"]
    stage.world.is_now()
    await stage.wait(5 * MINUTE)
    assert stage.titles == ["Resolved: the system is degraded: 8 of all 80 attempts failed"]


async def test_that_several_services_fail_is_told_beside_what_is_told_of_each(stage: Stage) -> None:
    stage.world.is_now(services=(calls(failures=20), calls("jira", failures=20)))
    await stage.start()
    await stage.wait(10 * MINUTE)
    assert sorted(title.partition(":")[0] for title in stage.titles) == [
        "Alert (critical)",
        "Alert (high)",
        "Alert (high)",
    ]
    assert (
        "Alert (critical): the system is critical: every service that was called is unhealthy: github, jira"
        in stage.titles
    )
    stage.world.is_now(services=(calls(failures=20), calls("jira")))
    await stage.wait(10 * MINUTE)
    assert sorted(title.partition(": ")[0] for title in stage.titles) == ["Alert (high)", "Resolved", "Resolved"]


async def test_a_breaker_is_one_message_from_open_until_closed(stage: Stage) -> None:
    await stage.start()
    for state, begins in [
        (State.OPEN, "Alert (critical): github: its breaker is open"),
        (State.HALF_OPEN, "Alert (medium): github: its breaker is half open"),
        (State.OPEN, "Alert (critical): github: its breaker is open"),
        (State.HALF_OPEN, "Alert (medium): github: its breaker is half open"),
        (State.CLOSED, "Resolved: github"),
    ]:
        stage.world.is_now(breakers=(breaker(state=state),))
        await stage.wait(12 * MINUTE)
        (title,) = stage.titles
        assert title.startswith(begins), "changed in place"
    (end,) = stage.people.notes()
    assert end.startswith("Resolved: github"), "nothing was told in between"


async def test_a_breaker_that_waits_for_its_probes_reminds_nobody(stage: Stage) -> None:
    stage.world.is_now(breakers=(breaker(state=State.OPEN),))
    await stage.start()
    await stage.wait(2 * MINUTE)
    stage.world.is_now(breakers=(breaker(state=State.HALF_OPEN),))
    await stage.wait(5 * HOUR)
    assert not stage.people.notes()
    assert [alert.key for alert in (await stage.view()).open_ones] == ["breaker_open:github"]


async def test_what_becomes_worse_is_told_at_once(stage: Stage) -> None:
    stage.world.is_now(**of_all(failures=2, of=20))
    await stage.start()
    await stage.wait(5 * MINUTE)
    stage.world.is_now(**of_all(failures=2, of=10))
    await stage.wait(2 * MINUTE)
    assert any(note.startswith("Worse: the system is unhealthy") for note in stage.people.notes())


async def test_thousands_of_alike_errors_are_one_message(stage: Stage) -> None:
    kinds = (ErrorKind(fingerprint="f1", count=9000, message="503 from GitHub"),)
    stage.world.is_now(services=(calls(failures=9000, of=10000, kinds=kinds),))
    await stage.start()
    await stage.wait(30 * MINUTE)
    (rate,) = [post for post in stage.people.posts.values() if "error_rate" in post.notice.data["rule"]]
    assert "9000 × 503 from GitHub [f1]" in rate.notice.body
    assert rate.notice.fields["Counted"].startswith("9,000 of 10,000 attempts failed, ")


async def test_two_hundred_missing_editions_are_one_message(stage: Stage) -> None:
    late = tuple(due(f"team{number:03}") for number in range(200))
    stage.world.is_now(due=late)
    await stage.start()
    await stage.wait(2 * MINUTE)
    assert stage.titles == ["Alert (critical): 200 alerts of edition missing"]
    stage.world.is_now(due=late[:1])
    await stage.wait(5 * MINUTE)
    (missing,) = [post for post in stage.people.posts.values() if post.notice.data.get("rule") == "edition_missing"]
    assert missing.notice.fields["State"] == "1 firing, 199 resolved"


async def test_numbers_that_stay_the_same_change_no_message_though_they_are_counted_anew(stage: Stage) -> None:
    stage.world.is_now(**FAILING)
    await stage.start()
    await stage.wait(30 * MINUTE)
    assert len(stage.people.calls) == 1


async def test_what_an_outage_of_the_database_leaves_behind_is_told_by_its_alert(stage: Stage) -> None:
    """Once it is back, what failed without it comes on record, and is an error rate of each service for an hour."""
    await stage.start()
    stage.world.is_now(services=None, unread=AWAY)
    await stage.wait(5 * MINUTE)
    failed_at = stage.world.looks[-1].at
    stage.world.is_now(services=tuple(ill(name, failed_at) for name in ("github", "jira", "local")))
    await stage.wait(50 * MINUTE)
    assert stage.titles == ["Resolved: the monitor cannot see: it is away"]
    again = failed_at + 30 * MINUTE
    stage.world.is_now(services=(ill("github", failed_at), ill("jira", again), ill("local", failed_at)))
    await stage.wait(2 * MINUTE)
    assert stage.titles[1:] == ["Alert (high): jira: 10.0 % of 100 attempts failed, more than 5 %"]


def ill(service: str, failed_at: datetime) -> ServiceWindow:
    failed = Failed(category=ErrorCategory.DATABASE, count=10, last_at=failed_at)
    return calls(service, failures=10, failed=(failed,))


async def test_a_service_whose_breaker_is_open_is_one_message(stage: Stage) -> None:
    await stage.start()
    failed = (Failed(category=ErrorCategory.NETWORK, count=40, last_at=stage.world.looks[-1].at),)
    down = {"services": (calls(failures=40, failed=failed), calls("jira"))}
    stage.world.is_now(**down, breakers=(breaker(state=State.OPEN),))
    await stage.wait(10 * MINUTE)
    assert stage.titles == ["Alert (critical): github: its breaker is open, no calls go out"]
    stage.world.is_now(**down, breakers=(breaker(),))
    await stage.wait(30 * MINUTE)
    assert stage.titles == ["Resolved: github: its breaker is open, no calls go out"]


# Channels.


async def test_a_post_without_an_answer_is_looked_for_and_not_posted_again(stage: Stage) -> None:
    stage.people.failures[ALERTS] = [(NO_ANSWER, True), (NO_ANSWER, False)]
    stage.world.is_now(**FAILING, editions=(run(seconds=181),))
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
    assert stage.people.pages().count(ALERTS) == 1
    stage.world.is_now()
    await stage.wait(10 * MINUTE)
    assert stage.people.mails("oncall@acme.dev").count("Resolved") == 1


async def test_a_channel_that_refused_is_tried_again_at_the_next_reminder(stage: Stage) -> None:
    stage.people.failures[ALERTS] = [(UNKNOWN_CHANNEL, False)]
    stage.world.is_now(**FAILING)
    await stage.start()
    await stage.wait(30 * MINUTE)
    assert not stage.titles
    assert "Not reached: \\#alerts (**unreached**): channel\\_not\\_found" in await stage.details()
    await stage.wait(HOUR)
    assert len(stage.titles) == 1
