"""A GitHub App at the stand-in: PyGithub signs, gets tokens and renews them, as it does at GitHub."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest
import pytest_asyncio
import requests
from github import Auth, BadCredentialsException, Github, GithubException, GithubIntegration, UnknownObjectException

from sandbox.changes import ImpossibleChange, RevokeTokens
from sandbox.running import Sandbox, run_sandbox
from sandbox.service import system_clock
from sandbox.world import Repository
from tests.sandbox.app_keys import github_app, private_key
from tests.sandbox.github_wire import small_world

APP_ID, INSTALLATION_ID = 4711, 815
NO_THROTTLE: dict[str, Any] = {"seconds_between_requests": None, "seconds_between_writes": None, "retry": None}


class Clock:
    """The real time, which a test may put forward: PyGithub signs and expires by the real one."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return system_clock() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def sandbox(clock: Clock) -> AsyncIterator[Sandbox]:
    world = small_world()
    world.repositories["other/private"] = Repository(id=2, owner="other", name="private")
    world.github_app = github_app()
    async with run_sandbox(world, clock=clock, services=["github"]) as running:
        yield running


def app_auth(key: str | None = None, app_id: int = APP_ID) -> Auth.AppAuth:
    return Auth.AppAuth(app_id, key or private_key())


def installation(sandbox: Sandbox) -> Github:
    auth = app_auth().get_installation_auth(INSTALLATION_ID)
    return Github(base_url=sandbox.github_url, auth=auth, **NO_THROTTLE)


def integration(sandbox: Sandbox, auth: Auth.AppAuth | None = None) -> GithubIntegration:
    return GithubIntegration(base_url=sandbox.github_url, auth=auth or app_auth(), **NO_THROTTLE)


async def test_an_app_finds_its_installation_and_itself(sandbox: Sandbox) -> None:
    found = await asyncio.to_thread(integration(sandbox).get_repo_installation, "acme", "payments-api")
    assert (found.id, found.app_id, found.app_slug) == (INSTALLATION_ID, APP_ID, "changelog")
    app = await asyncio.to_thread(integration(sandbox).get_app)
    assert (app.slug, app.raw_data["owner"]["login"]) == ("changelog", "acme")
    everywhere = await asyncio.to_thread(lambda: list(integration(sandbox).get_installations()))
    assert [one.id for one in everywhere] == [INSTALLATION_ID]
    with pytest.raises(UnknownObjectException):
        await asyncio.to_thread(integration(sandbox).get_repo_installation, "other", "private")


async def test_an_installation_asks_over_both_roads_with_one_token(sandbox: Sandbox) -> None:
    github = installation(sandbox)
    repository = await asyncio.to_thread(github.get_repo, "acme/payments-api")
    _, answer = await asyncio.to_thread(github.requester.graphql_query, "{ viewer { login } }", {})
    assert (repository.full_name, answer["data"]["viewer"]["login"]) == ("acme/payments-api", "changelog[bot]")
    assert len(sandbox.log.select(path="access_tokens$")) == 1


async def test_an_installation_sees_the_repositories_of_its_account_only(sandbox: Sandbox) -> None:
    github = installation(sandbox)
    _, listed = await asyncio.to_thread(github.requester.requestJsonAndCheck, "GET", "/installation/repositories")
    assert (listed["total_count"], listed["repositories"][0]["full_name"]) == (1, "acme/payments-api")
    for ask in (
        lambda: github.get_repo("other/private"),
        lambda: github.requester.graphql_query('{ repository(owner: "other", name: "private") { id } }', {}),
    ):
        with pytest.raises(UnknownObjectException):
            await asyncio.to_thread(ask)


async def test_the_token_is_renewed_before_it_expires(sandbox: Sandbox) -> None:
    assert sandbox.world.github_app is not None
    # PyGithub renews a token twenty seconds before its end: one of ten seconds is renewed for each request.
    sandbox.world.github_app.token_lifetime = timedelta(seconds=10)
    github = installation(sandbox)
    for _ in range(3):
        await asyncio.to_thread(github.get_repo, "acme/payments-api")
    assert len(sandbox.log.select(path="access_tokens$", status=201)) == 3


async def test_an_expired_token_is_401(sandbox: Sandbox, clock: Clock) -> None:
    github = installation(sandbox)
    await asyncio.to_thread(github.get_repo, "acme/payments-api")
    clock.ahead = timedelta(hours=1)
    with pytest.raises(BadCredentialsException) as refused:
        await asyncio.to_thread(github.get_repo, "acme/payments-api")
    assert refused.value.data["message"] == "Bad credentials"


async def test_a_revoked_token_is_401_and_a_new_one_works(sandbox: Sandbox) -> None:
    github = installation(sandbox)
    await asyncio.to_thread(github.get_repo, "acme/payments-api")
    sandbox.change(RevokeTokens())
    with pytest.raises(BadCredentialsException):
        await asyncio.to_thread(github.get_repo, "acme/payments-api")
    await asyncio.to_thread(installation(sandbox).get_repo, "acme/payments-api")


def signed(**claims: Any) -> str:
    now = int(system_clock().timestamp())
    return jwt.encode({"iat": now - 60, "exp": now + 540, "iss": str(APP_ID)} | claims, private_key(), "RS256")


async def whoami(sandbox: Sandbox, token: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return await asyncio.to_thread(requests.get, f"{sandbox.github_url}/app", headers=headers, timeout=5)


@pytest.mark.parametrize(
    ("token", "status", "message"),
    [
        (lambda: signed(iss="1"), 404, "Integration not found"),
        (lambda: signed(exp=1), 401, "'Expiration time' claim ('exp') must be a numeric value"),
        (lambda: signed(exp=4_000_000_000), 401, "'Expiration time' claim ('exp') is too far in the future"),
        (lambda: signed(iat=4_000_000_000), 401, "'Issued at' claim ('iat') must be an Integer"),
        (lambda: app_auth(private_key("a stranger's")).token, 401, "A JSON web token could not be decoded"),
        (lambda: "a.b.c", 401, "A JSON web token could not be decoded"),
        (lambda: "sandbox-github-token", 401, "A JSON web token could not be decoded"),
    ],
    ids=["another app", "too old", "too long", "from the future", "a stranger's key", "no token", "a user's token"],
)
async def test_a_signature_that_does_not_hold_is_refused(
    sandbox: Sandbox, token: Any, status: int, message: str
) -> None:
    answer = await whoami(sandbox, token())
    assert answer.status_code == status
    assert answer.json()["message"].startswith(message)


async def test_an_app_may_not_read_as_itself_nor_an_installation_as_a_user(sandbox: Sandbox) -> None:
    as_app = Github(base_url=sandbox.github_url, auth=app_auth(), **NO_THROTTLE)
    for ask in (lambda: as_app.get_repo("acme/payments-api"), lambda: installation(sandbox).get_user().login):
        with pytest.raises(GithubException) as refused:
            await asyncio.to_thread(ask)
        assert (refused.value.status, refused.value.data["message"]) == (403, "Resource not accessible by integration")


async def test_an_unknown_installation_gets_no_token(sandbox: Sandbox) -> None:
    with pytest.raises(UnknownObjectException):
        await asyncio.to_thread(integration(sandbox).get_access_token, 1)


async def test_a_token_may_be_asked_for_with_fewer_rights_but_not_with_more(sandbox: Sandbox) -> None:
    fewer = await asyncio.to_thread(integration(sandbox).get_access_token, INSTALLATION_ID, {"contents": "read"})
    assert fewer.permissions == {"contents": "read"}
    with pytest.raises(GithubException) as refused:
        await asyncio.to_thread(integration(sandbox).get_access_token, INSTALLATION_ID, {"contents": "write"})
    assert refused.value.status == 422


async def test_each_token_has_etags_of_its_own(sandbox: Sandbox) -> None:
    """GitHub means it so: after a renewal, all that was stored is asked for again."""
    url = "/repos/acme/payments-api/pulls?state=all"
    first, second = installation(sandbox).requester, installation(sandbox).requester
    headers, _ = await asyncio.to_thread(first.requestJsonAndCheck, "GET", url)
    known = {"If-None-Match": headers["etag"]}
    await asyncio.to_thread(first.requestJsonAndCheck, "GET", url, headers=known)
    await asyncio.to_thread(second.requestJsonAndCheck, "GET", url, headers=known)
    assert [record.status for record in sandbox.log.select(path="pulls$")] == [200, 304, 200]


async def test_a_world_without_an_app_knows_none() -> None:
    async with run_sandbox(small_world(), services=["github"]) as running:
        answer = await whoami(running, signed())
        assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")
        with pytest.raises(ImpossibleChange, match="there is no GitHub App"):
            running.change(RevokeTokens())
