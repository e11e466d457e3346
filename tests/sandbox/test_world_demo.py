"""The generated worlds: the same from the same seed, true to git and to themselves, with every hard case in them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.expectation import expected_items, week_bounds
from sandbox.world import Commit, PullRequest, Repository, World
from sandbox.worlds.demo import demo_world
from sandbox.worlds.generator import generated_world
from sandbox.worlds.people import CONTRACTOR, NEWCOMER


@pytest.fixture(scope="module")
def world() -> World:
    return demo_world()


def pulls(world: World) -> list[PullRequest]:
    return [pull for repository in world.repositories.values() for pull in repository.pull_requests]


def commits(world: World) -> list[Commit]:
    return [commit for repository in world.repositories.values() for commit in repository.commits]


def bounds(world: World) -> tuple[datetime, datetime]:
    return week_bounds(world.week, world.teams[0].timezone)


def assert_is_sound(repository: Repository) -> None:
    """What git and GitHub guarantee of any repository."""
    known = {commit.sha: position for position, commit in enumerate(repository.commits)}
    assert len(known) == len(repository.commits), "a SHA occurs twice"
    instants = [commit.committed_at for commit in repository.commits]
    assert instants == sorted(instants, reverse=True), "newest first"
    for position, commit in enumerate(repository.commits):
        for parent in commit.parents:
            assert known[parent] > position, "a parent is older than its child"
        if position < len(repository.commits) - 1:
            assert commit.parents, "only the first commit has no parent"
    branch = {commit.sha for commit in repository.branch_commits}
    assert not branch & set(known)
    assert len({pull.number for pull in repository.pull_requests}) == len(repository.pull_requests)
    for pull in repository.pull_requests:
        assert pull.commit_shas
        assert all(sha in branch or sha in known for sha in pull.commit_shas)
        assert (pull.merged_at is None) == (pull.merge_commit_sha is None)
        if pull.merge_commit_sha is not None:
            merge = repository.commits[known[pull.merge_commit_sha]]
            assert merge.committed_at == pull.merged_at
            assert pull.created_at < merge.committed_at <= pull.updated_at


def test_the_same_seed_gives_the_same_world_and_another_seed_another() -> None:
    assert repr(demo_world(seed=4)) == repr(demo_world(seed=4))
    assert repr(demo_world(seed=4)) != repr(demo_world(seed=5))
    once, again = (generated_world(repositories=3, projects=2, pull_requests=30, issues=10, seed=4) for _ in range(2))
    assert repr(once) == repr(again)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    week=st.integers(1, 52),
    timezone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu"]),
)
def test_every_demo_world_is_sound_and_has_no_two_meanings(seed: int, week: int, timezone: str) -> None:
    built = demo_world(f"2026-W{week:02d}", seed=seed, timezone=timezone)
    for repository in built.repositories.values():
        assert_is_sound(repository)
    start, end = week_bounds(built.week, timezone)
    for repository in built.repositories.values():
        by_sha = {commit.sha: commit for commit in repository.commits}
        for pull in repository.pull_requests:
            if pull.merged_at and not start <= pull.merged_at < end:
                brought = [by_sha[sha] for sha in pull.commit_shas if sha in by_sha]
                assert not [one for one in brought if start <= one.committed_at < end], "a branch reaches into the week"


def test_every_edge_of_the_week_has_a_change_on_both_sides(world: World) -> None:
    start, end = bounds(world)
    second = timedelta(seconds=1)
    assert {start, start - second, end - second, end} <= {pull.merged_at for pull in pulls(world)}
    assert {start, end} <= {commit.committed_at for commit in commits(world)}
    assert {start, end} <= {issue.resolved_at for project in world.projects.values() for issue in project.issues}


def test_every_way_to_land_is_there(world: World) -> None:
    start, end = bounds(world)
    of_week = [commit for commit in commits(world) if start <= commit.committed_at < end]
    merged = {pull.merge_commit_sha: pull for pull in pulls(world)}
    subjects = [commit.message.split("\n")[0] for commit in of_week]
    assert any(re.search(r"\(#\d+\)$", subject) for subject in subjects), "squash"
    assert any(len(commit.parents) == 2 for commit in of_week), "merge commit"
    assert any(commit.sha in merged and len(commit.parents) == 1 and "#" not in commit.message for commit in of_week), (
        "rebase"
    )
    assert any(commit.sha not in merged and "Scale" in commit.message for commit in of_week), "no pull request"


def test_the_newcomer_is_new_and_everybody_else_is_not(world: World) -> None:
    start, end = bounds(world)
    of_week = {commit.author.login for commit in commits(world) if start <= commit.committed_at < end}
    before = {commit.author.login for commit in commits(world) if commit.committed_at < start}
    bots = {commit.author.login for commit in commits(world) if commit.author.is_bot}
    assert of_week - before - bots == {NEWCOMER.login}
    assert any(commit.author == CONTRACTOR and not commit.known_account for commit in commits(world))


@pytest.mark.parametrize("text", ["UTF-8", "SHA-256", "CVE-2026-1234", "<!channel>", "<script>", "{{ ", "\u202e", "`"])
def test_false_friends_and_hostile_titles_are_in_the_week(text: str) -> None:
    found = [pull for seed in range(12) for pull in pulls(demo_world(seed=seed)) if text in pull.title]
    assert found


def test_keys_stand_in_title_body_and_branch(world: World) -> None:
    keys = {issue.key for project in world.projects.values() for issue in project.issues}

    def names(text: str) -> bool:
        return any(re.search(rf"\b{key}\b", text) for key in keys)

    places = {(names(pull.title), names(pull.body), names(pull.head_branch)) for pull in pulls(world)}
    assert {(True, False, True), (False, True, False), (False, False, True), (False, False, False)} <= places
    assert (True, True, True) in places, "the body names another issue than the title"


def test_a_large_world_has_what_was_asked_for_inside_the_week() -> None:
    built = generated_world(repositories=12, projects=4, pull_requests=300, issues=90)
    start, end = week_bounds(built.week, "Europe/Berlin")
    in_week = [pull for pull in pulls(built) if pull.merged_at and start <= pull.merged_at < end]
    resolved = [
        issue
        for project in built.projects.values()
        for issue in project.issues
        if issue.resolved_at and start <= issue.resolved_at < end
    ]
    assert (len(built.repositories), len(built.projects), len(in_week), len(resolved)) == (12, 4, 300, 90)
    for repository in built.repositories.values():
        assert_is_sound(repository)


def test_a_fleet_gives_every_team_its_own_repositories_and_projects() -> None:
    built = generated_world(teams=20, repositories=100, projects=20, pull_requests=200, issues=40)
    owned = [name for team in built.teams for name in team.repositories]
    assert len(owned) == len(set(owned)) == 100
    assert {len(team.repositories) for team in built.teams} == {5}
    assert len({key for team in built.teams for key in team.projects}) == 20
    assert sum(len(expected_items(built, team, built.week)) for team in built.teams) == 206


def test_a_team_without_a_repository_is_refused() -> None:
    with pytest.raises(ValueError, match="3 teams need at least as many"):
        generated_world(teams=3, repositories=2, projects=3)
