"""Refreshes on real servers: made by `apply`, and what they spare the edition that comes after them."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from temporalio.client import WorkflowHandle

from devsync.contracts import names
from devsync.contracts.breaker import ModeDecision
from devsync.contracts.edition import EditionResult
from devsync.contracts.refresh import RefreshRequest, RefreshResult
from devsync.domain.changelog.due import WeeklyTime
from devsync.runtime.breaker.operations import BreakerOperations
from devsync.runtime.refresh_schedules import apply_refresh, handle_of_refresh
from devsync.runtime.schedules import Change
from sandbox.faults import Fault, FaultKind
from sandbox.worlds.demo import demo_world
from tests.e2e.firing import apply, configuration
from tests.e2e.stage import PATIENCE_SECONDS, Stage, eventually, stage_for
from tests.servers import Servers

NEXT_WEEK, _ = WeeklyTime(weekday=0, clock=time(9), timezone="Europe/Berlin").next_due(datetime.now(UTC))
"""The week of the next edition: as a rule the one that runs."""


@pytest.fixture
async def running_week(servers: Servers, tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage on which the busy week is the one that runs now: the window of the next edition."""
    async with stage_for(demo_world(NEXT_WEEK), servers, tmp_path) as ready:
        ready.change_team(schedule={"day": "monday", "time": "09:00"})
        ready.ask_for_surroundings()
        yield ready


async def refresh(stage: Stage) -> RefreshResult:
    handle: WorkflowHandle[object, RefreshResult] = await stage.client.start_workflow(
        names.SOURCE_REFRESH,
        RefreshRequest(team=stage.team),
        id=names.refresh_id(stage.team),
        task_queue=names.CONTROL_QUEUE,
        result_type=RefreshResult,
    )
    return await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)


async def test_an_edition_after_a_refresh_asks_only_what_is_new(running_week: Stage) -> None:
    stage = running_week
    async with stage.worker():
        first = await refresh(stage)
        stage.sandbox.log.clear()
        edition: EditionResult = await stage.run()
    repositories = len(stage.sandbox.world.repositories)
    asked = stage.sandbox.log.select("github")
    assert first.iso_week == edition.iso_week == stage.week
    assert len(first.collected) == first.units_total == 13
    assert edition.gaps == ()
    assert sum(record.path == "/graphql" for record in asked) == repositories  # for deployments alone
    assert {record.status for record in asked if record.path != "/graphql"} == {304}
    assert [record.status for record in stage.sandbox.log.select("calendar")] == [304]


async def test_a_second_refresh_finds_the_repositories_and_the_calendar_unchanged(running_week: Stage) -> None:
    stage = running_week
    async with stage.worker():
        await refresh(stage)
        stage.sandbox.log.clear()
        again = await refresh(stage)
    repositories = {names.repository_unit(name) for name in stage.sandbox.world.repositories}
    assert set(again.unchanged) == {*repositories, names.calendar_unit(stage.team)}
    conditional = [record for record in stage.sandbox.log.select("github") if record.path != "/graphql"]
    assert {record.status for record in conditional} == {304}


async def test_a_source_that_is_down_is_recorded_and_the_refresh_goes_on(running_week: Stage) -> None:
    stage = running_week
    stage.change_service("jira", "retry", maximum="1s")
    stage.change_service(
        "jira", "timeouts", schedule_to_close="5s", start_to_close="5s", heartbeat=None, http_read="2s"
    )
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="jira", status=503))
    async with stage.worker():
        result = await refresh(stage)
    failed = {one.unit for one in result.failed}
    assert failed == {*map(names.project_unit, ("PAY", "LED")), *map(names.board_unit, (41, 42))}
    assert names.calendar_unit(stage.team) in result.collected


async def test_what_a_breaker_refuses_is_skipped_without_waiting(running_week: Stage) -> None:
    stage = running_week
    until = datetime.now(UTC) + timedelta(hours=1)
    async with stage.worker():
        decision = ModeDecision(by="anna", reason="maintenance", until=until)
        await BreakerOperations(stage.client).decide(names.GITHUB, "force_open", decision)
        await asyncio.sleep(2)  # the gates know by then
        result = await refresh(stage)
    assert {one.unit.partition(":")[0] for one in result.skipped} == {"github"}
    assert len(result.skipped) == 2 * len(stage.sandbox.world.repositories)
    assert result.failed == ()
    assert stage.sandbox.log.select("github") == []


async def test_apply_makes_the_schedule_keeps_a_pause_and_removes_what_is_not_wanted(stage: Stage) -> None:
    applied = await apply(stage, day="monday", time="09:00")
    assert applied.refreshes[stage.team] is Change.CREATED
    handle = handle_of_refresh(stage.client, stage.team)
    await handle.pause(note="anna: quota")
    assert await apply_refresh(stage.client, configuration(stage).team(stage.team)) is Change.UNCHANGED
    stage.change_team(refresh={"every": "2h"})
    assert await apply_refresh(stage.client, configuration(stage).team(stage.team)) is Change.UPDATED
    described = await handle.describe()
    assert described.schedule.state.paused
    assert described.schedule.state.note == "anna: quota"
    assert described.schedule.spec.intervals[0].every == timedelta(hours=2)
    stage.change_team(refresh={"enabled": False})
    team = configuration(stage).team(stage.team)
    assert await apply_refresh(stage.client, team) is Change.DELETED
    assert await apply_refresh(stage.client, team) is None


async def test_the_schedule_starts_a_refresh(running_week: Stage) -> None:
    stage = running_week
    async with stage.worker():
        await apply(stage, day="monday", time="09:00")
        handle = handle_of_refresh(stage.client, stage.team)
        await handle.trigger()

        async def has_run() -> bool:
            return bool((await handle.describe()).info.recent_actions)

        await eventually(has_run)
        (action,) = (await handle.describe()).info.recent_actions
        run = stage.client.get_workflow_handle(action.action.workflow_id, result_type=RefreshResult)  # type: ignore[attr-defined]
        result = await asyncio.wait_for(run.result(), PATIENCE_SECONDS)
    assert names.team_of(run.id) == stage.team
    assert len(result.collected) == result.units_total


async def test_a_team_file_that_is_gone_is_told_in_the_result(running_week: Stage) -> None:
    stage = running_week
    file = stage.directory / "config" / "teams" / f"{stage.team}.yaml"
    async with stage.worker():
        file.rename(file.with_name("others.yaml"))
        result = await refresh(stage)
    assert "no file" in result.problem
    assert result.units_total == 0
