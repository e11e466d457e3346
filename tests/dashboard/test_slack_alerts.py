"""Buttons of alerts in Slack: who may take and mute, that the first wins, and what an old button comes to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from devsync.contracts import names
from devsync.domain.answers import Answer, Deed
from tests.dashboard.conftest import PEOPLE, House
from tests.dashboard.slack_stage import MEMBERS, Presses, Whispers, listening, whispering
from tests.dashboard.test_alerts import LATE, RATE, alert_of
from tests.domain.health.makers import calls, due
from tests.e2e.stage import eventually
from tests.workflows.monitor_stage import Stage, monitor_stage

pytestmark = pytest.mark.timeout(120)


@pytest.fixture
async def monitor(house: House) -> AsyncIterator[Stage]:
    """A service fails, and an edition of the team payments is missing."""
    async with monitor_stage(house.site.temporal) as stage:
        stage.world.is_now(services=(calls("github", failures=50),), due=(due("payments"),))
        await stage.start()
        await stage.until(lambda view: {RATE, LATE} <= {one.key for one in view.alerts})
        yield stage


@pytest.fixture
async def whispers() -> AsyncIterator[Whispers]:
    async with whispering() as whispers:
        yield whispers


@pytest.fixture
def slack(house: House, whispers: Whispers) -> Presses:
    house.allow([person | {"slack": MEMBERS[person["name"]]} for person in PEOPLE])
    return Presses(house, whispers, listening(house, whispers))


async def button(monitor: Stage, key: str, deed: Deed) -> str:
    argument = "60" if deed is Deed.MUTE_ALERT else ""
    alert = await alert_of(monitor, key)
    return Answer(deed=deed, argument=argument, workflow_id=names.MONITOR_ID, run_id=alert.id).to_text()


async def test_what_is_posted_offers_both(monitor: Stage) -> None:
    await monitor.until_titled("Alert", "Alert")
    offers = [post.notice.offers for post in monitor.people.posts.values()]
    assert all([offer.label for offer in those] == ["Acknowledge", "Mute 1 h"] for those in offers)
    wanted = {await button(monitor, key, deed) for key in (RATE, LATE) for deed in (Deed.TAKE_ALERT, Deed.MUTE_ALERT)}
    assert {offer.answer.to_text() for those in offers for offer in those} == wanted


async def test_who_takes_an_alert_is_recorded_and_the_message_says_so(monitor: Stage, slack: Presses) -> None:
    await monitor.until_titled("Alert", "Alert")
    assert await slack.press("anna", await button(monitor, LATE, Deed.TAKE_ALERT)) == 200
    assert (await alert_of(monitor, LATE)).acknowledged_by == "anna"
    assert slack.told == []

    async def is_said() -> bool:
        return any(title.startswith("Acknowledged by anna") for title in monitor.titles)

    await eventually(is_said)
    taken = next(one.notice for one in monitor.people.posts.values() if one.notice.title.startswith("Acknowledged"))
    assert [offer.label for offer in taken.offers] == ["Mute 1 h"]


async def test_a_mute_holds_an_hour_and_the_message_says_by_whom(monitor: Stage, slack: Presses) -> None:
    await monitor.until_titled("Alert", "Alert")
    assert await slack.press("root", await button(monitor, RATE, Deed.MUTE_ALERT)) == 200
    (mute,) = (await monitor.view()).mutes
    assert (mute.pattern, mute.by, mute.until - mute.since) == (RATE, "root", timedelta(hours=1))
    assert mute.reason == "by its button in Slack"

    async def is_said() -> bool:
        notices = [post.notice for post in monitor.people.posts.values()]
        return any(notice.fields.get("Muted", "").endswith(", by root") for notice in notices)

    await eventually(is_said)


@pytest.mark.parametrize(
    ("name", "key", "deed", "words"),
    [
        ("ben", LATE, Deed.TAKE_ALERT, "ben may not answer for payments. Nothing has changed."),
        ("cleo", LATE, Deed.TAKE_ALERT, "cleo may not answer for payments. Nothing has changed."),
        ("anna", RATE, Deed.TAKE_ALERT, "anna may not answer for what belongs to no team. Nothing has changed."),
        (
            "anna",
            LATE,
            Deed.MUTE_ALERT,
            "anna may not mute: only who operates every team may. Nothing has changed.",
        ),
        ("U0STRANGER1", RATE, Deed.MUTE_ALERT, "You are not known here. Nothing has changed."),
    ],
)
async def test_who_may_not_is_told_so_and_nothing_changes(
    monitor: Stage, slack: Presses, name: str, key: str, deed: Deed, words: str
) -> None:
    assert await slack.press(name, await button(monitor, key, deed)) == 200
    (told,) = slack.told
    assert told.startswith(words)
    assert (await alert_of(monitor, key)).acknowledged_by == ""
    assert (await monitor.view()).mutes == ()


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        (Deed.TAKE_ALERT, "Not taken: root has acknowledged it already. Nothing has changed."),
        (Deed.MUTE_ALERT, "Not taken: root has muted it already, until "),
    ],
)
async def test_the_first_wins_and_the_second_is_told(monitor: Stage, slack: Presses, deed: Deed, words: str) -> None:
    pressed = await button(monitor, RATE, deed)
    await asyncio.gather(slack.press("root", pressed), slack.press("root", pressed, at="2.0"))
    (told,) = slack.told
    assert told.startswith(words)
    assert len((await monitor.view()).mutes) == (deed is Deed.MUTE_ALERT)


async def test_the_same_request_counts_once_also_at_another_process(monitor: Stage, slack: Presses) -> None:
    payload, at = slack.payload(MEMBERS["root"], await button(monitor, RATE, Deed.MUTE_ALERT)), time.time()
    assert [(await slack.send(payload, at=at)).status_code for _ in range(2)] == [200, 409]
    assert (await slack.send(payload, at=at, app=slack.another_process())).status_code == 200
    assert len((await monitor.view()).mutes) == 1


async def test_a_button_of_what_is_over_is_told_so(monitor: Stage, slack: Presses) -> None:
    old = Answer(deed=Deed.TAKE_ALERT, workflow_id=names.MONITOR_ID, run_id=f"{RATE}@20200101T000000.000000Z")
    await slack.press("root", old.to_text())
    (told,) = slack.told
    assert told.startswith(f"{RATE} was over, and fires again since ")
    assert told.endswith(" with a message of its own. Nothing has changed.")
    assert (await alert_of(monitor, RATE)).acknowledged_by == ""


async def test_who_may_not_see_an_alert_hears_nothing_of_it_by_an_old_button(monitor: Stage, slack: Presses) -> None:
    old = Answer(deed=Deed.TAKE_ALERT, workflow_id=names.MONITOR_ID, run_id=f"{RATE}@20200101T000000.000000Z")
    await slack.press("anna", old.to_text())
    assert slack.told == [f"{RATE} is over. Nothing has changed."]


# A message about many.


async def test_all_of_a_message_are_taken_by_who_operates_every_one_of_their_teams(
    house: House, slack: Presses
) -> None:
    async with monitor_stage(house.site.temporal) as monitor:
        monitor.world.is_now(due=tuple(due(f"team{number}") for number in range(5)))
        await monitor.start()
        await monitor.until_titled("Alert (critical): 5 alerts of edition missing")
        (post,) = monitor.people.posts.values()
        (pressed,) = [offer.answer.to_text() for offer in post.notice.offers]
        await slack.press("anna", pressed)
        assert slack.told.pop() == "anna may not answer for all of them. Nothing has changed."
        await slack.press("root", pressed)
        assert slack.told == []
        assert [one.acknowledged_by for one in (await monitor.view()).open_ones] == ["root"] * 5
        await monitor.until_titled("Acknowledged by root: 5 alerts of edition missing")
        await slack.press("root", pressed, at="2.0")
        assert slack.told == ["Somebody looks after all of them. Nothing has changed."]


async def test_an_old_button_of_many_is_told_that_they_are_over(monitor: Stage, slack: Presses) -> None:
    old = Answer(deed=Deed.TAKE_ALERTS, workflow_id=names.MONITOR_ID, run_id="edition_missing/fired@20200101")
    await slack.press("root", old.to_text())
    assert slack.told == ["All of them are over. Nothing has changed."]


async def test_without_a_monitor_who_pressed_is_told(slack: Presses) -> None:
    old = Answer(deed=Deed.MUTE_ALERT, argument="60", workflow_id=names.MONITOR_ID, run_id=f"{RATE}@1")
    await slack.press("root", old.to_text())
    (told,) = slack.told
    assert told.endswith("Nothing has changed.")
