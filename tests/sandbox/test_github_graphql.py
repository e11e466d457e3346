"""The GraphQL stand-in over the wire, as PyGithub's requester asks it and where it asks it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
import requests
from github import BadCredentialsException, GithubException, UnknownObjectException

from sandbox.running import Sandbox, run_sandbox
from sandbox.service import system_clock
from tests.sandbox.github_wire import BOT, MONDAY, client, rich_world, session, sha, small_world

API = 'repository(owner: "acme", name: "payments-api")'
PULLS = """
query($first: Int!, $after: String) {
  repository(owner: "acme", name: "payments-api") {
    pullRequests(states: [MERGED], orderBy: {field: UPDATED_AT, direction: DESC}, first: $first, after: $after) {
      totalCount
      pageInfo { hasNextPage endCursor }
      nodes {
        number title body url authorAssociation headRefName baseRefName createdAt mergedAt updatedAt
        author { __typename login }
        labels(first: 10) { nodes { name } }
        mergeCommit { oid }
        commits(first: 10) { nodes { commit { oid } } }
        reviews(first: 10) { nodes { submittedAt state author { login } } }
        closingIssuesReferences(first: 10) { nodes { number title url } }
      }
    }
  }
}
"""
HISTORY = """
query($first: Int!, $after: String, $since: GitTimestamp, $until: GitTimestamp) {
  repository(owner: "acme", name: "payments-api") {
    defaultBranchRef { name target { oid ... on Commit {
      history(first: $first, after: $after, since: $since, until: $until) {
        totalCount pageInfo { hasNextPage endCursor } nodes { oid message author { name user { login } } }
      }
    } } }
  }
}
"""


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with run_sandbox(small_world(250), services=["github"]) as running:
        yield running


async def ask(sandbox: Sandbox, query: str, **variables: Any) -> dict[str, Any]:
    """The data that PyGithub gives back. Raises what PyGithub raises."""
    requester = client(sandbox).requester
    _, answer = await asyncio.to_thread(requester.graphql_query, query, variables)
    data: dict[str, Any] = answer["data"]
    return data


async def post(sandbox: Sandbox, query: str, **variables: Any) -> requests.Response:
    body = {"query": query, "variables": variables}
    return await asyncio.to_thread(session().post, f"{sandbox.github_url}/graphql", json=body, timeout=5)


async def error_of(sandbox: Sandbox, query: str, **variables: Any) -> dict[str, Any]:
    """The one error of a query that is answered with 200 all the same."""
    answer = await post(sandbox, query, **variables)
    assert answer.status_code == 200
    [error] = answer.json()["errors"]
    return dict(error)


async def pages(sandbox: Sandbox, query: str, *path: str, **variables: Any) -> list[dict[str, Any]]:
    """All nodes of a connection, by its cursors."""
    nodes: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        connection: Any = await ask(sandbox, query, after=after, **variables)
        for key in path:
            connection = connection[key]
        nodes += connection["nodes"]
        if not connection["pageInfo"]["hasNextPage"]:
            assert connection["totalCount"] == len(nodes)
            return nodes
        assert connection["pageInfo"]["endCursor"] != after
        after = connection["pageInfo"]["endCursor"]


async def test_all_pull_requests_come_once_newest_update_first(sandbox: Sandbox) -> None:
    pulls = await pages(sandbox, PULLS, "repository", "pullRequests", first=100)
    assert [pull["number"] for pull in pulls] == list(range(250, 0, -1))


async def test_a_pull_request_says_all_that_an_edition_needs() -> None:
    async with run_sandbox(rich_world(), services=["github"]) as running:
        pulls = await pages(running, PULLS, "repository", "pullRequests", first=100)
        base = f"{running.github_url}/acme/payments-api"
    pull = pulls[-1]
    assert pull == {
        "number": 1,
        "title": "Change 1",
        "body": "Why and how.",
        "url": f"{base}/pull/1",
        "author": {"__typename": "User", "login": "annalindqvist"},
        "authorAssociation": "MEMBER",
        "labels": {"nodes": [{"name": "bug"}, {"name": "good first issue"}]},
        "headRefName": "feature/1",
        "baseRefName": "main",
        "createdAt": "2026-11-16T09:00:00Z",
        "mergedAt": "2026-11-16T10:00:00Z",
        "updatedAt": "2026-11-16T10:00:00Z",
        "mergeCommit": {"oid": sha(1)},
        "commits": {"nodes": [{"commit": {"oid": sha(9001)}}]},
        "reviews": {
            "nodes": [
                {"submittedAt": "2026-11-16T09:00:00Z", "state": "COMMENTED", "author": {"login": "dependabot"}},
                {"submittedAt": "2026-11-16T09:05:00Z", "state": "CHANGES_REQUESTED", "author": None},
                {"submittedAt": "2026-11-16T09:50:00Z", "state": "APPROVED", "author": {"login": "annalindqvist"}},
            ]
        },
        "closingIssuesReferences": {
            "nodes": [
                {"number": 101, "title": "It breaks", "url": f"{base}/issues/101"},
                {"number": 102, "title": "It is slow", "url": f"{base}/issues/102"},
            ]
        },
    }


async def test_a_deleted_author_is_null_and_a_bot_has_a_bare_name() -> None:
    async with run_sandbox(rich_world(), services=["github"]) as running:
        pulls = await pages(running, PULLS, "repository", "pullRequests", first=100)
        rest = await asyncio.to_thread(
            session().get, f"{running.github_url}/repos/acme/payments-api/pulls/3", timeout=5
        )
    authors = {pull["number"]: pull["author"] for pull in pulls}
    assert authors[2] == {"__typename": "Bot", "login": "dependabot"}
    assert authors[3] is None
    assert rest.json()["user"]["login"] == "ghost", "REST names a stand-in where GraphQL has null"


async def test_the_author_of_a_commit_is_a_user_even_for_a_bot(sandbox: Sandbox) -> None:
    sandbox.world.repositories["acme/payments-api"].commits[0].author = BOT
    data = await ask(sandbox, HISTORY, first=1)
    [commit] = data["repository"]["defaultBranchRef"]["target"]["history"]["nodes"]
    assert commit["author"] == {"name": "dependabot[bot]", "user": {"login": "dependabot[bot]"}}


async def test_history_is_cut_by_time_at_both_ends(sandbox: Sandbox) -> None:
    commits = await pages(
        sandbox,
        HISTORY,
        *("repository", "defaultBranchRef", "target", "history"),
        first=3,
        since=(MONDAY + timedelta(hours=5)).isoformat(),
        until=(MONDAY + timedelta(hours=9)).isoformat(),
    )
    assert [commit["oid"] for commit in commits] == [sha(number) for number in (9, 8, 7, 6, 5)]


BOTH_WAYS = {
    "pullRequests": ("", "number"),
    "releases": ("", "tagName"),
    "labels": ("pullRequest(number:1)", "name"),
    "history": ("defaultBranchRef target ...onCommit", "oid"),
}


@pytest.mark.parametrize("field", BOTH_WAYS)
async def test_a_connection_is_read_backwards_as_well(sandbox: Sandbox, field: str) -> None:
    around, leaf = BOTH_WAYS[field]
    wrapped = "%s"
    for step in around.split():
        wrapped = wrapped.replace("%s", f"{step.replace('...on', '... on ')} {{ %s }}")

    async def page(arguments: str) -> Any:
        selection = f"{field}({arguments}) {{ edges {{ cursor node {{ {leaf} }} }} pageInfo {{ hasPreviousPage }} }}"
        found: Any = (await ask(sandbox, f"{{ {API} {{ {wrapped.replace('%s', selection)} }} }}"))["repository"]
        while field not in found:
            [found] = found.values()
        return found[field]

    forwards = (await page("first: 2"))["edges"]
    last_of_two = await page(f'last: 1, before: "{forwards[1]["cursor"]}"')
    assert last_of_two["edges"] == forwards[:1]
    assert last_of_two["pageInfo"]["hasPreviousPage"] is False
    assert (await page(f'first: 1, after: "{forwards[0]["cursor"]}"'))["edges"] == forwards[1:]


async def test_releases_come_oldest_first_unless_asked_otherwise(sandbox: Sandbox) -> None:
    data = await ask(sandbox, f"{{ {API} {{ releases(last: 10) {{ nodes {{ tagName isPrerelease isLatest }} }} }} }}")
    assert data["repository"]["releases"]["nodes"] == [
        {"tagName": "v1.0.0", "isPrerelease": False, "isLatest": True},
        {"tagName": "v1.1.0-rc.1", "isPrerelease": True, "isLatest": False},
    ]
    order = "orderBy: {field: CREATED_AT, direction: DESC}"
    newest = await ask(sandbox, f"{{ {API} {{ releases(first: 1, {order}) {{ nodes {{ tagName }} }} }} }}")
    assert newest["repository"]["releases"]["nodes"] == [{"tagName": "v1.1.0-rc.1"}]


async def test_one_query_may_ask_for_all_at_once(sandbox: Sandbox) -> None:
    data = await ask(
        sandbox,
        f"""{{ rateLimit {{ cost limit remaining }}
        {API} {{ pullRequests(first: 100, states: MERGED) {{ nodes {{ number }} }}
        deployments(first: 5) {{ totalCount }} releases(last: 1) {{ nodes {{ tagName }} }} }} viewer {{ login }} }}""",
    )
    assert len(data["repository"]["pullRequests"]["nodes"]) == 100
    assert data["repository"]["releases"]["nodes"] == [{"tagName": "v1.1.0-rc.1"}]
    assert data["viewer"] == {"login": "sandbox-bot"}
    assert data["rateLimit"] == {"cost": 1, "limit": 5000, "remaining": 4999}


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("repo:acme/payments-api is:pr merged:2026-11-16..2026-11-16", [14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]),
        ("repo:acme/payments-api is:pr merged:2026-11-16T10:00:00Z..2026-11-16T11:00:00Z", [2, 1]),
        ("repo:acme/payments-api is:pr merged:>2026-11-26T18:00:00Z", [250]),
        ("repo:acme/payments-api is:pr merged:<=2026-11-16T10:00:00+00:00", [1]),
        ("repo:acme/payments-api is:pr is:open", [251]),
        ("repo:acme/payments-api is:pr is:closed is:unmerged", [252]),
        ('repo:acme/payments-api label:"good first issue"', [1]),
        ("repo:acme/payments-api author:dependabot[bot]", [2]),
        ("repo:acme/payments-api -is:merged", [252, 251]),
        ("repo:acme/payments-api is:issue", []),
        ("repo:acme/nothing is:pr", []),
    ],
)
async def test_search_finds_by_qualifiers(sandbox: Sandbox, query: str, numbers: list[int]) -> None:
    for pull in sandbox.world.repositories["acme/payments-api"].pull_requests:
        pull.created_at = MONDAY + timedelta(minutes=pull.number)
    data = await ask(
        sandbox,
        """query($q: String!) { search(type: ISSUE, query: $q, first: 50) {
        issueCount nodes { ... on PullRequest { number } } } }""",
        q=query,
    )
    assert [node["number"] for node in data["search"]["nodes"]] == numbers
    assert data["search"]["issueCount"] == len(numbers)


async def test_search_ends_after_a_thousand_results_and_says_how_many_there_are() -> None:
    query = """query($after: String) { search(type: ISSUE, query: "is:pr", first: 100, after: $after) {
        issueCount pageInfo { hasNextPage endCursor } nodes { ... on PullRequest { number } } } }"""
    async with run_sandbox(small_world(1098), services=["github"]) as running:
        after, found, has_next = None, 0, True
        while has_next:
            data = (await ask(running, query, after=after))["search"]
            found += len(data["nodes"])
            after, has_next = data["pageInfo"]["endCursor"], data["pageInfo"]["hasNextPage"]
    assert (found, data["issueCount"]) == (1000, 1100)


@pytest.mark.parametrize(
    ("selection", "type_", "message"),
    [
        (
            "releases { totalCount }",
            "MISSING_PAGINATION_BOUNDARIES",
            "You must provide a `first` or `last` value to properly paginate the `releases` connection.",
        ),
        (
            "releases(first: 101) { totalCount }",
            "EXCESSIVE_PAGINATION",
            "Requesting 101 records on the `releases` connection exceeds the `first` limit of 100 records.",
        ),
        (
            'releases(first: 1, after: "!") { totalCount }',
            "INVALID_CURSOR_ARGUMENTS",
            "`!` does not appear to be a valid cursor.",
        ),
        ("pullRequest(number: 999) { id }", "NOT_FOUND", "Could not resolve to a PullRequest with the number of 999."),
    ],
)
async def test_a_field_that_cannot_be_answered_is_an_error_in_a_200(
    sandbox: Sandbox, selection: str, type_: str, message: str
) -> None:
    error = await error_of(sandbox, f"{{ {API} {{ {selection} }} }}")
    assert (error["type"], error["message"]) == (type_, message)
    assert error["path"] == ["repository", selection.partition("(")[0].partition(" ")[0]]


async def test_an_unknown_repository_is_not_found_in_a_200(sandbox: Sandbox) -> None:
    query = '{ repository(owner: "acme", name: "nothing") { id } }'
    answer = await post(sandbox, query)
    assert (answer.status_code, answer.json()["data"]) == (200, {"repository": None})
    assert answer.json()["errors"] == [
        {
            "type": "NOT_FOUND",
            "path": ["repository"],
            "locations": [{"line": 1, "column": 3}],
            "message": "Could not resolve to a Repository with the name 'acme/nothing'.",
        }
    ]
    with pytest.raises(UnknownObjectException):
        await ask(sandbox, query)


async def test_more_than_half_a_million_nodes_are_refused_before_anything_is_read(sandbox: Sandbox) -> None:
    query = f"""{{ {API} {{ pullRequests(first: 100) {{ nodes {{ commits(first: 100) {{ nodes {{ commit {{
        associatedPullRequests(first: 100) {{ totalCount }} }} }} }} }} }} }} }}"""
    answer = (await post(sandbox, query)).json()
    assert "data" not in answer
    assert answer["errors"][0]["type"] == "MAX_NODE_LIMIT_EXCEEDED"
    assert "associatedPullRequests connection, it is requesting up to 1,010,100" in answer["errors"][0]["message"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{ invented }", "Field 'invented' doesn't exist on type 'Query'"),
        ("{ viewer", "Syntax Error: Expected Name, found <EOF>."),
        ("mutation { a }", "The mutation operation is not supported by the schema."),
        ("query A { viewer { id } } query B { viewer { id } }", "An operation name is required"),
        ("query($n: Int!) { viewer { id } rateLimit(dryRun: $n) { cost } }", "Variable '$n' of type 'Int!' used in"),
    ],
)
async def test_a_query_that_is_none_has_errors_and_no_data(sandbox: Sandbox, query: str, message: str) -> None:
    answer = await post(sandbox, query)
    assert (answer.status_code, "data" in answer.json()) == (200, False)
    assert message in " ".join(error["message"] for error in answer.json()["errors"])
    with pytest.raises(GithubException):
        await ask(sandbox, query)


async def test_points_are_counted_apart_from_rest_and_end_in_a_200() -> None:
    now = [MONDAY]
    world = small_world()
    world.github_hourly_limit = 3
    async with run_sandbox(world, clock=lambda: now[0], services=["github"]) as running:
        for _ in range(3):
            answer = await post(running, "{ viewer { login } }")
        assert answer.headers["X-RateLimit-Resource"] == "graphql"
        assert (answer.headers["X-RateLimit-Remaining"], answer.headers["X-RateLimit-Used"]) == ("0", "3")
        refused = await post(running, "{ viewer { login } }")
        assert refused.status_code == 200
        assert refused.json() == {
            "errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded for user ID 1."}]
        }
        rate = (await asyncio.to_thread(session().get, f"{running.github_url}/rate_limit", timeout=5)).json()
        assert (rate["resources"]["graphql"]["remaining"], rate["resources"]["core"]["remaining"]) == (0, 3)
        now[0] += timedelta(hours=1)
        assert (await post(running, "{ viewer { login } }")).json()["data"] == {"viewer": {"login": "sandbox-bot"}}


async def test_a_query_costs_a_point_for_each_hundred_requests_that_it_stands_for(sandbox: Sandbox) -> None:
    query = f"""{{ rateLimit {{ cost nodeCount }} {API} {{ pullRequests(first: 100) {{ nodes {{
        commits(first: 50) {{ nodes {{ commit {{ parents(first: 60) {{ totalCount }} }} }} }} }} }} }} }}"""
    assert (await ask(sandbox, query))["rateLimit"] == {"cost": 51, "nodeCount": 305_100}


async def test_what_is_skipped_costs_nothing(sandbox: Sandbox) -> None:
    query = f"""query($all: Boolean!) {{ rateLimit {{ nodeCount }} {API} {{
        releases(first: 3) {{ totalCount }} pullRequests(first: 100) @include(if: $all) {{ totalCount }} }} }}"""
    counts = [(await ask(sandbox, query, all=everything))["rateLimit"]["nodeCount"] for everything in (True, False)]
    assert counts == [103, 3]


async def test_credentials_are_checked(sandbox: Sandbox) -> None:
    wrong = client(sandbox, token="expired").requester
    with pytest.raises(BadCredentialsException) as refused:
        await asyncio.to_thread(wrong.graphql_query, "{ viewer { login } }", {})
    assert (refused.value.status, refused.value.data["message"]) == (401, "Bad credentials")


async def test_what_is_no_query_is_refused(sandbox: Sandbox) -> None:
    url = f"{sandbox.github_url}/graphql"
    broken = await asyncio.to_thread(session().post, url, data="{", timeout=5)
    assert (broken.status_code, broken.json()["message"]) == (400, "Problems parsing JSON")
    empty = await asyncio.to_thread(session().post, url, json={}, timeout=5)
    assert empty.json()["errors"][0]["message"] == "A query attribute must be specified and must be a string."


async def test_ids_agree_with_rest_and_lead_back_to_their_objects(sandbox: Sandbox) -> None:
    listed = await asyncio.to_thread(session().get, f"{sandbox.github_url}/repos/acme/payments-api/pulls/7", timeout=5)
    found = await asyncio.to_thread(
        client(sandbox).requester.graphql_node, listed.json()["node_id"], "number title", "PullRequest"
    )
    assert found[1]["data"]["node"] == {"__typename": "PullRequest", "number": 7, "title": "Change 7"}


async def test_a_pull_request_updated_between_two_pages_shifts_no_other(sandbox: Sandbox) -> None:
    first = (await ask(sandbox, PULLS, first=100))["repository"]["pullRequests"]
    repository = sandbox.world.repositories["acme/payments-api"]
    repository.pull_requests[49].updated_at = system_clock() + timedelta(days=400)
    repository.revision += 1
    after = first["pageInfo"]["endCursor"]
    second = (await ask(sandbox, PULLS, first=100, after=after))["repository"]["pullRequests"]
    assert [pull["number"] for pull in second["nodes"]][:2] == [150, 149]
    numbers = [pull["number"] for pull in first["nodes"] + second["nodes"]]
    assert len(set(numbers)) == len(numbers)
