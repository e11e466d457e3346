"""Repositories that are not where, or not what, they were: renamed, archived, gone."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from devsync.domain.errors import ErrorCategory
from devsync.runtime.classification import classify
from sandbox.faults import Fault, FaultKind
from sandbox.world import Commit
from tests.activities.github_stage import GitHubStage, github_stage
from tests.sandbox.github_wire import ANNA, MONDAY, sha, small_world

OLD, NEW = "acme/payments", "acme/payments-api"
ROADS = ["graphql", "rest"]


@pytest.fixture
async def stage(url: str) -> AsyncIterator[GitHubStage]:
    world = small_world(120)
    world.repositories[NEW].former_names = [OLD]
    async with github_stage(world, url) as ready:
        yield ready


@pytest.mark.parametrize("road", ROADS)
async def test_a_renamed_repository_is_collected_whole_and_its_new_name_is_told(stage: GitHubStage, road: str) -> None:
    collected = await stage.collect(OLD, road)
    by_new_name = await stage.collect(NEW, road)
    assert collected.counts == by_new_name.counts
    assert collected.counts["pull_requests"] > 100, "more than one page: the redirect must not lose the query"
    assert collected.notes == (f"GitHub calls it {NEW} now; write that name in the team file",)
    assert by_new_name.notes == ()
    data = await stage.data(collected)
    assert data.repository == OLD, "the unit that was asked for"
    assert all(NEW in pull.url for pull in data.pull_requests)


@pytest.mark.parametrize("road", ROADS)
async def test_a_renamed_repository_that_has_not_changed_costs_only_304s(stage: GitHubStage, road: str) -> None:
    await stage.collect(OLD, road)
    before = len(stage.asked)
    again = await stage.collect(OLD, road)
    assert again.is_unchanged
    assert again.notes, "told as long as the team file has the old name"
    assert {record.status for record in stage.asked[before:]} == {304}


async def test_a_repository_renamed_between_two_collections_is_read_anew(stage: GitHubStage) -> None:
    repository = stage.sandbox.world.repositories.pop(NEW)
    repository.name, repository.former_names = "payments-core", [NEW]
    stage.sandbox.world.repositories[repository.full_name] = repository
    await stage.collect("acme/payments-core")
    collected = await stage.collect(NEW, "rest")
    assert "payments-core" in collected.notes[0]
    assert collected.counts["pull_requests"] > 100


@pytest.mark.parametrize("road", ROADS)
async def test_an_archived_repository_is_collected_like_any_other(stage: GitHubStage, road: str) -> None:
    stage.sandbox.world.repositories[NEW].archived_at = datetime(2026, 11, 21, tzinfo=UTC)
    collected = await stage.collect(NEW, road)
    assert collected.counts["pull_requests"] > 100
    assert collected.notes == ()


@pytest.mark.parametrize("road", [*ROADS, "auto"])
async def test_a_repository_that_does_not_exist_fails_for_good(stage: GitHubStage, road: str) -> None:
    with pytest.raises(Exception) as raised:  # noqa: PT011
        await stage.collect("acme/nothing", road)
    failure = classify(raised.value, "github", datetime.now(UTC))
    assert (failure.category, failure.is_retryable) == (ErrorCategory.DATA_COLLECTION, False)


async def test_githubs_409_for_a_repository_without_commits_is_an_empty_list(stage: GitHubStage) -> None:
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", route="/commits$", status=409))
    collected = await stage.collect(NEW, "rest")
    assert collected.counts["commits"] == 0


async def test_a_branch_pushed_over_between_pages_over_rest_loses_no_commit_of_the_new_history(
    stage: GitHubStage,
) -> None:
    """REST pages a list that moves. Its first page is older than the rest, and the next probe finds that out."""
    repository = stage.sandbox.world.repositories[NEW]
    stage.sandbox.faults.add(
        Fault(kind=FaultKind.STATUS, service="github", route="/commits$", status=503, after=1, count=1)
    )
    with pytest.raises(Exception, match="503"):
        await stage.collect(NEW, "rest", collection_id="one")
    repository.commits = [
        Commit(sha(50_000 + n), commit.message, ANNA, commit.authored_at, commit.committed_at, commit.parents)
        for n, commit in enumerate(repository.commits)
    ]
    repository.revision += 1
    await stage.collect(NEW, "rest", collection_id="one", attempt=2)
    again = await stage.collect(NEW, "rest")
    assert not again.is_unchanged
    data = await stage.data(again)
    assert all(int(commit.sha, 16) >= 50_000 for commit in data.commits)
    assert min(commit.committed_at for commit in data.commits) >= MONDAY
