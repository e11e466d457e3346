"""What goes wrong inside GraphQL answers, as a client meets it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
import requests
from github import GithubException, RateLimitExceededException

from sandbox.faults import Fault, FaultKind
from sandbox.running import Sandbox, run_sandbox
from tests.sandbox.github_wire import client, session, small_world

NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
QUERY = """
query($first: Int!, $after: String) { repository(owner: "acme", name: "payments-api") {
  pullRequests(first: $first, after: $after) { nodes { number title } pageInfo { hasNextPage endCursor } }
  releases(first: 1, after: null) { pageInfo { hasNextPage endCursor } }
} }
"""
PULLS = "data.repository.pullRequests"


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with run_sandbox(small_world(60), clock=lambda: NOW, services=["github"]) as running:
        yield running


async def post(sandbox: Sandbox, first: int = 5, after: str | None = None) -> requests.Response:
    body = {"query": QUERY, "variables": {"first": first, "after": after}}
    return await asyncio.to_thread(session().post, f"{sandbox.github_url}/graphql", json=body, timeout=5)


async def ask(sandbox: Sandbox, first: int = 5, after: str | None = None) -> Any:
    requester = client(sandbox).requester
    return (await asyncio.to_thread(requester.graphql_query, QUERY, {"first": first, "after": after}))[1]


def fault(kind: FaultKind, **more: Any) -> Fault:
    return Fault(kind=kind, service="github", route="^/graphql$", **more)


@pytest.mark.parametrize(("first", "status"), [(100, 502), (26, 502), (25, 200), (1, 200)])
async def test_a_page_that_is_too_large_times_out(sandbox: Sandbox, first: int, status: int) -> None:
    sandbox.faults.add(fault(FaultKind.STATUS, status=502, larger_than=25))
    answer = await post(sandbox, first)
    assert answer.status_code == status
    if status == 502:
        body = answer.json()
        assert body["data"] is None
        assert body["errors"][0]["message"].startswith("Something went wrong while executing your query.")


async def test_pygithub_meets_the_time_out_as_json_and_as_html(sandbox: Sandbox) -> None:
    for kind in (FaultKind.STATUS, FaultKind.HTML):
        sandbox.faults.clear()
        sandbox.faults.add(fault(kind, status=502, larger_than=25))
        with pytest.raises(GithubException) as failed:
            await ask(sandbox, first=50)
        assert failed.value.status == 502
        assert len((await ask(sandbox, first=25))["data"]["repository"]["pullRequests"]["nodes"]) == 25


async def test_the_size_of_a_rest_page_counts_too(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", status=502, larger_than=50))
    url = f"{sandbox.github_url}/repos/acme/payments-api/pulls"
    statuses = [
        (await asyncio.to_thread(session().get, f"{url}{query}", timeout=5)).status_code
        for query in ("?per_page=51", "?per_page=50", "")
    ]
    assert statuses == [502, 200, 200]


async def test_partial_data_comes_with_an_error_that_names_the_hole(sandbox: Sandbox) -> None:
    sandbox.faults.add(fault(FaultKind.PARTIAL, field=f"{PULLS}.nodes.2"))
    answer = await post(sandbox)
    nodes = answer.json()["data"]["repository"]["pullRequests"]["nodes"]
    assert (answer.status_code, [node is None for node in nodes]) == (200, [False, False, True, False, False])
    assert answer.json()["errors"][0]["path"] == ["repository", "pullRequests", "nodes", 2]
    with pytest.raises(GithubException) as failed:
        await ask(sandbox)
    assert failed.value.status == 400, "PyGithub makes a 400 of it"
    assert failed.value.data["data"]["repository"]["pullRequests"]["nodes"][0]["number"] == 1


async def test_all_data_may_be_missing(sandbox: Sandbox) -> None:
    sandbox.faults.add(fault(FaultKind.PARTIAL, field="data"))
    assert (await post(sandbox)).json()["data"] is None


async def test_a_null_where_the_schema_has_none_comes_without_a_word(sandbox: Sandbox) -> None:
    sandbox.faults.add(fault(FaultKind.NULLS, field=f"{PULLS}.nodes.*.title"))
    answer = await ask(sandbox)
    assert [node["title"] for node in answer["data"]["repository"]["pullRequests"]["nodes"]] == [None] * 5
    assert "errors" not in answer


async def test_a_null_may_stand_in_a_rest_list(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(kind=FaultKind.NULLS, service="github", route="/pulls$", field="*.user"))
    url = f"{sandbox.github_url}/repos/acme/payments-api/pulls?state=all"
    answer = await asyncio.to_thread(session().get, url, timeout=5)
    assert {pull["user"] for pull in answer.json()} == {None}


async def test_a_cursor_that_repeats_leads_nowhere(sandbox: Sandbox) -> None:
    sandbox.faults.add(fault(FaultKind.REPEATED_CURSOR, field=PULLS))
    cursors: list[str | None] = [None]
    for _ in range(3):
        data = (await ask(sandbox, 50, cursors[-1]))["data"]["repository"]
        assert data["pullRequests"]["pageInfo"]["hasNextPage"] is True
        cursors.append(data["pullRequests"]["pageInfo"]["endCursor"])
        assert data["releases"]["pageInfo"]["hasNextPage"] is True, "the other connection is left alone"
    assert cursors[1] is not None
    assert cursors[1] == cursors[2] == cursors[3]


async def test_the_primary_limit_is_an_error_in_a_200(sandbox: Sandbox) -> None:
    sandbox.faults.add(fault(FaultKind.RATE_LIMIT, retry_after_seconds=90))
    answer = await post(sandbox)
    assert (answer.status_code, answer.json()["errors"][0]["type"]) == (200, "RATE_LIMITED")
    assert answer.headers["X-RateLimit-Remaining"] == "0"
    assert answer.headers["X-RateLimit-Resource"] == "graphql"
    assert answer.headers["X-RateLimit-Reset"] == str(int(NOW.timestamp()) + 90)


async def test_the_secondary_limit_is_a_403_as_in_rest(sandbox: Sandbox) -> None:
    sandbox.faults.add(fault(FaultKind.SECONDARY_LIMIT, retry_after_seconds=30))
    with pytest.raises(RateLimitExceededException):
        await ask(sandbox)


@pytest.mark.parametrize("kind", [FaultKind.PARTIAL, FaultKind.NULLS, FaultKind.REPEATED_CURSOR])
def test_a_fault_that_bends_an_answer_needs_to_know_where(kind: FaultKind) -> None:
    with pytest.raises(ValueError, match=f"a {kind.value} fault needs a field"):
        fault(kind)
