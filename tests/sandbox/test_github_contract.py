"""Every answer of the GitHub stand-in against GitHub's own OpenAPI description, as @octokit/openapi publishes it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import requests
from github import Auth
from openapi_core import Config, OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse

from sandbox.changes import RenameRepository
from sandbox.running import Sandbox, run_sandbox
from sandbox.world import Repository
from sandbox.worlds.demo import demo_world
from sandbox.worlds.extremes import extreme_world
from tests.github_contracts import description
from tests.sandbox.app_keys import github_app, private_key
from tests.sandbox.github_wire import rich_world, session, sha, small_world

REPO = "/repos/acme/payments-api"


@pytest_asyncio.fixture(scope="module")
async def sandbox() -> AsyncIterator[Sandbox]:
    async with run_sandbox(small_world(40), services=["github"]) as running:
        yield running


@pytest.fixture(scope="module")
def oracle(sandbox: Sandbox) -> OpenAPI:
    return oracle_for(sandbox)


def oracle_for(sandbox: Sandbox) -> OpenAPI:
    unchecked: Any = None  # checking the description itself takes minutes; the library takes None, its types do not
    document = {**description(), "servers": [{"url": sandbox.github_url}]}
    return OpenAPI.from_dict(document, config=Config(spec_validator_cls=unchecked))


def complaints(oracle: OpenAPI, response: requests.Response) -> list[str]:
    """What the oracle finds wrong with a request and its answer; empty when both keep the contract."""
    request = RequestsOpenAPIRequest(response.request)
    try:
        oracle.validate_request(request)
        oracle.validate_response(request, RequestsOpenAPIResponse(response))
    except Exception as error:
        cause = error.__cause__
        return [str(error), *(str(one)[:400] for one in getattr(cause, "schema_errors", [cause]))]
    return []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (REPO, 200),
        (f"{REPO}/pulls?state=all&per_page=100", 200),
        (f"{REPO}/pulls?state=closed&sort=updated&direction=desc&base=main", 200),
        (f"{REPO}/pulls/1", 200),
        (f"{REPO}/pulls/41", 200),
        (f"{REPO}/pulls/1/commits", 200),
        (f"{REPO}/pulls/1/reviews", 200),
        (f"{REPO}/commits?since=2026-11-16T00:00:00Z&until=2026-11-23T00:00:00Z&sha=main&per_page=100&page=1", 200),
        (f"{REPO}/commits/{sha(1)}", 200),
        (f"{REPO}/commits/{sha(3)}", 200),
        (f"{REPO}/commits/{sha(1)}/pulls", 200),
        (f"{REPO}/releases", 200),
        (f"{REPO}/releases/71", 200),
        (f"{REPO}/deployments", 200),
        (f"{REPO}/issues?state=all&since=2026-11-16T00:00:00Z", 200),
        ("/rate_limit", 200),
        ("/user", 200),
        ("/repos/acme/nothing", 404),
        (f"{REPO}/pulls/999", 404),
        (f"{REPO}/releases?page=7", 200),
        (f"{REPO}/pulls?sort=popularity", 422),
        (f"{REPO}/commits/{'f' * 40}", 422),
    ],
)
async def test_the_answer_keeps_githubs_contract(sandbox: Sandbox, oracle: OpenAPI, path: str, status: int) -> None:
    answer = await asyncio.to_thread(session().get, sandbox.github_url + path, timeout=10)
    assert answer.status_code == status
    assert complaints(oracle, answer) == []


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{REPO}/pulls/1/reviews", 200),
        (f"{REPO}/pulls/3", 200),
        (f"{REPO}/pulls?state=all", 200),
        (f"{REPO}/deployments", 200),
        (f"{REPO}/deployments?environment=production", 200),
        (f"{REPO}/issues?state=all", 200),
        (f"{REPO}/releases", 200),
    ],
)
async def test_reviews_issues_deployments_and_deleted_users_keep_the_contract(path: str, status: int) -> None:
    async with run_sandbox(rich_world(), services=["github"]) as running:
        answer = await asyncio.to_thread(session().get, running.github_url + path, timeout=10)
        assert answer.status_code == status
        assert answer.json()
        assert complaints(oracle_for(running), answer) == []


async def test_a_304_keeps_the_contract(sandbox: Sandbox, oracle: OpenAPI) -> None:
    url = f"{sandbox.github_url}{REPO}/pulls"
    first = await asyncio.to_thread(session().get, url, timeout=10)
    known = {"If-None-Match": first.headers["ETag"]}
    second = await asyncio.to_thread(session().get, url, headers=known, timeout=10)
    assert (second.status_code, complaints(oracle, second)) == (304, [])


async def test_a_redirect_keeps_the_contract() -> None:
    async with run_sandbox(small_world(), services=["github"]) as running:
        running.change(RenameRepository(repository="acme/payments-api", name="acme/billing-api"))
        answer = await asyncio.to_thread(session().get, running.github_url + REPO, timeout=10, allow_redirects=False)
        assert (answer.status_code, complaints(oracle_for(running), answer)) == (301, [])


async def test_an_empty_repository_is_a_conflict_that_keeps_the_contract() -> None:
    world = small_world()
    world.repositories["acme/empty"] = Repository(id=2, owner="acme", name="empty")
    async with run_sandbox(world, services=["github"]) as running:
        url = f"{running.github_url}/repos/acme/empty/commits"
        answer = await asyncio.to_thread(session().get, url, timeout=10)
        assert (answer.status_code, answer.json()["message"]) == (409, "Git Repository is empty.")
        assert complaints(oracle_for(running), answer) == []


async def test_what_a_github_app_asks_keeps_the_contract() -> None:
    world = small_world()
    world.github_app = github_app()
    async with run_sandbox(world, services=["github"]) as running:
        app_oracle = oracle_for(running)
        signature = Auth.AppAuth(world.github_app.id, private_key()).token
        token_url = f"/app/installations/{world.github_app.installation_id}/access_tokens"

        async def ask(method: str, path: str, token: str) -> requests.Response:
            headers = {"Authorization": f"Bearer {token}"}
            body = {"permissions": {"contents": "read"}} if method == "POST" else None
            answer = await asyncio.to_thread(
                requests.request, method, running.github_url + path, headers=headers, json=body, timeout=10
            )
            assert complaints(app_oracle, answer) == []
            return answer

        given = await ask("POST", token_url, signature)
        assert given.status_code == 201
        statuses = [
            (await ask("GET", path, token)).status_code
            for path, token in (
                ("/app", signature),
                ("/app/installations", signature),
                (f"/app/installations/{world.github_app.installation_id}", signature),
                (f"{REPO}/installation", signature),
                ("/repos/acme/nothing/installation", signature),
                ("/installation/repositories", given.json()["token"]),
                (REPO, given.json()["token"]),
            )
        ]
        assert statuses == [200, 200, 200, 200, 404, 200, 200]
        assert (await ask("POST", token_url, "a.b.c")).status_code == 401
        assert (await ask("POST", "/app/installations/1/access_tokens", signature)).status_code == 404


async def test_the_world_of_extremes_keeps_the_contract() -> None:
    world = extreme_world(commits=300)
    async with run_sandbox(world, services=["github"]) as running:
        extreme_oracle = oracle_for(running)
        for name, repository in world.repositories.items():
            for listing in ("pulls?state=all&per_page=100", "commits?per_page=100", "releases", "issues?state=all"):
                url = f"{running.github_url}/repos/{name}/{listing}"
                answer = await asyncio.to_thread(session().get, url, timeout=10)
                is_empty = listing.startswith("commits") and not repository.commits
                assert (answer.status_code, complaints(extreme_oracle, answer)) == (409 if is_empty else 200, [])


async def test_the_oracle_tells_a_broken_answer_from_a_good_one(sandbox: Sandbox, oracle: OpenAPI) -> None:
    answer = await asyncio.to_thread(session().get, f"{sandbox.github_url}{REPO}/pulls/1", timeout=10)
    broken = answer.json()
    del broken["head"]["repo"]["owner"]
    answer._content = json.dumps(broken).encode()
    assert complaints(oracle, answer)


async def test_the_demo_world_keeps_the_contract() -> None:
    world = demo_world()
    async with run_sandbox(world, services=["github"]) as running:
        demo_oracle = oracle_for(running)
        for name in world.repositories:
            for listing in ("pulls?state=all&per_page=100", "commits?per_page=100", "releases?per_page=100"):
                url = f"{running.github_url}/repos/{name}/{listing}"
                answer = await asyncio.to_thread(session().get, url, timeout=10)
                assert complaints(demo_oracle, answer) == []


async def test_a_listed_pull_request_is_as_large_as_a_real_one(sandbox: Sandbox) -> None:
    answer = await asyncio.to_thread(session().get, f"{sandbox.github_url}{REPO}/pulls?state=all", timeout=10)
    assert 14_000 < len(answer.content) / len(answer.json()) < 22_000
