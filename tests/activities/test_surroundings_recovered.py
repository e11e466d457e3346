"""Boards and deployments in recovery: asked again, remembered for when nobody answers, computed from releases."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.metrics import MetricsActivities
from devsync.contracts.collection import CollectBoard, CollectCalendar, CollectDeployments, UnitCollected
from devsync.contracts.names import board_unit, calendar_unit, deployments_unit
from devsync.contracts.recovery import EditionSources, FailedUnit, StepRequest, StepResult
from devsync.domain.changelog.edition import ProvenanceKind
from devsync.domain.changelog.surroundings import DeploymentData
from devsync.domain.changelog.window import week_window
from sandbox.faults import Fault, FaultKind
from sandbox.worlds.demo import demo_world
from tests.activities.recovery_stage import AWAY, RecoveryStage, recovery_stage

WEEK = week_window("2026-W47", "UTC")
RELEASING, QUIET = "acme/payments-web", "acme/payments-infra"
"""One repository had releases in the week, the other none."""


@pytest.fixture
async def stage(url: str, tmp_path: Path) -> AsyncIterator[RecoveryStage]:
    async with recovery_stage(demo_world(), url, tmp_path) as ready:
        yield ready


def deployments(repository: str) -> FailedUnit:
    ask = CollectDeployments(
        collection_id="one", team="payments", repository=repository, environments=("production",), window=WEEK
    )
    return FailedUnit(unit=deployments_unit(repository), service="github", failure=AWAY, ask=ask)


def board(number: int) -> FailedUnit:
    ask = CollectBoard(collection_id="one", team="payments", board=number, window=WEEK)
    return FailedUnit(unit=board_unit(number), service="jira", failure=AWAY, ask=ask)


def calendar() -> FailedUnit:
    ask = CollectCalendar(collection_id="one", team="payments", window=WEEK)
    return FailedUnit(unit=calendar_unit("payments"), service="calendar", failure=AWAY, ask=ask)


@pytest.mark.parametrize("unit", [deployments(RELEASING), board(42), calendar()], ids=lambda unit: unit.unit)
def test_what_a_unit_is_asked_with_survives_a_history(unit: FailedUnit) -> None:
    """The five messages look alike, and none says which it is."""
    assert FailedUnit.model_validate_json(unit.model_dump_json()) == unit


async def test_each_is_asked_again_by_the_step_of_its_service(stage: RecoveryStage) -> None:
    github = await stage.take(stage.github.collect_again, deployments(RELEASING), stage.repository(RELEASING))
    jira = await stage.take(stage.jira.collect_again, board(42), stage.project("LED"))
    assert [unit.unit for unit in github.healed] == [f"github:{RELEASING}/deployments", f"github:{RELEASING}"]
    assert [unit.unit for unit in jira.healed] == ["jira:board/42", "jira:LED"]


async def test_what_was_collected_once_stands_in_when_nobody_answers(stage: RecoveryStage) -> None:
    collected = await stage.take(stage.jira.collect_again, board(41))
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="jira", status=503))
    cached = await stage.take(stage.stand_ins.use_cached, board(41), board(42), window=WEEK)
    (stands_in,) = cached.healed
    assert stands_in.artifact == collected.healed[0].artifact
    assert stands_in.provenance.kind is ProvenanceKind.CACHED


async def test_a_part_of_a_board_is_never_taken_for_the_whole(stage: RecoveryStage) -> None:
    partial = await stage.take(stage.stand_ins.use_partial, board(41), deployments(RELEASING), calendar())
    assert partial.healed == ()


async def derived(stage: RecoveryStage, *units: FailedUnit, collected: tuple[UnitCollected, ...]) -> StepResult:
    request = StepRequest(
        step="derive",
        team="payments",
        iso_week="2026-W47",
        service="github",
        phase="collect",
        window=WEEK,
        units=units,
        sources=EditionSources(collected=collected),
        until=WEEK.end + timedelta(days=999),
    )
    run: Any = ActivityEnvironment().run
    result: StepResult = await run(MetricsActivities(stage.store).derive, request)
    return result


async def test_releases_stand_in_for_deployments_and_for_nothing_else(stage: RecoveryStage) -> None:
    repositories = [stage.repository(name) for name in (RELEASING, QUIET)]
    live = tuple(await asyncio.gather(*map(stage.collect, repositories)))
    failed = (deployments(RELEASING), deployments(QUIET), deployments("acme/ledger"), board(41), calendar())
    result = await derived(stage, *failed, collected=live)
    (healed,) = result.healed
    data = DeploymentData.model_validate_json(await stage.store.get(healed.artifact))
    assert healed.unit == f"github:{RELEASING}/deployments"
    assert healed.provenance.kind is ProvenanceKind.DERIVED
    assert healed.provenance.as_of == live[0].collected_at
    assert {one.environment for one in data.deployments} == {"releases"}
    assert result.message == "releases stand in for the deployments of 1 repository; 4 still missing"


async def test_where_nothing_tells_of_them_nothing_is_made_up(stage: RecoveryStage) -> None:
    result = await derived(stage, deployments(RELEASING), board(41), collected=())
    assert (result.healed, result.message) == ((), "nothing tells of it")
