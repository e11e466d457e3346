"""Whole weeks, real and made up, against the sandbox's expectation, which shares no code with composition."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from devsync.domain.changelog.compose import compose
from devsync.domain.changelog.composition import CompositionInput
from devsync.domain.changelog.window import week_window
from sandbox.expectation import expected_items
from sandbox.world import World
from sandbox.worlds.demo import demo_world
from sandbox.worlds.generator import generated_world
from sandbox.worlds.history import history_world
from tests.domain.changelog.histories import FOLDER
from tests.domain.changelog.worlds import plan_of

needs_histories = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the shared histories are not beside the project (../shared/data/history)"
)

Told = list[tuple[str, frozenset[str], tuple[str, ...]]]
"""Id, commits and issue keys of each item, in order of id."""


def told(plan: CompositionInput) -> Told:
    items = compose(plan).items
    return sorted((item.id, frozenset(item.commits), tuple(link.key for link in item.issues)) for item in items)


def expected(world: World, iso_week: str, team: int = 0) -> Told:
    items = expected_items(world, world.teams[team], iso_week)
    return sorted((item.id, frozenset(item.commits), item.keys) for item in items)


def weeks_with_commits(world: World) -> Iterator[str]:
    days = {commit.committed_at.date() for one in world.repositories.values() for commit in one.commits}
    return iter(sorted({f"{year:04d}-W{week:02d}" for year, week, _ in (day.isocalendar() for day in days)}))


@needs_histories
@pytest.mark.parametrize("team", ["calcite", "zookeeper", "devlake", "commitlint", "git-cliff", "sdk-python"])
def test_every_real_week_is_told_whole_and_once(team: str) -> None:
    world = history_world(FOLDER, team)
    plan = plan_of(world, world.teams[0], world.week)
    for iso_week in weeks_with_commits(world):
        this = plan.model_copy(update={"iso_week": iso_week, "window": week_window(iso_week, "UTC")})
        assert told(this) == expected(world, iso_week), iso_week


@needs_histories
def test_six_real_repositories_make_one_edition() -> None:
    world = history_world(FOLDER, "all", week="2026-W14")
    assert told(plan_of(world, world.teams[0], "2026-W14")) == expected(world, "2026-W14")


@pytest.mark.parametrize("seed", range(3))
def test_the_demo_week_with_its_hard_cases_is_told_whole_and_once(seed: int) -> None:
    world = demo_world(seed=seed)
    assert told(plan_of(world, world.teams[0], world.week)) == expected(world, world.week)


@pytest.mark.parametrize("seed", range(2))
def test_generated_weeks_are_told_whole_and_once(seed: int) -> None:
    world = generated_world(teams=2, repositories=6, projects=4, pull_requests=300, issues=100, seed=seed)
    for number, team in enumerate(world.teams):
        assert told(plan_of(world, team, world.week)) == expected(world, world.week, number)
