"""Conditional requests at the stand-in: an ETag changes when its page does, and a 304 costs nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio
import requests

from sandbox.changes import AddCommit, AddPullRequest, DeleteUser, EditPullRequest, ForcePush, WorldChange
from sandbox.running import Sandbox, run_sandbox
from sandbox.service import Credentials
from tests.sandbox.github_wire import MONDAY, session, small_world

NAME = "acme/payments-api"
REPO = f"/repos/{NAME}"
PULLS = f"{REPO}/pulls?state=closed&sort=updated&direction=desc&per_page=100"
WEEK = "since=2026-11-16T00:00:00Z&until=2026-11-23T00:00:00Z"
COMMITS = f"{REPO}/commits?{WEEK}&per_page=100"
RELEASES = f"{REPO}/releases?per_page=100"
LATER = MONDAY + timedelta(days=60)


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with run_sandbox(small_world(250), clock=lambda: LATER, services=["github"]) as running:
        yield running


async def get(sandbox: Sandbox, path: str, **headers: str) -> requests.Response:
    return await asyncio.to_thread(session().get, sandbox.github_url + path, headers=headers, timeout=5)


async def again(sandbox: Sandbox, first: requests.Response) -> requests.Response:
    path = first.url.removeprefix(sandbox.github_url)
    return await get(sandbox, path, **{"If-None-Match": first.headers["ETag"]})


PUSH = AddCommit(repository=NAME, message="chore: later", committed_at=LATER)
PUSH_INTO_THE_WEEK = AddCommit(repository=NAME, message="fix: slipped in", committed_at=MONDAY + timedelta(hours=3))
OPENED = AddPullRequest(repository=NAME, title="feat: one more")
EDIT = EditPullRequest(repository=NAME, number=3, title="Renamed")
FORCE = ForcePush(repository=NAME, rewritten=250)
ANNA_LEAVES = DeleteUser(login="annalindqvist")


@pytest.mark.parametrize(
    ("path", "change", "is_changed"),
    [
        (PULLS, EDIT, True),
        # Each listed pull request shows its repository, with the time of the last push and the count of open ones.
        (PULLS, PUSH, True),
        (PULLS, OPENED, True),
        (PULLS, ANNA_LEAVES, True),
        (f"{PULLS}&page=3", EDIT, True),
        (COMMITS, PUSH, False),
        (COMMITS, PUSH_INTO_THE_WEEK, False),
        (f"{COMMITS}&page=2", PUSH_INTO_THE_WEEK, True),
        (COMMITS, FORCE, True),
        (COMMITS, EDIT, False),
        (COMMITS, OPENED, False),
        (COMMITS, ANNA_LEAVES, True),
        (RELEASES, EDIT, False),
        (RELEASES, PUSH, False),
        (REPO, PUSH, True),
        (REPO, OPENED, True),
        (REPO, EDIT, False),
    ],
)
async def test_an_etag_changes_exactly_when_its_page_does(
    sandbox: Sandbox, path: str, change: WorldChange, is_changed: bool
) -> None:
    first = await get(sandbox, path)
    assert (await again(sandbox, first)).status_code == 304
    sandbox.change(change)
    second = await again(sandbox, first)
    assert second.status_code == (200 if is_changed else 304)
    assert (second.headers["ETag"] != first.headers["ETag"]) == is_changed
    assert not is_changed or second.content != first.content


async def test_a_full_last_page_keeps_its_etag_when_another_comes_to_follow() -> None:
    """Why a reader must look at the 304's links: the page is the same, and no longer the last."""
    async with run_sandbox(small_world(100), services=["github"]) as running:
        path = f"{REPO}/commits?per_page=100"
        first = await get(running, path)
        assert "next" not in first.links
        oldest = running.world.repositories[NAME].commits[-1]
        running.change(AddCommit(repository=NAME, message="older", committed_at=oldest.committed_at - timedelta(1)))
        second = await again(running, first)
        assert (second.status_code, "next" in second.links) == (304, True)


async def test_a_304_has_no_body_and_costs_nothing(sandbox: Sandbox) -> None:
    first = await get(sandbox, PULLS)
    second = await again(sandbox, first)
    assert (second.status_code, second.content) == (304, b"")
    for name in ("X-RateLimit-Remaining", "X-RateLimit-Used", "ETag", "Link"):
        assert second.headers[name] == first.headers[name]


async def test_the_etag_depends_on_how_the_token_is_sent(sandbox: Sandbox) -> None:
    first = await get(sandbox, PULLS)
    known = {"If-None-Match": first.headers["ETag"]}
    other = await get(sandbox, PULLS, Authorization=f"token {Credentials().github_token}", **known)
    assert (await again(sandbox, first)).status_code == 304
    assert other.status_code == 200


async def test_a_repository_knows_when_it_was_modified(sandbox: Sandbox) -> None:
    first = await get(sandbox, REPO)
    since = {"If-Modified-Since": first.headers["Last-Modified"]}
    assert (await get(sandbox, REPO, **since)).status_code == 304
    sandbox.change(PUSH)
    assert (await get(sandbox, REPO, **since)).status_code == 200


async def test_the_log_tells_how_many_were_conditional_and_what_became_of_them(sandbox: Sandbox) -> None:
    first = await get(sandbox, PULLS)
    await again(sandbox, first)
    sandbox.change(EDIT)
    await again(sandbox, first)
    conditional = sandbox.log.select(conditional=True)
    assert [(record.path, record.status) for record in conditional] == [(f"{REPO}/pulls", 304), (f"{REPO}/pulls", 200)]
    assert sandbox.log.counts() == {"github": {"total": 3, "200": 2, "304": 1}}
    answer = await asyncio.to_thread(
        requests.get, f"{sandbox.control_url}/requests?conditional=true&status=304", timeout=5
    )
    [entry] = answer.json()["requests"]
    assert (entry["is_conditional"], entry["query"]) == (True, PULLS.partition("?")[2])
