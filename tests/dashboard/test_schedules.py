"""Schedules: what is next and what came of the last ones, pauses, firing now, and the weeks that have no edition."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from temporalio.client import WorkflowExecutionStatus
from temporalio.service import RPCError

from devsync.contracts import names
from devsync.contracts.edition import EditionRequest
from devsync.domain.changelog.window import last_week_ended_by
from devsync.runtime import schedule_deeds
from devsync.runtime.refresh_schedules import apply_refresh, delete_refresh
from devsync.runtime.schedules import apply_schedule, describe, handle_of
from devsync.storage.artifacts import ArtifactStore
from devsync.storage.audit import Audit
from devsync.storage.records import Records
from tests.dashboard.conftest import House
from tests.e2e.stage import eventually
from tests.storage.test_records import edition

pytestmark = pytest.mark.timeout(120)

HERE = "/teams/payments/schedule"
NEW_YORK = "America/New_York"
WEEK = last_week_ended_by(datetime.now(UTC), NEW_YORK)


@pytest.fixture
async def scheduled(house: House) -> AsyncIterator[House]:
    """Due each Wednesday in New York; nobody works on what it starts."""
    client = house.site.temporal
    house.change_team(timezone=NEW_YORK, schedule={"day": "wednesday", "time": "07:30"})
    team = (await house.site.configuration.now()).team("payments")
    await apply_schedule(client, team)
    await apply_refresh(client, team)

    async def are_listed() -> bool:
        found = [one.id async for one in await client.list_schedules()]
        return {names.schedule_id("payments"), names.refresh_id("payments")} <= set(found)

    await eventually(are_listed)
    yield house
    await handle_of(client, "payments").delete()
    await delete_refresh(client, "payments")
    async for run in client.list_workflows('ExecutionStatus = "Running" AND WorkflowType = "EditionTrigger"'):
        await client.get_workflow_handle(run.id).terminate("its test is over")
    with suppress(RPCError):
        await client.get_workflow_handle(names.edition_id("payments", WEEK)).terminate("its test is over")


async def deeds(house: House) -> list[tuple[str, str, str]]:
    """Who did what to what, by the audit."""
    return [
        (one.entry.actor, one.entry.action, one.entry.what)
        for one in reversed(await Audit(house.site.database).latest(team="payments", limit=10))
    ]


async def test_the_next_runs_stand_there_on_the_teams_clocks(scheduled: House) -> None:
    there = await describe(scheduled.site.temporal, "payments")
    assert there is not None
    local = there.info.next_action_times[0].astimezone(ZoneInfo(NEW_YORK))
    assert (local.strftime("%a"), local.hour, local.minute) == ("Wed", 7, 30)
    cleo = await scheduled.visitor("cleo")
    for path in ("/schedules", HERE):
        shown = (await cleo.get(path)).text
        assert f"{local:%a %Y-%m-%d %H:%M}" in shown
        assert NEW_YORK in shown
        assert "<form" not in shown.partition('id="content"')[2], "she may only look"
    assert "refresh:payments" in (await cleo.get("/schedules")).text


async def test_another_teams_schedule_is_not_there(scheduled: House) -> None:
    ben = await scheduled.visitor("ben")
    assert "payments" not in (await ben.get("/schedules")).text
    assert (await ben.get(HERE)).status_code == 404
    for deed in ("pause", "resume", "trigger", "backfill"):
        assert (await ben.post(f"{HERE}/{deed}", "/schedules")).status_code == 404


async def test_a_pause_has_its_note_and_who_and_the_second_is_told(scheduled: House) -> None:
    anna, root = await scheduled.visitor("anna"), await scheduled.visitor("root")
    shown = await anna.deed(f"{HERE}/pause", HERE, note="moving house")
    assert "The schedule of payments is paused." in shown
    assert "anna: moving house" in shown
    there = await describe(scheduled.site.temporal, "payments")
    assert there is not None
    assert there.schedule.state.paused
    refused = await root.deed(f"{HERE}/pause", HERE, note="me too")
    assert "is paused already (anna: moving house)" in refused
    assert "fires again" in await root.deed(f"{HERE}/resume", HERE)
    assert "is not paused" in await anna.deed(f"{HERE}/resume", HERE)
    assert await deeds(scheduled) == [
        ("anna", "schedule.pause", "changelog:payments"),
        ("root", "schedule.resume", "changelog:payments"),
    ]


async def test_firing_now_starts_what_is_due_and_is_in_the_audit(
    scheduled: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule_deeds, "WORKER_SECONDS", 1.0)
    shown = await (await scheduled.visitor("anna")).deed(f"{HERE}/trigger", HERE)
    assert "waits: no worker has taken it yet" in shown
    there = await describe(scheduled.site.temporal, "payments")
    assert there is not None
    assert there.info.num_actions == 1
    assert await deeds(scheduled) == [("anna", "schedule.trigger", "changelog:payments")]
    assert "due:payments-" in shown.partition('id="fired"')[2]


@pytest.mark.parametrize("deliver", [False, True])
async def test_a_past_week_is_made_in_the_persons_name(scheduled: House, deliver: bool) -> None:
    anna = await scheduled.visitor("anna")
    assert f'<option value="{WEEK}"' in (await anna.get(HERE)).text
    fields = {"week": WEEK} | ({"deliver": "yes"} if deliver else {})
    shown = await anna.deed(f"{HERE}/backfill", HERE, **fields)
    assert f"changelog:payments:{WEEK} has been started; " in shown
    handle = scheduled.site.temporal.get_workflow_handle(names.edition_id("payments", WEEK))
    assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
    started = (await handle.fetch_history()).events[0].workflow_execution_started_event_attributes
    converter = scheduled.site.temporal.data_converter
    (request,) = await converter.decode(list(started.input.payloads), [EditionRequest])
    team = (await scheduled.site.configuration.now()).team("payments")
    assert (request.requested_by, request.deliver) == ("anna", deliver)
    assert request.scheduled_at == team.weekly_time.due_at(WEEK)


@pytest.mark.parametrize(
    ("week", "why"),
    [("2099-W01", "has not ended yet in America/New_York"), ("soon", "soon"), ("", ""), ("2026-W60", "2026-W60")],
)
async def test_a_week_that_cannot_be_made_is_told(scheduled: House, week: str, why: str) -> None:
    shown = await (await scheduled.visitor("anna")).deed(f"{HERE}/backfill", HERE, week=week)
    assert 'role="alert"' in shown
    assert why in shown.partition('id="content"')[2].partition("</p>")[0]


async def test_weeks_that_have_an_edition_are_told_from_those_that_have_none(scheduled: House) -> None:
    store = ArtifactStore(scheduled.site.database)
    await Records(scheduled.site.database, store).write(edition=edition(iso_week=WEEK))
    shown = (await (await scheduled.visitor("anna")).get(HERE)).text
    options = shown.partition("<select")[2].partition("</select>")[0]
    assert f'<option value="{WEEK}">{WEEK}</option>' in options
    assert options.count("none yet") == options.count("<option") - 1


async def test_what_the_file_asks_for_and_the_server_has_not_says_how_to_get_it(house: House) -> None:
    house.change_team(timezone=NEW_YORK, schedule={"day": "wednesday", "time": "07:30"})
    anna = await house.visitor("anna")
    listed = (await anna.get("/schedules")).text
    assert ">not made yet</span>" in listed
    assert "<code>python starter.py apply</code> makes it" in listed
    assert "chip bad" not in listed
    assert "python starter.py apply" in (await anna.get(HERE)).text
    assert "has no schedule on the server" in (await anna.deed(f"{HERE}/pause", HERE)).replace("&#34;", '"')


@pytest.mark.parametrize("deed", ["pause", "resume", "trigger", "backfill"])
async def test_who_may_only_look_changes_nothing(scheduled: House, deed: str) -> None:
    cleo = await scheduled.visitor("cleo")
    assert (await cleo.post(f"{HERE}/{deed}", HERE, week=WEEK)).status_code == 403
    there = await describe(scheduled.site.temporal, "payments")
    assert there is not None
    assert (there.schedule.state.paused, there.info.num_actions) == (False, 0)
