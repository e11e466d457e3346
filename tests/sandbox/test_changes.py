"""What happens to a world while it is served, as both roads to GitHub then show it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
import requests

from sandbox.changes import (
    AddCommit,
    AddPullRequest,
    ArchiveRepository,
    DeleteUser,
    EditPullRequest,
    ForcePush,
    ImpossibleChange,
    RenameRepository,
    WorldChange,
)
from sandbox.running import Sandbox, run_sandbox
from sandbox.world import Repository
from tests.sandbox.github_wire import MONDAY, client, session, sha, small_world

NAME, NEW_NAME = "acme/payments-api", "acme/billing-api"
PULLS = f"/repos/{NAME}/pulls?state=all&per_page=100"
COMMITS = f"/repos/{NAME}/commits?per_page=100"
HISTORY = """
query($after: String) { repository(owner: "acme", name: "payments-api") { nameWithOwner isArchived
  defaultBranchRef { target { oid ... on Commit { history(first: 100, after: $after) {
    nodes { oid } pageInfo { endCursor hasNextPage } } } } } } }
"""


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with run_sandbox(small_world(250), clock=lambda: MONDAY + timedelta(days=40), services=["github"]) as running:
        yield running


async def get(sandbox: Sandbox, path: str, **headers: str) -> requests.Response:
    return await asyncio.to_thread(
        session().get, sandbox.github_url + path, headers=headers, timeout=5, allow_redirects=False
    )


async def ask(sandbox: Sandbox, query: str, **variables: Any) -> Any:
    _, answer = await asyncio.to_thread(client(sandbox).requester.graphql_query, query, variables)
    return answer["data"]


async def test_a_renamed_repository_redirects_to_its_id(sandbox: Sandbox) -> None:
    sandbox.change(RenameRepository(repository=NAME, name=NEW_NAME))
    moved = await get(sandbox, PULLS)
    target = f"{sandbox.github_url}/repositories/1/pulls?state=all&per_page=100"
    assert (moved.status_code, moved.headers["Location"], moved.json()["url"]) == (301, target, target)
    assert moved.json()["message"] == "Moved Permanently"
    followed = await get(sandbox, "/repositories/1/pulls?state=all&per_page=100")
    assert len(followed.json()) == 100
    assert followed.links["next"]["url"] == f"{target}&page=2"
    assert (await get(sandbox, "/repositories/2")).status_code == 404


async def test_pygithub_follows_a_renaming_but_loses_the_query_on_the_way(sandbox: Sandbox) -> None:
    """Why the product must ask for the new name first: the list it gets is another one than it asked for."""
    sandbox.change(RenameRepository(repository=NAME, name=NEW_NAME))
    repository = await asyncio.to_thread(client(sandbox).get_repo, NAME)
    assert repository.full_name == NEW_NAME
    _, listed = await asyncio.to_thread(client(sandbox).requester.requestJsonAndCheck, "GET", PULLS)
    assert [pull["state"] for pull in listed] == ["open"]


async def test_graphql_follows_a_renaming_unless_it_is_told_not_to(sandbox: Sandbox) -> None:
    sandbox.change(RenameRepository(repository=NAME, name=NEW_NAME))
    assert (await ask(sandbox, HISTORY))["repository"]["nameWithOwner"] == NEW_NAME
    strict = '{ repository(owner: "acme", name: "payments-api", followRenames: false) { id } }'
    answer = await asyncio.to_thread(session().post, f"{sandbox.github_url}/graphql", json={"query": strict}, timeout=5)
    assert answer.json()["errors"][0]["type"] == "NOT_FOUND"


async def test_a_name_that_another_repository_took_redirects_no_more(sandbox: Sandbox) -> None:
    sandbox.change(RenameRepository(repository=NAME, name=NEW_NAME))
    sandbox.world.repositories[NAME] = Repository(id=77, owner="acme", name="payments-api")
    assert (await get(sandbox, f"/repos/{NAME}")).json()["id"] == 77


async def test_case_counts_for_nothing_in_a_name(sandbox: Sandbox) -> None:
    answer = await get(sandbox, "/repos/Acme/Payments-API")
    assert (answer.status_code, answer.json()["full_name"]) == (200, NAME)


async def test_an_archived_repository_says_so_on_both_roads(sandbox: Sandbox) -> None:
    sandbox.change(ArchiveRepository(repository=NAME))
    assert (await get(sandbox, f"/repos/{NAME}")).json()["archived"] is True
    assert (await ask(sandbox, HISTORY))["repository"]["isArchived"] is True


async def test_a_push_by_force_between_two_pages_moves_rest_under_the_reader(sandbox: Sandbox) -> None:
    first = (await get(sandbox, f"{COMMITS}&page=1")).json()
    sandbox.change(ForcePush(repository=NAME, rewritten=120, dropped=20))
    second = (await get(sandbox, f"{COMMITS}&page=2")).json()
    assert first[-1]["sha"] == sha(151)
    # 230 commits are left, of which 100 have new SHAs: twenty of the old branch were on no page.
    assert second[0]["sha"] == sha(130)


async def test_a_push_by_force_leaves_graphqls_cursor_on_the_old_branch(sandbox: Sandbox) -> None:
    first = (await ask(sandbox, HISTORY))["repository"]["defaultBranchRef"]["target"]
    sandbox.change(ForcePush(repository=NAME, rewritten=120, dropped=20))
    after = first["history"]["pageInfo"]["endCursor"]
    second = (await ask(sandbox, HISTORY, after=after))["repository"]["defaultBranchRef"]["target"]
    assert second["history"]["nodes"][0]["oid"] == sha(150), "nothing is missing, and nothing comes twice"
    assert second["oid"] != first["oid"], "but the head tells that these are the commits of yesterday's branch"


async def test_rewritten_commits_keep_message_and_time_and_hang_together(sandbox: Sandbox) -> None:
    old = list(sandbox.world.repositories[NAME].commits)
    sandbox.change(ForcePush(repository=NAME, rewritten=3))
    new = sandbox.world.repositories[NAME].commits
    assert [one.message for one in new] == [one.message for one in old]
    assert [one.sha == other.sha for one, other in zip(new[:5], old[:5], strict=True)] == [False] * 3 + [True] * 2
    assert [one.parents for one in new[:3]] == [[new[1].sha], [new[2].sha], [old[3].sha]]
    assert (await get(sandbox, f"/repos/{NAME}/commits/{old[0].sha}")).status_code == 200


async def test_a_new_commit_and_pull_request_are_seen_at_once(sandbox: Sandbox) -> None:
    sandbox.change(AddCommit(repository=NAME, message="fix: late", committed_at=MONDAY + timedelta(days=30)))
    sandbox.change(AddPullRequest(repository=NAME, title="feat: late", merged_at=MONDAY + timedelta(days=31)))
    commits = (await get(sandbox, COMMITS)).json()
    assert [commit["commit"]["message"] for commit in commits[:2]] == ["feat: late (#253)", "fix: late"]
    assert commits[0]["parents"][0]["sha"] == commits[1]["sha"]
    pull = (await get(sandbox, f"/repos/{NAME}/pulls/253")).json()
    assert (pull["title"], pull["merge_commit_sha"]) == ("feat: late", commits[0]["sha"])


async def test_an_edited_pull_request_moves_to_the_front(sandbox: Sandbox) -> None:
    sandbox.change(EditPullRequest(repository=NAME, number=5, title="Edited", labels=["late"]))
    pulls = (await get(sandbox, f"{PULLS}&sort=updated&direction=desc")).json()
    assert (pulls[0]["number"], pulls[0]["title"], pulls[0]["labels"][0]["name"]) == (5, "Edited", "late")
    assert pulls[0]["body"] == "Why and how."


async def test_a_deleted_user_leaves_the_work_behind(sandbox: Sandbox) -> None:
    sandbox.change(DeleteUser(login="annalindqvist"))
    assert (await get(sandbox, f"/repos/{NAME}/pulls/9")).json()["user"]["login"] == "ghost"
    commit = (await get(sandbox, f"/repos/{NAME}/commits/{sha(9)}")).json()
    assert (commit["author"], commit["commit"]["author"]["name"]) == (None, "Anna Lindqvist")
    query = '{ repository(owner: "acme", name: "payments-api") { pullRequest(number: 9) { author { login } } } }'
    assert (await ask(sandbox, query))["repository"]["pullRequest"]["author"] is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (RenameRepository(repository="acme/nothing", name="acme/x"), "there is no repository acme/nothing"),
        (RenameRepository(repository=NAME, name="acme"), '"acme" is not owner/name'),
        (ForcePush(repository=NAME, rewritten=251), "has 250 commits"),
        (EditPullRequest(repository=NAME, number=999), "has no pull request 999"),
        (DeleteUser(login="nobody-at-all"), "there is no user nobody-at-all"),
    ],
    ids=lambda value: value.kind if not isinstance(value, str) else "",
)
async def test_what_cannot_happen_is_refused(sandbox: Sandbox, change: WorldChange, reason: str) -> None:
    with pytest.raises(ImpossibleChange, match=reason):
        sandbox.change(change)


async def test_changes_are_asked_for_over_the_control_api(sandbox: Sandbox) -> None:
    async def post(body: Any) -> requests.Response:
        return await asyncio.to_thread(requests.post, f"{sandbox.control_url}/world/changes", json=body, timeout=5)

    done = await post({"kind": "rename_repository", "repository": NAME, "name": NEW_NAME})
    assert (done.status_code, list(sandbox.world.repositories)) == (204, [NEW_NAME])
    impossible = await post({"kind": "archive_repository", "repository": NAME})
    assert impossible.status_code == 409
    assert impossible.json()["error"] == f"This cannot happen here: there is no repository {NAME}."
    unknown = await post({"kind": "delete_everything"})
    assert (unknown.status_code, "delete_user" in unknown.json()["details"][0]) == (400, True)
