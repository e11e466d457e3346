"""`schedule list`: what is next, what became of the last firing, what was left out, which weeks have no edition."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import ScheduleBackfill, ScheduleOverlapPolicy, SchedulePolicy

from commands.schedule.shown import firing_document, lines, schedule_states
from devsync.contracts import names
from devsync.contracts.due import DueOutcome
from devsync.runtime import schedule_deeds
from devsync.runtime.schedule_states import ScheduleState, weeks_on_record, weeks_without_edition
from devsync.runtime.schedules import handle_of
from devsync.storage.database import Database
from sandbox.worlds.demo import demo_world
from tests.e2e.firing import apply, configuration, described, fast_schedule, firings, until_quiet
from tests.e2e.stage import Stage, eventually, stage_for
from tests.servers import Servers, running_temporal

MONDAY_NINE = {"day": "monday", "time": "09:00", "jitter": "2m"}


async def listed(stage: Stage) -> ScheduleState:
    database = Database(stage.environment["DATABASE_URL"], pool_size=1)
    try:
        known = await weeks_on_record(database, datetime.now(UTC))
    finally:
        await database.dispose()
    states = await schedule_states(stage.client, configuration(stage), known)
    return next(state for state in states if state.team == stage.team)


async def listed_as_json(stage: Stage, **variables: str) -> tuple[dict[str, Any], str]:
    """By the command itself: the team's row, and standard error."""
    code, output, errors = await stage.starter("schedule", "list", "--json", **variables)
    assert code == 0, errors
    return next(row for row in json.loads(output)["schedules"] if row["team"] == stage.team), errors


async def test_a_new_schedule_shows_what_is_next_and_nothing_behind(stage: Stage) -> None:
    await apply(stage, **MONDAY_NINE)
    row, _ = await listed_as_json(stage)
    assert (row["state"], row["outdated"]) == ("active", False)
    assert row["when"] == "monday 09:00 Europe/Berlin, jitter 2m"
    assert len(row["next"]) == 3
    assert row["last"] is None
    assert row["counters"] == {"actions": 0, "missed_catchup_window": 0, "overlap_skipped": 0, "buffer_dropped": 0}
    assert row["weeks_without_edition"] == []


async def test_the_last_firing_is_shown_with_its_edition(stage: Stage) -> None:
    await apply(stage, **MONDAY_NINE)
    a_past_monday = ScheduleBackfill(datetime(2026, 10, 25, tzinfo=UTC), datetime(2026, 10, 27, tzinfo=UTC))
    await handle_of(stage.client, stage.team).backfill(a_past_monday)

    async def waits_for_a_worker() -> bool:
        waiting = await listed(stage)
        return waiting.last is not None and waiting.last.state == "running"

    await eventually(waits_for_a_worker)
    async with stage.worker():
        await until_quiet(stage, *await firings(stage, 1))
    state = await listed(stage)
    assert state.last is not None
    last = firing_document(state.last)
    assert last["due_id"] == f"due:{stage.team}-2026-10-26T08:00:00Z"
    assert last["scheduled_at"] == "2026-10-26T08:00:00+00:00"
    assert last["late_seconds"] > 0
    assert (last["state"], last["outcome"]) == ("completed", DueOutcome.STARTED)
    edition = names.edition_id(stage.team, "2026-W43")
    assert last["edition"] == {"workflow_id": edition, "week": "2026-W43", "status": "complete"}
    assert any(f"late: {edition} started, now complete" in line for line in lines(state))


async def test_what_does_not_fit_the_file_is_shown_with_the_cure(stage: Stage) -> None:
    stage.change_team(schedule=MONDAY_NINE)
    state = await listed(stage)
    assert state.state == "missing"
    assert lines(state) == ["not on the server: python starter.py apply"]
    await apply(stage, **MONDAY_NINE)
    stage.change_team(schedule={"day": "friday", "time": "17:30"})
    state = await listed(stage)
    assert state.is_outdated
    assert "the team's file says something else by now: python starter.py apply" in lines(state)


async def test_a_pause_is_shown_with_its_note(stage: Stage) -> None:
    await apply(stage, **MONDAY_NINE)
    await handle_of(stage.client, stage.team).pause(note="anna: freeze of :ledger: too")
    state = await listed(stage)
    assert (state.state, state.note) == ("paused", "anna: freeze of :ledger: too")
    assert not any(line.startswith("next") for line in lines(state))
    code, output, _ = await stage.starter("schedule", "list")
    assert code == 0
    # As it was written: rich would draw a ledger there.
    assert f"{stage.team} paused monday 09:00 Europe/Berlin, jitter 2m  (anna: freeze of :ledger: too)\n" in output


async def test_without_the_records_the_weeks_are_not_known_and_the_rest_is_shown(stage: Stage) -> None:
    await apply(stage, **MONDAY_NINE)
    row, errors = await listed_as_json(stage, DATABASE_URL="")
    assert "weeks without an edition are not known: DATABASE_URL is not set" in errors
    assert row["weeks_without_edition"] is None
    assert row["next"]


async def test_weeks_without_an_edition_are_those_that_fell_due_since_the_schedule_was_made(stage: Stage) -> None:
    await apply(stage, **MONDAY_NINE)
    team, schedule = configuration(stage).team(stage.team), await described(stage)
    first, _ = team.weekly_time.last_due(schedule.info.created_at + timedelta(weeks=1))
    assert weeks_without_edition(team, schedule, {}, schedule.info.created_at) == []
    later = team.weekly_time.due_at(first) + timedelta(weeks=2)
    before_the_deadline, after_it = later + timedelta(hours=1), later + timedelta(hours=3)
    assert len(weeks_without_edition(team, schedule, {}, before_the_deadline)) == 2
    missing = weeks_without_edition(team, schedule, {}, after_it)
    assert len(missing) == 3
    assert missing[0] == first
    assert weeks_without_edition(team, schedule, {team.team: {first}}, after_it) == missing[1:]


def test_what_the_server_left_out_is_told_by_its_own_names() -> None:
    counters = {"actions": 12, "missed_catchup_window": 2, "overlap_skipped": 0, "buffer_dropped": 0}
    state = ScheduleState(
        "payments", "active", "monday 09:00 UTC", counters=counters, weeks_without_edition=["2026-W40"]
    )
    assert lines(state) == [
        "left out 2 missed_catchup_window",
        "without an edition: 2026-W40; to make them: "
        "python starter.py schedule backfill payments --from 2026-W40 --to 2026-W40 --deliver",
    ]


async def test_what_the_server_really_left_out_is_counted(servers: Servers, tmp_path: Path) -> None:
    """With a policy that nobody should have: overlapping runs are skipped, and little is caught up."""
    policy = SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(seconds=10))
    async with (
        running_temporal() as temporal,
        stage_for(demo_world("2026-W47"), Servers(servers.postgres, temporal), tmp_path) as stage,
    ):
        handle = await fast_schedule(stage, timedelta(seconds=1), policy)

        async def has_skipped() -> bool:
            return (await listed(stage)).counters["overlap_skipped"] >= 1

        async def has_missed() -> bool:
            return (await listed(stage)).counters["missed_catchup_window"] >= 1

        await eventually(has_skipped)
        await temporal.kill()
        await asyncio.sleep(13)
        await temporal.start()
        await eventually(has_missed)
        await handle.pause()
        state = await listed(stage)
    assert state.counters["actions"] == 1, "no worker has taken the first one"
    counted = {name: count for name, count in state.counters.items() if name != "actions"}
    assert counted["buffer_dropped"] == 0
    left_out = [f"{count} {name}" for name, count in counted.items() if count]
    assert f"left out {', '.join(left_out)}" in lines(state)


async def test_a_trigger_without_a_worker_waits_and_says_so(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule_deeds, "WORKER_SECONDS", 1.0)
    await apply(stage, **MONDAY_NINE)
    code, output, _ = await stage.starter("schedule", "trigger", stage.team)
    assert code == 0
    assert f"due:{stage.team}-" in output
    assert "waits: no worker has taken it yet" in output
