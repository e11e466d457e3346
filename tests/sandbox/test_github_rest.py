"""The GitHub stand-in, driven over the wire by PyGithub as it is, and by requests where PyGithub hides the answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
import requests
from github import BadCredentialsException, GithubException, RateLimitExceededException, UnknownObjectException
from github.Repository import Repository

from sandbox.running import Sandbox, run_sandbox
from tests.sandbox.github_wire import MONDAY, client, session, sha, small_world

PULLS = "/repos/acme/payments-api/pulls"


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with run_sandbox(small_world(250), services=["github"]) as running:
        yield running


async def repository(sandbox: Sandbox) -> Repository:
    return await asyncio.to_thread(client(sandbox).get_repo, "acme/payments-api")


async def get(sandbox: Sandbox, path: str, **headers: str) -> requests.Response:
    return await asyncio.to_thread(session().get, sandbox.github_url + path, headers=headers, timeout=5)


async def test_a_repository_says_its_name_and_default_branch(sandbox: Sandbox) -> None:
    repo = await repository(sandbox)
    assert (repo.full_name, repo.default_branch, repo.owner.login) == ("acme/payments-api", "main", "acme")


@pytest.mark.parametrize(("state", "count"), [("all", 252), ("closed", 251), ("open", 1)])
async def test_pulls_are_filtered_by_state_over_all_pages(sandbox: Sandbox, state: str, count: int) -> None:
    repo = await repository(sandbox)
    pulls = await asyncio.to_thread(lambda: list(repo.get_pulls(state=state)))
    assert len({pull.number for pull in pulls}) == len(pulls) == count


async def test_pulls_sorted_by_update_descending_let_a_reader_stop_early(sandbox: Sandbox) -> None:
    repo = await repository(sandbox)
    pulls = await asyncio.to_thread(
        lambda: list(repo.get_pulls(state="closed", sort="updated", direction="desc", base="main"))
    )
    updates = [pull.updated_at for pull in pulls if pull.updated_at]
    assert len(updates) == len(pulls)
    assert updates == sorted(updates, reverse=True)


@pytest.mark.parametrize(
    ("query", "numbers"),
    [
        ("state=all&per_page=2", [250, 249]),
        ("state=all&per_page=2&direction=asc", [1, 2]),
        ("state=all&sort=updated&per_page=2", [1, 2]),
        ("state=all&base=release", []),
        ("state=all&head=acme:feature/7", [7]),
        ("state=all&per_page=100&page=4", []),
    ],
)
async def test_a_pulls_query_is_answered_as_github_documents_it(
    sandbox: Sandbox, query: str, numbers: list[int]
) -> None:
    world_pulls = sandbox.world.repositories["acme/payments-api"].pull_requests
    world_pulls[:] = [pull for pull in world_pulls if pull.merged_at]
    for pull in world_pulls:
        pull.created_at = MONDAY + timedelta(minutes=pull.number)
    answer = await get(sandbox, f"{PULLS}?{query}")
    assert [pull["number"] for pull in answer.json()] == numbers


async def test_one_pull_says_how_it_was_merged(sandbox: Sandbox) -> None:
    repo = await repository(sandbox)
    pull = await asyncio.to_thread(repo.get_pull, 3)
    assert (pull.merged, pull.merge_commit_sha, pull.merged_at) == (True, sha(3), MONDAY + timedelta(hours=3))
    commits = await asyncio.to_thread(lambda: list(pull.get_commits()))
    reviews = await asyncio.to_thread(lambda: list(pull.get_reviews()))
    assert [commit.sha for commit in commits] == [sha(9003)]
    assert reviews == []


async def test_commits_since_and_until_include_both_ends(sandbox: Sandbox) -> None:
    repo = await repository(sandbox)
    since, until = MONDAY + timedelta(hours=5), MONDAY + timedelta(hours=8)
    commits = await asyncio.to_thread(lambda: list(repo.get_commits(since=since, until=until)))
    assert [commit.sha for commit in commits] == [sha(8), sha(7), sha(6), sha(5)]


async def test_commits_from_a_sha_are_its_ancestors(sandbox: Sandbox) -> None:
    repo = await repository(sandbox)
    commits = await asyncio.to_thread(lambda: list(repo.get_commits(sha=sha(3))))
    assert [commit.sha for commit in commits] == [sha(3), sha(2), sha(1)]


async def test_a_commit_names_its_pull_request(sandbox: Sandbox) -> None:
    repo = await repository(sandbox)
    commit = await asyncio.to_thread(repo.get_commit, sha(5))
    pulls = await asyncio.to_thread(lambda: list(commit.get_pulls()))
    assert [pull.number for pull in pulls] == [5]
    assert commit.committer is not None
    assert commit.committer.login == "web-flow"


async def test_a_commit_from_an_unknown_address_has_no_account(sandbox: Sandbox) -> None:
    body = (await get(sandbox, f"/repos/acme/payments-api/commits/{sha(1)}")).json()
    assert body["author"] is None
    assert body["commit"]["author"]["name"] == "Nobody Known"


async def test_a_bot_is_of_type_bot(sandbox: Sandbox) -> None:
    body = (await get(sandbox, f"{PULLS}/2")).json()
    assert (body["user"]["login"], body["user"]["type"]) == ("dependabot[bot]", "Bot")


async def test_releases_come_newest_first(sandbox: Sandbox) -> None:
    repo = await repository(sandbox)
    releases = await asyncio.to_thread(lambda: list(repo.get_releases()))
    assert [(release.tag_name, release.prerelease) for release in releases] == [
        ("v1.1.0-rc.1", True),
        ("v1.0.0", False),
    ]
    assert (await asyncio.to_thread(repo.get_release, 71)).tag_name == "v1.0.0"


async def test_issues_list_pull_requests_as_github_does(sandbox: Sandbox) -> None:
    repo = await repository(sandbox)
    since = datetime(2026, 11, 26, 18, tzinfo=UTC)
    issues = await asyncio.to_thread(lambda: list(repo.get_issues(state="all", since=since)))
    assert {issue.number for issue in issues} == {249, 250, 251, 252}
    assert all(issue.pull_request is not None for issue in issues)


async def test_deployments_are_an_empty_list(sandbox: Sandbox) -> None:
    repo = await repository(sandbox)
    assert await asyncio.to_thread(lambda: list(repo.get_deployments())) == []


async def test_links_lead_through_all_pages_on_the_host_that_was_asked(sandbox: Sandbox) -> None:
    first = await get(sandbox, f"{PULLS}?state=all&per_page=100")
    second = await get(sandbox, f"{PULLS}?state=all&per_page=100&page=2")
    last = await get(sandbox, f"{PULLS}?state=all&per_page=100&page=3")
    assert set(first.links) == {"next", "last"}
    assert set(second.links) == {"prev", "next", "last", "first"}
    assert set(last.links) == {"prev", "first"}
    assert first.links["next"]["url"] == second.url
    assert first.links["last"]["url"] == last.url


async def test_one_page_needs_no_links_and_100_is_the_most(sandbox: Sandbox) -> None:
    assert "Link" not in (await get(sandbox, f"{PULLS}?state=open")).headers
    assert len((await get(sandbox, f"{PULLS}?state=all&per_page=5000")).json()) == 100
    assert len((await get(sandbox, f"{PULLS}?state=all")).json()) == 30


async def test_an_unchanged_list_is_304_and_costs_nothing(sandbox: Sandbox) -> None:
    first = await get(sandbox, f"{PULLS}?state=all")
    again = await get(sandbox, f"{PULLS}?state=all", **{"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["X-RateLimit-Used"] == first.headers["X-RateLimit-Used"]


async def test_a_grown_list_has_a_new_etag(sandbox: Sandbox) -> None:
    first = await get(sandbox, f"{PULLS}?state=all")
    known = sandbox.world.repositories["acme/payments-api"]
    known.pull_requests.append(small_world(300).repositories["acme/payments-api"].pull_requests[-1])
    again = await get(sandbox, f"{PULLS}?state=all", **{"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 200
    assert again.headers["ETag"] != first.headers["ETag"]


async def test_a_single_object_knows_when_it_was_modified(sandbox: Sandbox) -> None:
    first = await get(sandbox, f"{PULLS}/3")
    again = await get(sandbox, f"{PULLS}/3", **{"If-Modified-Since": first.headers["Last-Modified"]})
    earlier = await get(sandbox, f"{PULLS}/3", **{"If-Modified-Since": "Mon, 02 Nov 2026 00:00:00 GMT"})
    assert (again.status_code, earlier.status_code) == (304, 200)


async def test_pygithub_takes_a_304_for_an_empty_list_without_a_word(sandbox: Sandbox) -> None:
    """Why the product must guard: the client hides the answer."""
    requester = client(sandbox).requester
    url = f"{PULLS}?state=all&per_page=100"
    headers, listed = await asyncio.to_thread(requester.requestJsonAndCheck, "GET", url)
    known = {"If-None-Match": headers["etag"]}
    _, data = await asyncio.to_thread(requester.requestJsonAndCheck, "GET", url, headers=known)
    assert (len(listed), bool(data)) == (100, False)


async def test_headers_agree_with_rate_limit_and_asking_is_free(sandbox: Sandbox) -> None:
    await get(sandbox, "/user")
    headers = (await get(sandbox, "/user")).headers
    rate = (await asyncio.to_thread(client(sandbox).get_rate_limit)).rate
    assert (rate.limit, rate.remaining, rate.used) == (5000, 4998, 2)
    assert headers["X-RateLimit-Remaining"] == "4998"
    assert headers["X-RateLimit-Reset"] == str(int(rate.reset.timestamp()))


async def test_the_limit_ends_in_403_until_its_hour_is_over() -> None:
    now = [MONDAY]
    world = small_world()
    world.github_hourly_limit = 2
    async with run_sandbox(world, clock=lambda: now[0], services=["github"]) as running:
        github = client(running)
        for _ in range(2):
            await asyncio.to_thread(github.get_repo, "acme/payments-api")
        with pytest.raises(RateLimitExceededException) as refused:
            await asyncio.to_thread(github.get_repo, "acme/payments-api")
        assert refused.value.headers is not None
        assert refused.value.headers["x-ratelimit-remaining"] == "0"
        now[0] += timedelta(hours=1)
        await asyncio.to_thread(github.get_repo, "acme/payments-api")


async def test_the_token_and_its_scopes_are_checked(sandbox: Sandbox) -> None:
    github = client(sandbox)
    assert await asyncio.to_thread(lambda: github.get_user().login) == "sandbox-bot"
    assert github.oauth_scopes == ["read:org", "repo"]
    with pytest.raises(BadCredentialsException) as wrong:
        await asyncio.to_thread(client(sandbox, token="expired").get_repo, "acme/payments-api")
    assert wrong.value.data["message"] == "Bad credentials"
    anonymous = await asyncio.to_thread(requests.get, f"{sandbox.github_url}/user", timeout=5)
    assert (anonymous.status_code, anonymous.json()["message"]) == (401, "Requires authentication")


@pytest.mark.parametrize("path", ["/repos/acme/nothing", f"{PULLS}/9999", "/repos/acme/nothing/pulls", "/no/such"])
async def test_what_is_unknown_is_404_in_githubs_words(sandbox: Sandbox, path: str) -> None:
    answer = await get(sandbox, path)
    assert (answer.status_code, answer.json()["message"], answer.json()["status"]) == (404, "Not Found", "404")
    with pytest.raises(UnknownObjectException):
        await asyncio.to_thread(client(sandbox).requester.requestJsonAndCheck, "GET", path)


async def test_an_unknown_commit_is_422(sandbox: Sandbox) -> None:
    repo = await repository(sandbox)
    with pytest.raises(GithubException) as refused:
        await asyncio.to_thread(repo.get_commit, "f" * 40)
    assert refused.value.status == 422
    assert refused.value.data["message"] == f"No commit found for SHA: {'f' * 40}"


@pytest.mark.parametrize(
    "query", ["commits?author=anna", "commits?since=yesterday", "pulls?sort=popularity", "issues?labels=x"]
)
async def test_a_question_the_sandbox_cannot_answer_is_refused_not_ignored(sandbox: Sandbox, query: str) -> None:
    answer = await get(sandbox, f"/repos/acme/payments-api/{query}")
    assert (answer.status_code, answer.json()["message"]) == (422, "Validation Failed")


async def test_links_of_a_changelog_lead_to_a_page_with_everything_escaped(sandbox: Sandbox) -> None:
    known = sandbox.world.repositories["acme/payments-api"]
    known.pull_requests[0].title = "<script>alert(1)</script>"
    url = (await get(sandbox, f"{PULLS}/1")).json()["html_url"]
    page = await asyncio.to_thread(requests.get, url, timeout=5)
    assert page.status_code == 200
    assert "&lt;script&gt;" in page.text
    assert "<script>" not in page.text
