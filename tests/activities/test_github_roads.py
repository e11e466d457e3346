"""Two roads, one week: REST and GraphQL give the same data, hence the same edition, within the same budget of calls."""

from datetime import timedelta
from math import ceil
from pathlib import Path
from typing import Any

import pytest

from activities.github.graphql import GRAPHQL
from activities.github.rest import REST
from devsync.domain.changelog.collected import RepositoryData
from devsync.domain.changelog.compose import compose
from devsync.domain.changelog.composition import CompositionInput, RepositoryUnit
from devsync.domain.changelog.edition import Edition
from sandbox.world import Commit, GitHubIssue, Person, PullRequest, Repository, Review, World
from sandbox.worlds.demo import demo_world
from sandbox.worlds.extremes import extreme_world
from sandbox.worlds.generator import generated_world
from sandbox.worlds.history import history_world
from tests.activities.github_stage import GitHubStage, github_stage
from tests.sandbox.github_wire import ANNA, MONDAY, sha, small_world

HISTORIES = Path(__file__).parents[3] / "shared" / "data" / "history"
NOT_BY_BOTH: Any = {
    "default_branch": True,
    "pull_requests": {"__all__": {"first_commit_at", "first_reviewed_at", "closes"}},
    "releases": {"__all__": {"author"}},
}
"""What one road knows better. Nothing of it decides what an edition says."""
BUDGET = 1.2


def without_numbers(edition: Edition) -> str:
    return edition.model_copy(update={"metrics": None}).model_dump_json()


def known_to_both(data: RepositoryData) -> dict[str, object]:
    return data.model_dump(exclude=NOT_BY_BOTH)


def edition_of(stage: GitHubStage, units: list[RepositoryData]) -> Edition:
    return compose(
        CompositionInput(
            team="payments",
            iso_week=stage.sandbox.world.week,
            window=stage.window,
            repositories=tuple(RepositoryUnit(data=data) for data in units),
            units_asked=tuple(f"github:{data.repository}" for data in units),
        )
    )


async def both_roads(world: World, url: str) -> tuple[Edition, list[int], list[int]]:
    """Collects every repository by both roads and compares; the edition, and each road's calls by repository."""
    found: dict[str, list[RepositoryData]] = {GRAPHQL: [], REST: []}
    calls: dict[str, list[int]] = {GRAPHQL: [], REST: []}
    async with github_stage(world, url) as stage:
        for repository in world.repositories:
            for road in (GRAPHQL, REST):
                before = len(stage.asked)
                collected = await stage.collect(repository, road)
                await stage.forget()
                assert (collected.road, collected.notes) == (road, ())
                assert len(stage.asked) - before == collected.api_calls == sum(collected.calls_by_road.values())
                found[road].append(await stage.data(collected))
                calls[road].append(collected.api_calls)
            by_graphql, by_rest = found[GRAPHQL][-1], found[REST][-1]
            assert known_to_both(by_graphql) == known_to_both(by_rest)
        edition = edition_of(stage, found[GRAPHQL])
        # Reviews are known to GraphQL alone, and so are numbers that are made of them.
        assert without_numbers(edition) == without_numbers(edition_of(stage, found[REST]))
        return edition, calls[GRAPHQL], calls[REST]


async def test_the_demo_week_is_the_same_by_both_roads(url: str) -> None:
    edition, _, _ = await both_roads(demo_world("2026-W47"), url)
    assert edition.item_count > 20


async def test_a_generated_week_is_the_same_by_both_roads_and_within_the_budget(url: str) -> None:
    world = generated_world(repositories=6, projects=1, pull_requests=900, issues=10, week="2026-W47", timezone="UTC")
    edition, by_graphql, by_rest = await both_roads(world, url)
    assert edition.item_count > 500
    pages = sum(
        max(1, ceil(size / 100))
        for repository in world.repositories.values()
        for size in (len(repository.pull_requests), len(repository.commits), len(repository.releases))
    )
    assert sum(by_graphql) <= BUDGET * pages
    assert sum(by_rest) <= BUDGET * pages
    assert sum(by_graphql) < sum(by_rest)


@pytest.mark.skipif(not HISTORIES.is_dir(), reason="the shared histories are not beside the project")
@pytest.mark.parametrize(
    ("team", "week"),
    [
        ("calcite", "2026-W25"),
        ("devlake", None),
        ("zookeeper", None),
        ("commitlint", None),
        ("git-cliff", None),
        ("sdk-python", None),
        ("all", None),
    ],
)
async def test_a_real_week_is_the_same_by_both_roads(url: str, team: str, week: str | None) -> None:
    edition, _, _ = await both_roads(history_world(HISTORIES, team, week=week), url)
    assert edition.item_count > 0


async def test_ten_thousand_commits_in_a_week_are_all_collected_by_both_roads(url: str) -> None:
    repository = Repository(id=1, owner="acme", name="monorepo")
    for number in range(10_000):
        at = MONDAY + timedelta(seconds=30 * number)
        parents = [sha(number - 1)] if number else []
        repository.commits.insert(0, Commit(sha(number), f"fix: case {number}", ANNA, at, at, parents))
    edition, by_graphql, by_rest = await both_roads(World({repository.full_name: repository}, week="2026-W47"), url)
    assert edition.item_count == 10_000
    assert by_graphql == by_rest == [102]


async def test_a_week_of_extremes_is_the_same_by_both_roads(url: str) -> None:
    edition, _, _ = await both_roads(extreme_world(commits=300), url)
    assert edition.item_count > 300


async def test_a_title_of_ten_thousand_characters_arrives_whole(url: str) -> None:
    world = small_world()
    world.repositories["acme/payments-api"].pull_requests[0].title = "long " * 2_000
    async with github_stage(world, url) as stage:
        data = await stage.data(await stage.collect("acme/payments-api", "graphql"))
    assert {len(pull.title) for pull in data.pull_requests} >= {10_000}


async def test_deleted_users_are_ghosts_by_both_roads(url: str) -> None:
    world = small_world()
    gone = Person("Gone Person", "gone", "gone@acme.example", is_deleted=True)
    repository = world.repositories["acme/payments-api"]
    repository.pull_requests[0].author = gone
    repository.commits[0].author = gone
    repository.releases[0].author = gone
    edition, _, _ = await both_roads(world, url)
    assert any("@ghost" in item.people for item in edition.items)


async def test_graphql_tells_reviews_first_commits_and_closed_issues_besides(url: str) -> None:
    world = small_world()
    pull = world.repositories["acme/payments-api"].pull_requests[0]
    reviewer = Person("Mehmet Yıldız", "myildiz", "mehmet@acme.example")
    bot = Person("checks[bot]", "checks[bot]", "checks@acme.example", is_bot=True)
    world.repositories["acme/payments-api"].issues = [GitHubIssue(900, "It fails", "", ANNA, MONDAY, MONDAY)]
    pull.closes = [900]
    pull.reviews = [
        Review(1, bot, "COMMENTED", MONDAY + timedelta(minutes=1)),
        Review(2, pull.author, "COMMENTED", MONDAY + timedelta(minutes=2)),
        Review(3, reviewer, "APPROVED", MONDAY + timedelta(minutes=9)),
    ]
    async with github_stage(world, url) as stage:
        data = await stage.data(await stage.collect("acme/payments-api", "graphql"))
    told = next(one for one in data.pull_requests if one.number == pull.number)
    assert told.first_reviewed_at == MONDAY + timedelta(minutes=9)
    assert told.first_commit_at is not None
    assert told.closes == ("acme/payments-api#900",)


async def test_a_repository_without_commits_is_an_empty_week_by_both_roads(url: str) -> None:
    world = World({"acme/new": Repository(id=9, owner="acme", name="new")}, week="2026-W47")
    edition, _, _ = await both_roads(world, url)
    assert edition.item_count == 0


async def test_pull_requests_merged_outside_the_window_are_left_out_by_both_roads(url: str) -> None:
    world = small_world(3)
    repository = world.repositories["acme/payments-api"]
    for number, at in ((50, MONDAY - timedelta(days=30)), (51, MONDAY + timedelta(days=30))):
        repository.pull_requests.append(
            PullRequest(number, f"Other {number}", "", ANNA, at, MONDAY + timedelta(days=1), at, sha(7000 + number))
        )
    edition, _, _ = await both_roads(world, url)
    assert {item.pull_request for item in edition.items} == {1, 2, 3}
