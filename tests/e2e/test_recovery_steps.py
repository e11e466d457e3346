"""A real worker serves every step of collection's recovery, each on its service's queue."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from temporalio import workflow
from temporalio.worker import Worker

from devsync.contracts.activities import RECOVERY_STEPS, contract_of
from devsync.contracts.collection import CollectProject, CollectRepository, UnitCollected
from devsync.contracts.names import EDITIONS_QUEUE, LOCAL, project_unit, repository_unit, service_queue
from devsync.contracts.recovery import EditionSources, FailedUnit, StepRequest, StepResult
from devsync.domain.changelog.edition import ProvenanceKind
from devsync.domain.changelog.window import week_window
from devsync.domain.errors import ErrorCategory, Failure
from sandbox.changes import ReportStatus
from sandbox.worlds.demo import demo_world
from tests.e2e.stage import Stage, stage_for
from tests.servers import Servers

AWAY = Failure(category=ErrorCategory.NETWORK, message="away", is_retryable=True, code="unreachable")


@workflow.defn(sandboxed=False)
class TakeOneStep:
    @workflow.run
    async def run(self, name: str, request: StepRequest) -> StepResult:
        contract = contract_of(name)
        assert contract in RECOVERY_STEPS
        result: StepResult = await workflow.execute_activity(
            name,
            request,
            task_queue=EDITIONS_QUEUE if contract.service == LOCAL else service_queue(contract.service),
            result_type=StepResult,
            schedule_to_close_timeout=timedelta(seconds=30),
            schedule_to_start_timeout=timedelta(seconds=10),
            heartbeat_timeout=timedelta(seconds=25),
        )
        return result


@pytest.fixture
async def stage(servers: Servers, tmp_path: Path) -> AsyncIterator[Stage]:
    async with stage_for(demo_world(timezone="UTC"), servers, tmp_path) as ready:
        ready.name_mirrors_and_status_pages()
        yield ready


def failed(stage: Stage) -> tuple[list[FailedUnit], list[FailedUnit]]:
    """All repositories and all projects of the team."""
    spec, window = stage.sandbox.world.teams[0], week_window(stage.week, "UTC")
    repositories = [
        FailedUnit(
            unit=repository_unit(name),
            service="github",
            failure=AWAY,
            ask=CollectRepository(collection_id="steps", team=spec.team, repository=name, window=window),
        )
        for name in spec.repositories
    ]
    projects = [
        FailedUnit(
            unit=project_unit(key),
            service="jira",
            failure=AWAY,
            ask=CollectProject(collection_id="steps", team=spec.team, project=key, window=window),
        )
        for key in spec.projects
    ]
    return repositories, projects


async def take(
    stage: Stage, name: str, units: list[FailedUnit], collected: tuple[UnitCollected, ...] = ()
) -> StepResult:
    queue = f"steps-{uuid4()}"
    request = StepRequest(
        step=name,
        team=stage.team,
        iso_week=stage.week,
        service=units[0].service,
        phase="collect",
        window=week_window(stage.week, "UTC"),
        units=tuple(units),
        sources=EditionSources(
            mirrors=stage.sandbox.mirrors, status_pages=stage.sandbox.status_pages, collected=collected
        ),
        until=datetime.now(UTC) + timedelta(seconds=30),
    )
    async with Worker(stage.client, task_queue=queue, workflows=[TakeOneStep]):
        result: StepResult = await stage.client.execute_workflow(
            TakeOneStep.run, args=[name, request], id=f"step-{uuid4()}", task_queue=queue
        )
    return result


def kinds(result: StepResult) -> set[ProvenanceKind]:
    return {unit.provenance.kind for unit in result.healed}


async def test_each_step_alone_gives_what_it_can(stage: Stage) -> None:
    repositories, projects = failed(stage)
    stage.sandbox.change(ReportStatus(service="github", indicator="critical", incident="All is down"))
    async with stage.worker():
        status = await take(stage, "status.read_page", repositories)
        nothing = await take(stage, "local.use_cached", [*repositories, *projects])
        stage.sandbox.pause("github")
        mirrored = await take(stage, "git_mirror.collect", repositories)
        fed = await take(stage, "github.read_feed", repositories)
        stage.sandbox.pause("jira")
        derived = await take(stage, "local.derive_issues", projects, mirrored.healed)
        stage.sandbox.resume("github")
        stage.sandbox.resume("jira")
        again = await take(stage, "github.collect_again", repositories)
        again_projects = await take(stage, "jira.collect_again", projects)
        stage.sandbox.pause("github")
        stage.sandbox.pause("jira")
        cached = await take(stage, "local.use_cached", [*repositories, *projects])
        partial = await take(stage, "local.use_partial", repositories)
    assert status.facts["indicator"] == "critical"
    assert nothing.healed == ()
    assert (len(mirrored.healed), kinds(mirrored)) == (len(repositories), {ProvenanceKind.MIRROR})
    assert (len(fed.healed), kinds(fed)) == (len(repositories), {ProvenanceKind.FEED})
    assert kinds(derived) == {ProvenanceKind.DERIVED}
    assert (len(again.healed), kinds(again)) == (len(repositories), {ProvenanceKind.LIVE})
    assert (len(again_projects.healed), kinds(again_projects)) == (len(projects), {ProvenanceKind.LIVE})
    assert (len(cached.healed), kinds(cached)) == (len(repositories) + len(projects), {ProvenanceKind.CACHED})
    assert (len(partial.healed), kinds(partial)) == (len(repositories), {ProvenanceKind.PARTIAL})
