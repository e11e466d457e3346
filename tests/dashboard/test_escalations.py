"""Escalations: what each person sees of one, every answer and where it goes, what is refused, and two at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from dashboard.templating import clocks
from devsync.domain.dashboard_pages import escalation_page
from devsync.domain.escalation import machine
from devsync.domain.recovery.decision import Decision
from devsync.storage.escalations import Escalations
from sandbox.temporal_server import TemporalServer
from tests.dashboard.conftest import Browser, House
from tests.storage.test_escalations import message, opened
from tests.workflows.escalation_stage import HOUR, Stage, level, policy, real_escalation_stage

pytestmark = pytest.mark.timeout(120)

LEVELS = (level("team_lead", HOUR, "#leads"), level("executive", HOUR, "#executives"))


@pytest.fixture
async def stage(temporal: TemporalServer) -> AsyncIterator[Stage]:
    async with real_escalation_stage(temporal) as stage:
        yield stage


async def asked(stage: Stage, *teams: str, **rules: Any) -> list[Any]:
    """An escalation that a workflow of each team waits for."""
    waiting = await stage.waiting(len(teams))
    for run, team in zip(waiting, teams, strict=True):
        await stage.join(
            run.id,
            policy(*LEVELS, **rules),
            team=team,
            subject=f"{team} 2026-W47: 2 of 3 repositories",
            deadline=datetime.now(UTC) + HOUR,
        )
    await stage.until(lambda view: len(view.subscribers) == len(teams))
    return waiting


async def said(browser: Browser, stage: Stage, deed: str, **fields: str) -> str:
    here = escalation_page(stage.escalation_id)
    return await browser.deed(f"{here}/{deed}", here, **fields)


async def test_each_sees_what_their_teams_wait_for_and_no_other_team(house: House, stage: Stage) -> None:
    await asked(stage, "payments", "search")
    anna = await house.visitor("anna")
    assert stage.escalation_id in (await anna.get("/escalations")).text.replace("%3A", ":")
    shown = (await anna.get(escalation_page(stage.escalation_id))).text
    assert "payments 2026-W47: 2 of 3 repositories" in shown
    assert "search 2026-W47" not in shown
    for choice in Decision:
        assert f'value="{choice.value}"' in shown


async def test_what_no_team_of_theirs_waits_for_is_not_there(house: House, stage: Stage) -> None:
    await asked(stage, "payments")
    ben = await house.visitor("ben")
    assert stage.service not in (await ben.get("/escalations")).text
    assert (await ben.get(escalation_page(stage.escalation_id))).status_code == 404
    answer = await ben.post(f"{escalation_page(stage.escalation_id)}/acknowledge", "/escalations")
    assert answer.status_code == 404
    assert (await stage.view()).record.state is machine.State.FIRING  # type: ignore[union-attr]


async def test_who_may_only_look_sees_no_form_and_is_refused(house: House, stage: Stage) -> None:
    await asked(stage, "payments")
    cleo = await house.visitor("cleo")
    here = escalation_page(stage.escalation_id)
    assert "<form" not in (await cleo.get(here)).text.partition('id="content"')[2]
    for deed, fields in (("resolve", {"decision": "retry"}), ("acknowledge", {}), ("escalate", {})):
        assert (await cleo.post(f"{here}/{deed}", here, **fields)).status_code == 403
    assert (await stage.view()).record.state is machine.State.FIRING  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("deed", "fields", "told", "state"),
    [
        ("acknowledge", {}, "It is acknowledged now.", "acknowledged"),
        ("snooze", {"minutes": "30"}, "It is snoozed now.", "snoozed"),
        ("reassign", {"to": "#payments-leads"}, "#payments-leads", "firing"),
        ("escalate", {"reason": "it is urgent"}, "It is firing now.", "firing"),
        ("escalate", {"level": "executive"}, "It is firing now.", "firing"),
    ],
)
async def test_what_is_said_before_a_decision_is_done_in_the_persons_name(
    house: House, stage: Stage, deed: str, fields: dict[str, str], told: str, state: str
) -> None:
    await asked(stage, "payments")
    anna = await house.visitor("anna")
    shown = await said(anna, stage, deed, **fields)
    assert told in shown
    record = (await stage.view()).record
    assert record is not None
    assert record.state.value == state
    events = [event for event in (await stage.view()).events if event.actor == "anna"]
    assert len(events) == 1
    assert clocks(events[0].message, "Europe/Berlin") in shown
    if deed == "escalate":
        assert record.level == "executive"


@pytest.mark.parametrize("decision", list(Decision))
async def test_a_decision_goes_back_into_every_workflow_that_waits(
    house: House, stage: Stage, decision: Decision
) -> None:
    waiting = await asked(stage, "payments", "search")
    anna = await house.visitor("anna")
    shown = await said(anna, stage, "resolve", decision=decision.value, note="as we agreed")
    assert "It is resolved now." in shown
    for run in waiting:
        (answer,) = await asyncio.wait_for(run.result(), 60)
        assert (answer.decision, answer.by, answer.note) == (decision, "anna", "as we agreed")


@pytest.mark.parametrize(
    ("deed", "fields", "why"),
    [
        ("resolve", {"decision": "shrug"}, "is not a known decision; write retry"),
        ("resolve", {}, "decision"),
        ("snooze", {}, "minutes: is missing; add it"),
        ("snooze", {"minutes": "soon"}, "is not a whole number; write one"),
        ("snooze", {"minutes": "-5"}, "is too small; write 1 or more"),
        ("reassign", {"to": "nobody at all"}, "is nobody"),
        ("escalate", {"level": "the_queen"}, "there is no level"),
        ("escalate", {"reason": "x" * 1_001}, "is too long; write 1000 characters or less"),
    ],
)
async def test_what_makes_no_sense_is_told_and_changes_nothing(
    house: House, stage: Stage, deed: str, fields: dict[str, str], why: str
) -> None:
    await asked(stage, "payments")
    before = (await stage.view()).record
    anna = await house.visitor("anna")
    shown = await said(anna, stage, deed, **fields)
    assert 'role="alert"' in shown
    assert why in shown.replace("&#39;", "'")
    assert (await stage.view()).record == before


async def test_whom_the_policy_does_not_name_is_told_so(house: House, stage: Stage) -> None:
    await asked(stage, "payments", people=("olga",))
    shown = await said(await house.visitor("anna"), stage, "resolve", decision="retry")
    assert "by: " in shown
    assert "olga" in shown


async def test_a_form_cannot_speak_for_somebody_else(house: House, stage: Stage) -> None:
    await asked(stage, "payments")
    await said(await house.visitor("anna"), stage, "acknowledge", by="root")
    assert (await stage.view()).record.holder == "anna"  # type: ignore[union-attr]


async def test_of_two_who_decide_at_once_the_first_wins_and_the_second_is_told(house: House, stage: Stage) -> None:
    (waiting,) = await asked(stage, "payments")
    anna, root = await house.visitor("anna"), await house.visitor("root")
    shown = await asyncio.gather(
        said(anna, stage, "resolve", decision="skip"), said(root, stage, "resolve", decision="retry")
    )
    done = ["It is resolved now." in text for text in shown]
    assert sorted(done) == [False, True]
    refused = shown[done.index(False)]
    assert 'role="alert"' in refused
    assert "resolved" in refused
    (answer,) = await asyncio.wait_for(waiting.result(), 60)
    assert (answer.by, answer.decision) == (("anna", Decision.SKIP) if done[0] else ("root", Decision.RETRY))


async def test_who_acknowledges_what_somebody_has_already_is_told_who(house: House, stage: Stage) -> None:
    await asked(stage, "payments")
    await said(await house.visitor("root"), stage, "acknowledge")
    shown = await said(await house.visitor("anna"), stage, "acknowledge")
    assert "root has acknowledged it already" in shown


@pytest.mark.parametrize("path", ["changelog:payments:2026-W47", "monitor", "escalation:service:nothing"])
async def test_only_escalations_can_be_asked_for(house: House, path: str) -> None:
    root = await house.visitor("root")
    assert (await root.get(f"/escalations/{path}")).status_code == 404
    assert (await root.post(f"/escalations/{path}/acknowledge", "/escalations")).status_code == 404


async def test_an_unknown_deed_is_no_page(house: House, stage: Stage) -> None:
    await asked(stage, "payments")
    here = escalation_page(stage.escalation_id)
    assert (await (await house.visitor("anna")).post(f"{here}/terminate", here)).status_code == 404


async def test_without_the_token_of_our_page_nothing_is_done(house: House, stage: Stage) -> None:
    await asked(stage, "payments")
    anna = await house.visitor("anna")
    answer: httpx.Response = await anna.http.post(
        f"{escalation_page(stage.escalation_id)}/resolve", data={"decision": "abort"}
    )
    assert answer.status_code == 403
    assert (await stage.view()).record.is_open  # type: ignore[union-attr]


# What is on record.


async def written(house: House, *, team: str, page: str, opened_at: datetime, decided_by: str) -> None:
    record, first = opened(opened_at)
    over, second = machine.resolve(record, decided_by, Decision.RETRY, "it is back", opened_at + timedelta(hours=1))
    subscribers = [
        {
            "subscriber": {
                "workflow_id": f"recovery:{team}:2026-W47:github.collect:1",
                "team": team,
                "subject": f"{team}: 2 of 3 repositories",
            },
            "state": "answered",
            "joined_at": opened_at,
        }
    ]
    store = Escalations(house.site.database)
    await store.write(message(over, (*first, *second), page=page, subscribers=tuple(subscribers)))


async def test_what_is_over_is_listed_for_those_whose_teams_waited(house: House) -> None:
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    await written(house, team="payments", page="p1", opened_at=noon, decided_by="anna")
    await written(house, team="search", page="p2", opened_at=noon + HOUR, decided_by="ben")
    anna, root = await house.visitor("anna"), await house.visitor("root")
    shown = (await anna.get("/escalations")).text
    assert ("page=p1" in shown, "page=p2" in shown, "Retry, decided by anna" in shown) == (True, False, True)
    assert "page=p2" in (await root.get("/escalations")).text
    here = escalation_page("escalation:service:github")
    kept = (await anna.get(f"{here}?page=p1")).text
    assert "it is back" in kept
    assert "retry" in kept
    assert (await anna.get(f"{here}?page=p2")).status_code == 404


async def test_a_long_list_goes_on_where_it_ended(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboard.pages.escalations.LINES", 2)
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    for number in range(5):
        await written(house, team="payments", page=f"page{number}", opened_at=noon + number * HOUR, decided_by="anna")
    anna, path, found = await house.visitor("anna"), "/escalations", []
    for _ in range(3):
        text = (await anna.get(path)).text
        found.append([number for number in range(5) if f"page=page{number}" in text])
        path = text.partition('class="button" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert found == [[3, 4], [1, 2], [0]]
    assert path == ""
