"""What an escalation's pages say: on whose clocks, who was reached, what can be decided, and how it ended."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from devsync.contracts.escalation import ToldState, ToldTarget
from devsync.domain.dashboard_pages import escalation_page
from devsync.domain.escalation import machine
from devsync.domain.escalation.policy import Target
from devsync.domain.recovery.decision import Decision
from devsync.storage.escalations import Escalations
from sandbox.temporal_server import TemporalServer
from tests.dashboard.conftest import House
from tests.dashboard.test_escalations import LEVELS, asked, said
from tests.storage.test_escalations import message, opened
from tests.workflows.escalation_stage import HOUR, UNKNOWN_CHANNEL, Stage, policy, real_escalation_stage

pytestmark = pytest.mark.timeout(120)

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
async def stage(temporal: TemporalServer) -> AsyncIterator[Stage]:
    async with real_escalation_stage(temporal) as stage:
        yield stage


def words(page: str) -> str:
    """What stands there, without the tags and what they hold."""
    return " ".join(re.sub(r"<[^>]*>", " ", page.partition('id="content"')[2]).split())


# On whose clocks.


async def test_every_time_of_one_that_is_open_is_on_the_teams_clocks(house: House, stage: Stage) -> None:
    await asked(stage, "payments")
    anna, here = await house.visitor("anna"), escalation_page(stage.escalation_id)
    for shown in (
        words((await anna.get(here)).text),
        words(await said(anna, stage, "snooze", minutes="30")),
        words(await said(anna, stage, "snooze", minutes="30")),
        words((await anna.get("/escalations")).text),
    ):
        assert "CET" in shown or "CEST" in shown
        assert "UTC" not in shown
    assert "snoozed it already, until " in words(await said(anna, stage, "snooze", minutes="30"))


async def test_of_teams_in_several_zones_all_times_are_in_utc(house: House, stage: Stage) -> None:
    house.change_team(timezone="America/New_York")
    await asked(stage, "payments", "search")
    root = await house.visitor("root")
    shown = words((await root.get(escalation_page(stage.escalation_id))).text)
    assert "UTC" in shown
    assert not re.search(r"\b(CE|E)S?T\b", shown)


async def on_record(house: House, page: str = "p1", *, by: str, note: str = "", **told: ToldTarget) -> None:
    record, first = opened(NOON)
    is_healed = by == "healed"
    over, second = machine.resolve(record, by, None if is_healed else Decision.RETRY, note, NOON + HOUR)
    waited = {
        "subscriber": {"workflow_id": "recovery:payments:2026-W47:github.collect:1", "team": "payments", "subject": ""},
        "state": "left",
        "joined_at": NOON,
    }
    store = Escalations(house.site.database)
    await store.write(message(over, (*first, *second), page=page, subscribers=(waited,), told=tuple(told.values())))


async def test_what_is_over_is_told_on_the_teams_clocks_in_the_list_as_on_its_page(house: House) -> None:
    await on_record(house, by="anna", note="until 2026-11-23 12:30 UTC")
    anna = await house.visitor("anna")
    here = escalation_page("escalation:service:github")
    for path in ("/escalations", f"{here}?page=p1"):
        shown = words((await anna.get(path)).text)
        assert "2026-11-23 13:00 CET" in shown
        assert "until 2026-11-23 13:30 CET" in shown
        assert "UTC" not in shown


# Who was reached.


async def test_who_was_not_reached_is_told_with_why(house: House, stage: Stage) -> None:
    stage.people.failures["#leads"] = [(UNKNOWN_CHANNEL, False)]
    await asked(stage, "payments")
    await stage.told("#executives")
    anna = await house.visitor("anna")
    shown = words((await anna.get(escalation_page(stage.escalation_id))).text)
    assert "Told 1 of 2 reached" in shown
    assert "not told #leads team lead: not reached, and not tried again: channel_not_found" in shown
    assert "told #executives executive" in shown
    assert "1 of 2 reached" in words((await anna.get("/escalations")).text)


async def test_of_one_that_is_over_it_is_told_who_never_heard_of_it(house: House) -> None:
    oncall, leads = Target(kind="slack", target="#oncall"), Target(kind="slack", target="#leads")
    reached = ToldTarget(target=oncall, level="team_lead", state=ToldState.TOLD, told_at=NOON)
    queued = ToldTarget(target=leads, level="team_lead", error="slack cannot be reached")
    unknown = ToldTarget(
        target=Target(kind="slack", target="#ops"), level="team_lead", state=ToldState.UNCERTAIN, error="no answer"
    )
    await on_record(house, by="anna", one=reached, two=queued, three=unknown)
    anna = await house.visitor("anna")
    shown = words((await anna.get(f"{escalation_page('escalation:service:github')}?page=p1")).text)
    assert "Told 1 of 3 reached" in shown
    assert "perhaps told #ops team lead: whether it arrived is not known: no answer" in shown
    assert "not told #leads team lead: not reached before it was over: slack cannot be reached" in shown
    assert "pending" not in shown


# What can be decided.


async def test_where_nobody_waits_nothing_is_offered_and_it_is_said_why(house: House, stage: Stage) -> None:
    (told,) = await stage.waiting()
    await stage.join(told.id, policy(*LEVELS), choices=(), is_waiting=False)
    await stage.told("#leads")
    anna, here = await house.visitor("anna"), escalation_page(stage.escalation_id)
    text = (await anna.get(here)).text
    shown = words(text)
    assert 'name="decision"' not in text
    assert f'action="{here}/snooze"' not in text.replace("%3A", ":").replace("%3a", ":")
    assert "Nothing to decide" in shown
    assert "Whoever is concerned has gone on, and takes no answer." in shown
    assert "Nobody else is asked: nobody waits for an answer" in shown
    assert "nobody waits for an answer, so that nobody else is asked" in words(
        await said(anna, stage, "snooze", minutes="30")
    )
    assert "It is resolved now." in await said(anna, stage, "resolve", note="seen")


async def test_past_its_deadline_what_waited_offers_nothing_any_more(house: House, stage: Stage) -> None:
    (waiting,) = await stage.waiting()
    await stage.join(waiting.id, policy(*LEVELS), deadline=datetime.now(UTC))
    await stage.until(lambda view: view.choices == ())
    anna = await house.visitor("anna")
    text = (await anna.get(escalation_page(stage.escalation_id))).text
    assert 'name="decision"' not in text
    assert "went on without an answer" in words(text)


async def test_of_an_amendment_that_is_offered_which_it_can_do(house: House, stage: Stage) -> None:
    (amendment,) = await stage.waiting()
    choices = (Decision.RETRY, Decision.SKIP)
    await stage.join(amendment.id, policy(*LEVELS), choices=choices, is_waiting=False)
    await stage.until(lambda view: view.choices == choices)
    anna = await house.visitor("anna")
    text = (await anna.get(escalation_page(stage.escalation_id))).text
    assert re.findall(r'name="decision" value="(\w+)"', text) == ["retry", "skip"]
    shown = words(text)
    assert "try what is missing again, now" in shown
    assert (
        "Not offered: use fallback, since what stands in is in use already; abort, since what it was about is over."
        in shown
    )
    refused = words(await said(anna, stage, "resolve", decision="abort"))
    assert "nobody offers abort, since what it was about is over; there are retry, skip" in refused


async def test_only_levels_are_offered_that_are_not_asked_already(house: House, stage: Stage) -> None:
    await asked(stage, "payments")
    anna, here = await house.visitor("anna"), escalation_page(stage.escalation_id)
    text = (await anna.get(here)).text
    assert re.findall(r'<option value="(\w*)"', text) == ["", "executive"]
    await said(anna, stage, "escalate", level="executive")
    assert re.findall(r'<option value="(\w*)"', (await anna.get(here)).text) == ["team_lead"]


# How it ended.


async def test_what_healed_by_itself_was_decided_by_nobody(house: House) -> None:
    await on_record(house, by="healed", note="#payments: delivered")
    anna = await house.visitor("anna")
    for path in ("/escalations", f"{escalation_page('escalation:service:github')}?page=p1"):
        shown = words((await anna.get(path)).text)
        assert "Nobody had to decide, it healed by itself (#payments: delivered)" in shown
        assert "by healed" not in shown
