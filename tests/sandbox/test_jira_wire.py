"""The JIRA stand-in, driven over the wire by the real `jira` client, and by requests where that hides the answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import requests
from aiohttp.test_utils import TestServer
from jira import JIRA, JIRAError

from sandbox.jira import SITE, JiraSite, build_app
from sandbox.service import Credentials
from sandbox.world import Project, World
from tests.sandbox.jira_samples import NOW, issue, small_world

CREDENTIALS = Credentials()
LOGIN = (CREDENTIALS.jira_email, CREDENTIALS.jira_api_token)


class Wire:
    """One running stand-in, its client, and bare requests to it."""

    def __init__(self, port: int | None, site: JiraSite) -> None:
        self.url = f"http://localhost:{port}"
        self.site = site

    def client(self, login: tuple[str, str] = LOGIN) -> JIRA:
        return JIRA(self.url, basic_auth=login, options={"rest_api_version": "3"}, max_retries=0, timeout=5)

    async def ask(self, call: Any) -> Any:
        """Runs `call(client)` beside the loop: the client blocks."""
        return await asyncio.to_thread(lambda: call(self.client()))

    async def refused(self, call: Any, login: tuple[str, str] = LOGIN) -> JIRAError:
        def run() -> JIRAError:
            with pytest.raises(JIRAError) as caught:
                call(self.client(login))
            return caught.value

        return await asyncio.to_thread(run)

    async def send(self, method: str, path: str, **more: Any) -> requests.Response:
        more.setdefault("auth", LOGIN)
        return await asyncio.to_thread(lambda: requests.request(method, self.url + path, timeout=5, **more))


async def serving(world: World) -> AsyncIterator[Wire]:
    app = build_app(world, CREDENTIALS, lambda: NOW)
    async with TestServer(app, host="127.0.0.1") as server:
        yield Wire(server.port, app[SITE])


@pytest_asyncio.fixture
async def wire() -> AsyncIterator[Wire]:
    async for one in serving(small_world()):
        yield one


@pytest_asyncio.fixture
async def large() -> AsyncIterator[Wire]:
    issues = [issue(number) for number in range(1, 251)]
    async for one in serving(World(projects={"CORE": Project(1, "CORE", "Core", issues)})):
        yield one


async def test_the_client_takes_the_server_for_cloud(wire: Wire) -> None:
    assert (await wire.ask(lambda jira: jira.server_info()))["deploymentType"] == "Cloud"
    assert await wire.ask(lambda jira: jira.approximate_issue_count("project = CORE")) == 5


@pytest.mark.parametrize("use_post", [False, True])
async def test_the_client_pages_through_all_issues_by_token(large: Wire, use_post: bool) -> None:
    found = await large.ask(
        lambda jira: jira.enhanced_search_issues(
            "project = CORE ORDER BY key", maxResults=0, fields="summary", use_post=use_post
        )
    )
    assert [one.key for one in found] == [f"CORE-{n}" for n in range(1, 251)]
    assert found[0].fields.summary == "Issue 1 of CORE"
    assert not hasattr(found[0].fields, "status")


async def test_a_page_holds_fifty_by_default_a_hundred_with_fields_and_more_of_ids(large: Wire) -> None:
    async def size(**params: Any) -> int:
        answer = await large.send("GET", "/rest/api/3/search/jql", params={"jql": "project = CORE", **params})
        return len(answer.json()["issues"])

    assert await size() == 50
    assert await size(maxResults=500) == 250
    assert await size(maxResults=500, fields="summary") == 100
    assert await size(maxResults=3, fields="*all") == 3


async def test_without_fields_an_issue_is_its_id_alone(wire: Wire) -> None:
    answer = await wire.send("GET", "/rest/api/3/search/jql", params={"jql": "key = CORE-1"})
    assert answer.json() == {"issues": [{"id": "10001"}], "isLast": True}
    posted = await wire.send("POST", "/rest/api/3/search/jql", json={"jql": "key = CORE-1", "fields": ["key"]})
    assert posted.json()["issues"] == [{"id": "10001", "key": "CORE-1", "self": f"{wire.url}/rest/api/3/issue/10001"}]


async def test_a_last_page_has_no_token_and_a_foreign_token_is_refused(large: Wire) -> None:
    params = {"jql": "project = CORE", "maxResults": "200"}
    first = (await large.send("GET", "/rest/api/3/search/jql", params=params)).json()
    token = first["nextPageToken"]
    assert first["isLast"] is False
    last = (await large.send("GET", "/rest/api/3/search/jql", params={**params, "nextPageToken": token})).json()
    assert last["isLast"] is True
    assert "nextPageToken" not in last
    assert len(last["issues"]) == 50
    for jql, wrong in (("project = CORE ORDER BY key", token), ("project = CORE", "bm90IG91cnM=")):
        answer = await large.send("GET", "/rest/api/3/search/jql", params={"jql": jql, "nextPageToken": wrong})
        assert answer.status_code == 400


async def test_nulls_in_a_body_count_as_absent_and_other_nonsense_does_not(wire: Wire) -> None:
    body = {"jql": "project = CORE", "expand": None, "properties": None, "nextPageToken": None}
    assert (await wire.send("POST", "/rest/api/3/search/jql", json=body)).status_code == 200
    for wrong in ({"startAt": 0}, {"validateQuery": True}, {"fields": "summary"}, {"maxResults": "x"}):
        answer = await wire.send("POST", "/rest/api/3/search/jql", json={"jql": "project = CORE", **wrong})
        assert answer.status_code == 400
        assert answer.json()["errorMessages"] == [
            "Invalid request payload. Refer to the REST API documentation and try again."
        ]
    broken = await wire.send("POST", "/rest/api/3/search/jql", data="{", headers={"Content-Type": "application/json"})
    assert broken.status_code == 400


async def test_refused_jql_reaches_the_client_as_400_with_clouds_words(wire: Wire) -> None:
    error = await wire.refused(lambda jira: jira.search_issues("project = NOPE"))
    assert (error.status_code, error.text) == (400, "The value 'NOPE' does not exist for the field 'project'.")


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("version", ["2", "3"])
async def test_the_old_search_is_gone(wire: Wire, method: str, version: str) -> None:
    answer = await wire.send(method, f"/rest/api/{version}/search", params={"jql": "project = CORE"})
    assert answer.status_code == 410
    assert answer.json()["errorMessages"][0].startswith("The requested API has been removed. Please migrate to")


async def test_an_issue_has_its_fields_in_the_shapes_of_cloud(wire: Wire) -> None:
    found = await wire.ask(lambda jira: jira.issue("core-3"))
    assert (found.id, found.key) == ("10003", "CORE-3")
    assert found.fields.status.statusCategory.key == "indeterminate"
    assert found.fields.assignee.displayName == "Ben Ito"
    assert found.fields.project.key == "CORE"
    assert found.fields.resolution is None
    assert found.fields.created == "2026-11-01T09:00:00.000+0000"
    assert found.raw["fields"]["customfield_10020"][0]["name"] == "Core 7"
    child = await wire.ask(lambda jira: jira.issue("CORE-11", fields="parent,-summary"))
    assert child.fields.parent.key == "CORE-10"
    assert child.fields.parent.fields.issuetype.name == "Epic"
    assert set(child.raw["fields"]) == {"parent"}


async def test_a_description_is_an_atlassian_document(wire: Wire) -> None:
    found = await wire.ask(lambda jira: jira.issue("CORE-3", fields="description"))
    text = {"type": "text", "text": "First line"}
    assert found.raw["fields"]["description"] == {
        "type": "doc",
        "version": 1,
        "content": [
            {"type": "paragraph", "content": [text, {"type": "hardBreak"}, {"type": "text", "text": "second line"}]},
            {"type": "paragraph", "content": [{"type": "text", "text": "Next <paragraph>"}]},
        ],
    }
    without = await wire.ask(lambda jira: jira.issue("CORE-1", fields="description"))
    assert without.fields.description is None


async def test_times_and_dates_follow_the_timezone_of_the_api_user(wire: Wire) -> None:
    wire.site.timezone = "Europe/Berlin"
    assert (await wire.ask(lambda jira: jira.myself()))["timeZone"] == "Europe/Berlin"
    jql = 'key = CORE-2 AND resolved >= "2026-11-16 00:00"'
    found = await wire.ask(lambda jira: jira.search_issues(jql, fields="resolutiondate"))
    assert [one.fields.resolutiondate for one in found] == ["2026-11-16T00:59:00.000+0100"]


async def test_the_changelog_tells_what_the_world_says_or_what_a_resolution_implies(wire: Wire) -> None:
    told = (await wire.send("GET", "/rest/api/3/issue/CORE-3/changelog")).json()
    assert (told["total"], told["isLast"]) == (2, True)
    assert [(h["items"][0]["field"], h["items"][0].get("fromString")) for h in told["values"]] == [
        ("status", "To Do"),
        ("assignee", None),
    ]
    implied = await wire.ask(lambda jira: jira.issue("CORE-1", expand="changelog"))
    newest_first = [history.items[0].field for history in implied.changelog.histories]
    assert newest_first == ["resolution", "status"]


async def test_what_is_not_there_is_404_in_clouds_words(wire: Wire) -> None:
    for path, message in (
        ("/rest/api/3/issue/CORE-99", "Issue does not exist or you do not have permission to see it."),
        ("/rest/api/3/issue/NOPE-1", "Issue does not exist or you do not have permission to see it."),
        ("/rest/api/3/project/NOPE", "No project could be found with key 'NOPE'."),
    ):
        answer = await wire.send("GET", path)
        assert (answer.status_code, answer.json()) == (404, {"errorMessages": [message], "errors": {}})
    unknown = await wire.send("GET", "/rest/api/3/nothing")
    assert unknown.status_code == 404
    assert unknown.json()["status-code"] == 404


async def test_authentication_is_checked_and_only_server_info_is_open(wire: Wire) -> None:
    error = await wire.refused(lambda jira: jira.myself(), login=(LOGIN[0], "wrong"))
    assert error.status_code == 401
    for header in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic !"}):
        answer = await wire.send("GET", "/rest/api/3/myself", auth=None, headers=header)
        assert answer.status_code == 401
        assert answer.json()["message"] == "Client must be authenticated to access this resource."
    assert (await wire.send("GET", "/rest/api/3/serverInfo", auth=None)).status_code == 200
    assert (await wire.send("GET", "/rest/api/3/serverInfo", auth=("a", "b"))).status_code == 401


async def test_a_search_by_a_dead_token_is_a_success_without_issues(wire: Wire) -> None:
    for login in ((LOGIN[0], "expired"), None):
        answer = await wire.send("GET", "/rest/api/3/search/jql", params={"jql": "project = CORE"}, auth=login)
        assert (answer.status_code, answer.json()) == (200, {"issues": [], "isLast": True})
        assert "X-AACCOUNTID" not in answer.headers


async def test_projects_and_fields_are_listed(wire: Wire) -> None:
    assert [p.key for p in await wire.ask(lambda jira: jira.projects())] == ["CORE", "DO"]
    assert (await wire.ask(lambda jira: jira.project("DO"))).name == "Delivery Office"
    page = (await wire.send("GET", "/rest/api/3/project/search", params={"query": "deliv"})).json()
    assert [p["key"] for p in page["values"]] == ["DO"]
    names = {f["id"]: f["clauseNames"] for f in await wire.ask(lambda jira: jira.fields())}
    assert "resolved" in names["resolutiondate"]


async def test_boards_lead_to_sprints_and_their_issues(wire: Wire) -> None:
    assert [b.name for b in await wire.ask(lambda jira: jira.boards(projectKeyOrID="CORE"))] == ["Core board"]
    assert await wire.ask(lambda jira: jira.boards(projectKeyOrID="DO")) == []
    sprints = await wire.ask(lambda jira: jira.sprints(3, state="active"))
    assert [(s.id, s.startDate) for s in sprints] == [(7, "2026-11-16T00:00:00.000Z")]
    assert (await wire.ask(lambda jira: jira.sprint(6))).state == "closed"
    answer = await wire.send("GET", "/rest/agile/1.0/sprint/7/issue", params={"fields": "summary", "jql": "type = Bug"})
    assert [one["key"] for one in answer.json()["issues"]] == ["CORE-1"]
    assert answer.json()["total"] == 1
    assert (await wire.send("GET", "/rest/agile/1.0/board/9/sprint")).status_code == 404
    assert (await wire.send("GET", "/rest/agile/1.0/sprint/99")).status_code == 404


async def test_a_world_without_boards_has_an_empty_list_of_them(large: Wire) -> None:
    answer = (await large.send("GET", "/rest/agile/1.0/board")).json()
    assert (answer["values"], answer["total"], answer["isLast"]) == ([], 0, True)
