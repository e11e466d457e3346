"""A repository's deployments: those of the window, to the environments asked for, by their last status."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from devsync.contracts.collection import CollectDeployments, UnitCollected
from devsync.domain.changelog.surroundings import DeploymentData, DeploymentOutcome
from devsync.runtime.classification import MalformedAnswer
from devsync.runtime.failures.graphql import GraphQLRefused
from sandbox.faults import Fault, FaultKind
from sandbox.world import Deployment
from tests.activities.github_stage import REPOSITORY, GitHubStage, github_stage
from tests.sandbox.github_wire import ANNA, MONDAY, sha, small_world

HOUR = timedelta(hours=1)


@pytest.fixture
async def stage(url: str) -> AsyncIterator[GitHubStage]:
    async with github_stage(small_world(), url) as ready:
        ready.sandbox.world.repositories[REPOSITORY].deployments.clear()
        ready.sandbox.world.week = "2026-W47"
        yield ready


def deploy(
    stage: GitHubStage, number: int, environment: str = "production", state: str = "success", hours: float = 0
) -> None:
    at = MONDAY + hours * HOUR
    stage.sandbox.world.repositories[REPOSITORY].deployments.append(
        Deployment(number, sha(1), environment, ANNA, at, at, state)
    )


async def collect(stage: GitHubStage, repository: str = REPOSITORY) -> UnitCollected:
    message = CollectDeployments(
        collection_id="one",
        team="payments",
        repository=repository,
        environments=("production",),
        window=stage.window,
    )
    run: Any = ActivityEnvironment().run
    collected: UnitCollected = await asyncio.to_thread(run, stage.activities.collect_deployments, message)
    return collected


async def data(stage: GitHubStage, collected: UnitCollected) -> DeploymentData:
    return DeploymentData.model_validate_json(await stage.store.get(collected.artifact))


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("success", DeploymentOutcome.SUCCEEDED),
        ("inactive", DeploymentOutcome.SUCCEEDED),
        ("failure", DeploymentOutcome.FAILED),
        ("error", DeploymentOutcome.FAILED),
        ("in_progress", DeploymentOutcome.UNFINISHED),
        ("queued", DeploymentOutcome.UNFINISHED),
    ],
)
async def test_the_last_status_tells_what_became_of_it(
    stage: GitHubStage, state: str, outcome: DeploymentOutcome
) -> None:
    deploy(stage, 1, state=state)
    (found,) = (await data(stage, await collect(stage))).deployments
    assert (found.environment, found.outcome, found.created_at) == ("production", outcome, MONDAY)


async def test_only_the_window_and_the_environments_asked_for_count(stage: GitHubStage) -> None:
    start, end = ((instant - MONDAY) / HOUR for instant in (stage.window.start, stage.window.end))
    for number, hours in enumerate((start - 1, start, end - 1, end)):
        deploy(stage, number, hours=hours)
    deploy(stage, 9, environment="staging")
    collected = await collect(stage)
    assert collected.unit == f"github:{REPOSITORY}/deployments"
    assert collected.counts == {"deployments": 2}


async def test_pages_are_read_until_they_lie_before_the_window(stage: GitHubStage) -> None:
    for number in range(150):
        deploy(stage, number, hours=number / 10)
    for number in range(150, 600):
        deploy(stage, number, hours=-400)
    collected = await collect(stage)
    assert collected.counts == {"deployments": 150}
    assert collected.api_calls == len(stage.asked) == 2
    assert collected.calls_by_road == {"graphql": 2}


async def test_a_repository_that_is_not_there_is_an_error(stage: GitHubStage) -> None:
    with pytest.raises(GraphQLRefused):
        await collect(stage, "acme/nowhere")


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind=FaultKind.NULLS, service="github", field="data.repository.deployments.nodes.*.createdAt"),
        Fault(kind=FaultKind.NULLS, service="github", field="data.repository.deployments.nodes"),
        Fault(kind=FaultKind.NULLS, service="github", field="data.repository"),
        Fault(kind=FaultKind.REPEATED_CURSOR, service="github", field="data.repository.deployments"),
    ],
    ids=lambda fault: f"{fault.kind.value} {fault.field}",
)
async def test_an_answer_that_is_none_is_malformed(stage: GitHubStage, fault: Fault) -> None:
    deploy(stage, 1)
    stage.sandbox.faults.add(fault)
    with pytest.raises(MalformedAnswer):
        await collect(stage)
