"""A GitHub App instead of a token: found by repository, renewed in mid-run, never told to anybody."""

import asyncio
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from activities.clients.github_access import AppTokens, PersonalToken, tokens_of
from devsync.domain.errors import ErrorCategory
from devsync.runtime.classification import classify
from devsync.settings.environment import Environment
from devsync.settings.problems import ConfigError
from sandbox.changes import RevokeTokens
from sandbox.running import Sandbox
from sandbox.world import GitHubApp, Repository
from tests.activities.github_stage import GitHubStage, github_stage
from tests.sandbox.app_keys import github_app, private_key, public_key
from tests.sandbox.github_wire import small_world

REPOSITORY = "acme/payments-api"
APP = github_app()
PRIVATE_KEY = private_key()

TOKENS = f"/app/installations/{APP.installation_id}/access_tokens"


def app_tokens(sandbox: Sandbox) -> AppTokens:
    return AppTokens(
        base_url=sandbox.github_url, app_id=str(APP.id), private_key=PRIVATE_KEY, timeout=timedelta(seconds=5)
    )


@pytest.fixture
def app() -> GitHubApp:
    return github_app()


@pytest.fixture
async def stage(url: str, app: GitHubApp) -> AsyncIterator[GitHubStage]:
    world = small_world(5)
    world.github_app = app
    world.repositories["other/tools"] = Repository(id=5, owner="other", name="tools")
    async with github_stage(world, url, tokens=app_tokens) as ready:
        yield ready


def tokens_given(stage: GitHubStage) -> int:
    return len([record for record in stage.asked if record.path == TOKENS])


@pytest.mark.parametrize("road", ["graphql", "rest"])
async def test_an_app_collects_with_one_token_however_many_threads_ask(stage: GitHubStage, road: str) -> None:
    collected = await asyncio.gather(*(stage.collect(REPOSITORY, road) for _ in range(6)))
    assert {one.counts["pull_requests"] for one in collected} == {5}
    assert tokens_given(stage) == 1


async def test_a_token_that_is_about_to_end_is_renewed_in_mid_run(
    stage: GitHubStage, app: GitHubApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.collect(REPOSITORY)
    assert tokens_given(stage) == 1
    with monkeypatch.context() as near_its_end:
        near_its_end.setattr("activities.clients.github_access._RENEWED_BEFORE", 2 * app.token_lifetime)
        await stage.collect(REPOSITORY, "rest")
    renewed = tokens_given(stage)
    assert renewed > 1
    await stage.collect(REPOSITORY, "rest")
    assert tokens_given(stage) == renewed
    assert {record.status for record in stage.asked} <= {200, 201, 304}


@pytest.mark.parametrize("road", ["graphql", "rest"])
async def test_a_token_that_ends_before_its_time_is_replaced_once(stage: GitHubStage, road: str) -> None:
    await stage.collect(REPOSITORY, road)
    await stage.forget()
    stage.sandbox.change(RevokeTokens())
    collected = await stage.collect(REPOSITORY, road)
    assert collected.counts["pull_requests"] == 5
    assert tokens_given(stage) == 2
    assert [record.status for record in stage.asked].count(401) == 1


async def test_an_unchanged_week_is_known_although_tags_change_with_the_token(stage: GitHubStage) -> None:
    first = await stage.collect(REPOSITORY)
    stage.sandbox.change(RevokeTokens())
    before = len(stage.asked)
    again = await stage.collect(REPOSITORY)
    assert (again.is_unchanged, again.artifact) == (True, first.artifact)
    lists = [record.status for record in stage.asked[before:] if record.path.startswith("/repos/")]
    assert sorted(map(str, lists)) == ["200", "200", "304", "401"], "two small answers; a commit's SHA is its own tag"
    before = len(stage.asked)
    assert (await stage.collect(REPOSITORY)).is_unchanged
    assert {record.status for record in stage.asked[before:]} == {304}, "the new tags are kept"


async def test_a_changed_week_is_seen_although_tags_change_with_the_token(stage: GitHubStage) -> None:
    await stage.collect(REPOSITORY)
    repository = stage.sandbox.world.repositories[REPOSITORY]
    repository.pull_requests[0].title = "Worded better"
    repository.pull_requests[0].updated_at += timedelta(days=3)
    repository.revision += 1
    stage.sandbox.change(RevokeTokens())
    again = await stage.collect(REPOSITORY)
    assert not again.is_unchanged
    assert "Worded better" in [pull.title for pull in (await stage.data(again)).pull_requests]


async def test_an_app_that_github_refuses_is_an_authentication_failure(stage: GitHubStage, app: GitHubApp) -> None:
    app.public_key = public_key("a stranger's")
    with pytest.raises(Exception, match="401") as raised:
        await stage.collect(REPOSITORY)
    assert classify(raised.value, "github", datetime.now(UTC)).category is ErrorCategory.AUTHENTICATION


async def test_an_account_without_the_app_is_told_what_to_do(stage: GitHubStage) -> None:
    with pytest.raises(ConfigError, match="install it on other"):
        await stage.collect("other/tools")


@pytest.mark.parametrize("key", ["not a key", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----"])
def test_a_key_that_cannot_sign_is_refused_at_the_start_without_being_shown(key: str) -> None:
    with pytest.raises(ConfigError, match="GITHUB_APP_PRIVATE_KEY") as raised:
        AppTokens(base_url="http://localhost:1", app_id="1", private_key=key, timeout=timedelta(seconds=1))
    assert key not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_key_with_written_line_breaks_signs_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_APP_ID", str(APP.id))
    monkeypatch.setenv("GITHUB_APP_PRIVATE_KEY", PRIVATE_KEY.replace("\n", "\\n"))
    monkeypatch.setenv("GITHUB_TOKEN", "also-there")
    assert isinstance(tokens_of(Environment().github(), timeout=timedelta(seconds=1)), AppTokens)


def test_a_token_alone_is_one_for_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "the-token")
    for name in ("GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY"):
        monkeypatch.delenv(name, raising=False)
    tokens = tokens_of(Environment().github(), timeout=timedelta(seconds=1))
    assert isinstance(tokens, PersonalToken)
    assert tokens.token_for("acme/x", lambda: None) == "the-token"


async def test_no_secret_is_in_the_log_even_at_its_most_talkative(
    stage: GitHubStage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="github")
    await stage.collect(REPOSITORY)
    stage.sandbox.change(RevokeTokens())
    await stage.forget()
    await stage.collect(REPOSITORY, "rest")
    assert REPOSITORY in caplog.text, "nothing is logged"
    secrets = {header.partition(" ")[2] for header in stage.authorizations}
    assert len(secrets) >= 3, "two tokens, and what the App signed to get them"
    assert not [secret for secret in (*secrets, PRIVATE_KEY.splitlines()[3]) if secret in caplog.text]
