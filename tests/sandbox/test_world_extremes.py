"""The world of extremes, over both roads: it is as bad as it says, and it is served all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest_asyncio

from sandbox.expectation import expected_items, week_bounds
from sandbox.running import Sandbox, run_sandbox
from sandbox.worlds.extremes import ARCHIVED, BUSY, DESERTED, EMPTY, FORMER_NAME, RENAMED, WORDY, extreme_world
from tests.sandbox.github_wire import client, session

HISTORY = """
query($name: String!, $after: String) { repository(owner: "acme", name: $name) {
  defaultBranchRef { target { ... on Commit { history(first: 100, after: $after) {
    totalCount nodes { oid } pageInfo { hasNextPage endCursor } } } } } } }
"""
PULLS = """
query($name: String!) { repository(owner: "acme", name: $name) {
  nameWithOwner isArchived isEmpty defaultBranchRef { id }
  pullRequests(first: 5) { nodes { title body author { login } labels(first: 100) { totalCount }
    reviews(first: 1) { nodes { author { login } } } } } } }
"""


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with run_sandbox(extreme_world(), services=["github"]) as running:
        yield running


async def ask(sandbox: Sandbox, query: str, full_name: str, **variables: Any) -> Any:
    variables["name"] = full_name.partition("/")[2]
    requester = client(sandbox, timeout=10).requester
    return (await asyncio.to_thread(requester.graphql_query, query, variables))[1]["data"]["repository"]


async def test_ten_thousand_commits_of_one_week_are_read_to_the_end(sandbox: Sandbox) -> None:
    oids: set[str] = set()
    after, has_next = None, True
    while has_next:
        branch = (await ask(sandbox, HISTORY, BUSY, after=after))["defaultBranchRef"]
        history = branch["target"]["history"]
        oids |= {node["oid"] for node in history["nodes"]}
        after, has_next = history["pageInfo"]["endCursor"], history["pageInfo"]["hasNextPage"]
    assert len(oids) == history["totalCount"] == 10_000
    url = f"{sandbox.github_url}/repos/{BUSY}/commits?per_page=100&page=100"
    last = await asyncio.to_thread(session().get, url, timeout=5)
    assert (len(last.json()), "next" in last.links) == (100, False)


async def test_titles_are_ten_thousand_characters_long(sandbox: Sandbox) -> None:
    pulls = (await ask(sandbox, PULLS, WORDY))["pullRequests"]["nodes"]
    assert [len(pull["title"]) for pull in pulls] == [10_000, 10_000, 10_000, 9_997]
    assert min(len(pull["body"]) for pull in pulls) > 59_000
    assert pulls[-1]["labels"]["totalCount"] == 100


async def test_names_people_and_commits_may_be_gone(sandbox: Sandbox) -> None:
    assert (await ask(sandbox, PULLS, FORMER_NAME))["nameWithOwner"] == RENAMED
    assert (await ask(sandbox, PULLS, ARCHIVED))["isArchived"] is True
    deserted = (await ask(sandbox, PULLS, DESERTED))["pullRequests"]["nodes"]
    assert [pull["author"] for pull in deserted] == [None] * 3
    assert [pull["reviews"]["nodes"][0]["author"] for pull in deserted] == [None] * 3
    empty = await ask(sandbox, PULLS, EMPTY)
    assert (empty["isEmpty"], empty["defaultBranchRef"]) == (True, None)


def test_everything_happens_in_the_week() -> None:
    world = extreme_world("2026-W14", commits=500)
    start, end = week_bounds("2026-W14", "UTC")
    for repository in world.repositories.values():
        for commit in repository.commits:
            assert start <= commit.committed_at < end
    [team] = world.teams
    items = expected_items(world, team, world.week)
    assert FORMER_NAME in team.repositories
    assert len([item for item in items if item.id.startswith(f"{RENAMED}#")]) == 130
    assert len(items) == 500 + 4 + 130 + 1 + 3


def test_reviews_lie_between_opening_and_merge() -> None:
    for pull in extreme_world(commits=1).repositories[DESERTED].pull_requests:
        assert pull.merged_at is not None
        assert all(timedelta() < pull.merged_at - review.submitted_at < timedelta(days=1) for review in pull.reviews)
