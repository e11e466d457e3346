"""A week that is collected again: an unchanged repository costs 304s, a changed one is read anew."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from activities import remembering
from sandbox.faults import Fault, FaultKind
from sandbox.world import Commit, PullRequest, Release, Repository
from sandbox.worlds.generator import generated_world
from tests.activities.github_stage import GitHubStage, busy_world, github_stage
from tests.sandbox.github_wire import ANNA, MONDAY, sha, small_world

REPOSITORY = "acme/payments-api"
ROADS = ["graphql", "rest"]


@pytest.fixture
async def stage(url: str) -> AsyncIterator[GitHubStage]:
    async with github_stage(small_world(5), url) as ready:
        yield ready


def repository_of(stage: GitHubStage) -> Repository:
    return stage.sandbox.world.repositories[REPOSITORY]


async def statuses(stage: GitHubStage, road: str = "auto") -> list[int | None]:
    """Collects the week once more; the statuses of what GitHub answered."""
    before = len(stage.asked)
    await stage.collect(REPOSITORY, road)
    return [record.status for record in stage.asked[before:]]


@pytest.mark.parametrize("road", ROADS)
async def test_an_unchanged_repository_costs_only_304s_and_gives_the_same_artifact_as_live(
    stage: GitHubStage, road: str
) -> None:
    first = await stage.collect(REPOSITORY, road)
    before = len(stage.asked)
    second = await stage.collect(REPOSITORY, road)
    answers = [record.status for record in stage.asked[before:]]
    assert answers == [304] * 3
    assert (second.is_unchanged, second.artifact, second.counts) == (True, first.artifact, first.counts)
    assert (second.road, second.api_calls, second.calls_by_road) == (road, 3, {"rest": 3})
    assert second.collected_at > first.collected_at
    assert second.provenance.kind.value == "live"


async def test_a_whole_unchanged_team_costs_only_304s(url: str) -> None:
    world = generated_world(repositories=8, projects=1, pull_requests=900, issues=10, week="2026-W47", timezone="UTC")
    async with github_stage(world, url) as stage:
        for road in ROADS:
            for repository in world.repositories:
                await stage.collect(repository, road)
            before = len(stage.asked)
            for repository in world.repositories:
                assert (await stage.collect(repository, road)).is_unchanged
            answers = {record.status for record in stage.asked[before:]}
            assert answers == {304}
            await stage.forget()


def merge_one_more(repository: Repository) -> None:
    at = MONDAY + timedelta(days=2)
    repository.commits.insert(0, Commit(sha(500), "Another (#50)", ANNA, at, at, [repository.commits[0].sha]))
    repository.pull_requests.append(PullRequest(50, "Another", "", ANNA, at, at, at, sha(500)))


def edit_a_title(repository: Repository) -> None:
    repository.pull_requests[0].title = "Worded better"
    repository.pull_requests[0].updated_at += timedelta(days=3)


def push_a_commit(repository: Repository) -> None:
    at = MONDAY + timedelta(days=2)
    repository.commits.insert(0, Commit(sha(501), "Straight to main", ANNA, at, at, [repository.commits[0].sha]))


def push_over_the_branch(repository: Repository) -> None:
    repository.commits[0].sha = sha(777)


def publish_a_release(repository: Repository) -> None:
    at = MONDAY + timedelta(days=1)
    repository.releases.append(Release(99, "v9", "Nine", "", ANNA, at, at))


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.parametrize(
    "change", [merge_one_more, edit_a_title, push_a_commit, push_over_the_branch, publish_a_release]
)
async def test_a_change_is_seen(stage: GitHubStage, road: str, change: Callable[[Repository], None]) -> None:
    first = await stage.collect(REPOSITORY, road)
    repository = repository_of(stage)
    change(repository)
    repository.revision += 1
    second = await stage.collect(REPOSITORY, road)
    assert not second.is_unchanged
    assert second.artifact.digest != first.artifact.digest
    assert (await stage.collect(REPOSITORY, road)).is_unchanged


@pytest.mark.parametrize("road", ROADS)
async def test_a_change_on_a_later_page_is_seen(url: str, road: str) -> None:
    """An old branch is merged after its week was told: its commits stand behind the first hundred."""
    world = small_world(2)
    repository = world.repositories[REPOSITORY]
    repository.commits = [
        Commit(sha(n), f"Step {n}", ANNA, MONDAY + timedelta(minutes=n), MONDAY + timedelta(minutes=n), [sha(n - 1)])
        for n in range(300, 100, -1)
    ]
    async with github_stage(world, url) as stage:
        first = await stage.collect(REPOSITORY, road)
        assert first.counts["commits"] == 200
        at = MONDAY + timedelta(minutes=1)
        repository.commits.append(Commit(sha(1), "From an old branch", ANNA, at, at))
        if road == "graphql":  # a merge makes a new head; over REST the list of the window is looked at itself
            later = MONDAY + timedelta(days=20)
            merge = Commit(sha(999), "Merge the old branch", ANNA, later, later, [sha(300), sha(1)])
            repository.commits.insert(0, merge)
        repository.revision += 1
        second = await stage.collect(REPOSITORY, road)
        assert (second.is_unchanged, second.counts["commits"]) == (False, 201)


async def test_a_change_while_the_week_is_read_is_found_by_the_next_probe(stage: GitHubStage) -> None:
    repository = repository_of(stage)

    def change_afterwards(body: object, _number: int) -> object:
        merge_one_more(repository)
        return body

    stage.alter[:] = [change_afterwards]
    first = await stage.collect(REPOSITORY, "graphql")
    stage.alter.clear()
    second = await stage.collect(REPOSITORY, "graphql")
    assert not second.is_unchanged
    assert second.counts["pull_requests"] == first.counts["pull_requests"] + 1


async def test_tags_that_are_younger_than_the_pages_are_not_trusted(url: str) -> None:
    """The first attempt could learn none, stored a page and failed; then a title on that page is edited."""
    async with github_stage(busy_world(), url) as stage:
        stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", route="/pulls", status=503, count=1))
        stage.sandbox.faults.add(
            Fault(kind=FaultKind.STATUS, service="github", route="^/graphql", status=503, after=1, count=1)
        )
        with pytest.raises(Exception, match="503"):
            await stage.collect(REPOSITORY, "graphql", collection_id="one")
        repository = repository_of(stage)
        repository.pull_requests[-1].title = "Worded better"
        repository.pull_requests[-1].updated_at += timedelta(days=3)
        repository.revision += 1
        await stage.collect(REPOSITORY, "graphql", collection_id="one", attempt=2)
        again = await stage.collect(REPOSITORY, "graphql")
        assert not again.is_unchanged
        assert "Worded better" in [pull.title for pull in (await stage.data(again)).pull_requests]


async def test_another_window_of_the_same_repository_is_collected_itself(stage: GitHubStage) -> None:
    await stage.collect(REPOSITORY)
    stage.sandbox.world.week = "2026-W46"
    assert not (await stage.collect(REPOSITORY)).is_unchanged


async def test_another_build_that_maps_differently_reuses_nothing(
    stage: GitHubStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.collect(REPOSITORY)
    monkeypatch.setitem(remembering.FORMS, "github", 2)
    assert 304 not in await statuses(stage)


async def test_what_is_not_in_the_store_any_more_is_not_asked_for_conditionally(stage: GitHubStage) -> None:
    """A 304 for a copy that is gone would be an edition without data."""
    await stage.collect(REPOSITORY)
    await stage.database.execute(text("DELETE FROM artifacts"))
    assert 304 not in await statuses(stage)


@pytest.mark.parametrize("road", ROADS)
async def test_a_304_without_a_stored_copy_is_an_error_and_no_empty_week(stage: GitHubStage, road: str) -> None:
    stage.caches.append("/")
    with pytest.raises(Exception, match="304 Not Modified"):
        await stage.collect(REPOSITORY, road)


async def test_a_probe_that_fails_costs_no_data(stage: GitHubStage) -> None:
    await stage.collect(REPOSITORY)
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", route="/pulls", status=503))
    collected = await stage.collect(REPOSITORY)
    assert (collected.is_unchanged, collected.road) == (False, "graphql")
    assert collected.counts["pull_requests"] == 5


async def test_a_probe_that_is_told_to_slow_down_does_not_go_on(stage: GitHubStage) -> None:
    await stage.collect(REPOSITORY)
    stage.sandbox.faults.add(
        Fault(kind=FaultKind.SECONDARY_LIMIT, service="github", route="/pulls", retry_after_seconds=30)
    )
    before = len(stage.asked)
    with pytest.raises(Exception, match="secondary rate limit"):
        await stage.collect(REPOSITORY)
    assert len(stage.asked) == before + 1


@pytest.mark.parametrize("road", ROADS)
async def test_a_retry_of_a_finished_attempt_asks_nothing_again(stage: GitHubStage, road: str) -> None:
    """The worker died between storing the artifact and reporting it: the pages are all there."""
    await stage.collect(REPOSITORY, road, collection_id="one")
    before = len(stage.asked)
    collected = await stage.collect(REPOSITORY, road, collection_id="one", attempt=2)
    assert (len(stage.asked) - before, collected.api_calls) == (0, 0)
    assert (await stage.collect(REPOSITORY, road)).is_unchanged
