"""The Data Center stand-in, driven over the wire by the real `jira` client, and by requests where that hides things."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from sandbox.jira.data_center import DataCenterSite
from sandbox.running import run_sandbox
from sandbox.world import Project, World
from sandbox.worlds.choice import add_world_options, world_of
from tests.sandbox.jira_samples import at, done, issue, small_world
from tests.sandbox.jira_servers import CREDENTIALS, DataCenterWire, data_center

SEARCH = "/rest/api/2/search"


@pytest_asyncio.fixture
async def wire() -> AsyncIterator[DataCenterWire]:
    world = small_world()
    core = world.projects["CORE"].issues
    core += [
        issue(12, issue_type="Epic", summary="Sign in with a passkey"),
        done(13, at(18), issue_type="Story", parent_key="CORE-12"),
        done(14, at(19), issue_type="Sub-task", parent_key="CORE-13"),
    ]
    async with data_center(world) as one:
        yield one


@pytest_asyncio.fixture
async def large() -> AsyncIterator[DataCenterWire]:
    issues = [issue(number) for number in range(1, 251)]
    async with data_center(World(projects={"CORE": Project(1, "CORE", "Core", issues)})) as one:
        yield one


async def test_a_sandbox_is_asked_for_data_center_and_gives_the_environment_for_it() -> None:
    parser = argparse.ArgumentParser()
    add_world_options(parser)
    world = world_of(parser.parse_args(["--jira", "data-center"]))
    async with run_sandbox(world, services=["jira"]) as sandbox:
        assert sandbox.environment == {"JIRA_URL": sandbox.jira_url, "JIRA_PAT": CREDENTIALS.jira_pat}
    assert world_of(parser.parse_args([])).jira_deployment == "cloud"


async def test_the_client_takes_the_server_for_no_cloud(wire: DataCenterWire) -> None:
    info = await wire.ask(lambda jira: jira.server_info())
    assert info["deploymentType"] == "Server"
    assert info["versionNumbers"] == [9, 12, 22]
    assert await wire.ask(lambda jira: jira.enhanced_search_issues("project = CORE")) is None


async def test_the_client_pages_through_all_issues_by_their_number(large: DataCenterWire) -> None:
    found = await large.ask(lambda jira: jira.search_issues("project = CORE ORDER BY key", maxResults=0))
    assert [one.key for one in found] == [f"CORE-{number}" for number in range(1, 251)]
    assert found.total == 250


async def test_a_page_tells_where_it_starts_how_long_it_may_be_and_how_many_there_are(large: DataCenterWire) -> None:
    async def page(**parameters: Any) -> tuple[int, int, int, int]:
        body = (await large.send("GET", SEARCH, params={"jql": "project = CORE", **parameters})).json()
        return body["startAt"], body["maxResults"], body["total"], len(body["issues"])

    assert await page() == (0, 50, 250, 50)
    assert await page(startAt=240, maxResults=100) == (240, 100, 250, 10)
    assert await page(startAt=999) == (999, 50, 250, 0)
    assert await page(maxResults=0) == (0, 0, 250, 0)
    assert await page(maxResults=5000) == (0, 1000, 250, 250)
    assert isinstance(large.site, DataCenterSite)
    large.site.max_results = 20
    assert await page(maxResults=100) == (0, 20, 250, 20), "cut without a word"


async def test_a_search_needs_no_bound_and_cloud_only_resources_are_not_there(wire: DataCenterWire) -> None:
    body = (await wire.send("GET", SEARCH, params={"jql": "ORDER BY created"})).json()
    assert body["total"] == 10
    for path in ("/rest/api/3/search/jql", "/rest/api/3/myself", "/rest/api/2/search/jql"):
        assert (await wire.send("GET", path, params={"jql": "project = CORE"})).status_code == 404


async def test_text_is_wiki_markup_and_people_have_names(wire: DataCenterWire) -> None:
    found = await wire.ask(lambda jira: jira.issue("CORE-3"))
    assert found.fields.description == "First line\nsecond line\n\nNext <paragraph>"
    assert (found.fields.assignee.name, found.fields.assignee.displayName) == ("ben", "Ben Ito")
    assert "accountId" not in found.raw["fields"]["assignee"]
    assert found.self == f"{wire.url}/rest/api/2/issue/10003"


async def test_a_story_tells_its_epic_by_a_custom_field_and_a_sub_task_its_parent(wire: DataCenterWire) -> None:
    fields = await wire.ask(lambda jira: jira.fields())
    (link,) = [one["id"] for one in fields if one.get("schema", {}).get("custom", "").endswith(":gh-epic-link")]
    story = (await wire.ask(lambda jira: jira.issue("CORE-13"))).raw["fields"]
    assert story[link] == "CORE-12"
    assert "parent" not in story
    sub_task = (await wire.ask(lambda jira: jira.issue("CORE-14"))).raw["fields"]
    assert (sub_task["parent"]["key"], sub_task[link]) == ("CORE-13", None)


async def test_times_are_the_servers_and_dates_in_jql_the_users(wire: DataCenterWire) -> None:
    wire.site.timezone = "Europe/Berlin"
    assert (await wire.ask(lambda jira: jira.myself()))["timeZone"] == "Europe/Berlin"
    jql = 'key = CORE-2 AND resolved >= "2026-11-16 00:00"'
    found = await wire.ask(lambda jira: jira.search_issues(jql, fields="resolutiondate"))
    assert [one.fields.resolutiondate for one in found] == ["2026-11-15T15:59:00.000-0800"]


async def test_what_does_not_exist_is_an_error_or_without_validation_a_warning(wire: DataCenterWire) -> None:
    jql = "key in (CORE-12, CORE-99)"
    error = await wire.refused(lambda jira: jira.search_issues(jql))
    assert (error.status_code, error.text) == (400, "An issue with key 'CORE-99' does not exist for field 'key'.")
    body = (await wire.send("GET", SEARCH, params={"jql": jql, "validateQuery": "False"})).json()
    assert [one["key"] for one in body["issues"]] == ["CORE-12"]
    assert body["warningMessages"] == ["An issue with key 'CORE-99' does not exist for field 'key'."]
    assert (await wire.send("GET", SEARCH, params={"jql": "project ="})).status_code == 400


async def test_a_posted_search_refuses_what_its_bean_does_not_know(wire: DataCenterWire) -> None:
    posted = await wire.send("POST", SEARCH, json={"jql": "project = CORE", "fields": ["summary"], "expand": None})
    assert posted.json()["total"] == 8
    for wrong in ({"properties": None}, {"nextPageToken": "x"}, {"fields": "summary"}, {"expand": "names"}):
        assert (await wire.send("POST", SEARCH, json={"jql": "project = CORE", **wrong})).status_code == 400


async def test_a_token_that_it_cannot_resolve_is_nobody_and_no_failed_login(wire: DataCenterWire) -> None:
    for headers in ({"Authorization": "Bearer expired"}, {}):
        refused = await wire.send("GET", "/rest/api/2/myself", headers=headers)
        assert (refused.status_code, refused.headers["X-AUSERNAME"]) == (401, "anonymous")
        assert refused.json() == {
            "message": "Client must be authenticated to access this resource.",
            "status-code": 401,
        }
        assert "X-Seraph-LoginReason" not in refused.headers
        named = await wire.send("GET", SEARCH, headers=headers, params={"jql": "project = CORE"})
        assert named.json()["errorMessages"] == ["The value 'CORE' does not exist for the field 'project'."]
        searched = await wire.send("GET", SEARCH, headers=headers, params={"jql": "created > -900d"})
        assert (searched.status_code, searched.json()["total"]) == (200, 0)
        assert searched.headers["X-AUSERNAME"] == "anonymous"
    assert (await wire.send("GET", "/rest/api/2/serverInfo", headers={})).status_code == 200
    assert (await wire.send("GET", "/rest/api/2/myself")).headers["X-AUSERNAME"] == "devsync"


async def test_a_wrong_password_is_a_failed_login_and_a_few_of_them_a_captcha(wire: DataCenterWire) -> None:
    def login() -> Any:
        return wire.send("GET", "/rest/api/2/myself", headers={}, auth=("anna", "wrong"))

    for _ in range(3):
        refused = await login()
        assert (refused.status_code, refused.headers["X-Seraph-LoginReason"]) == (401, "AUTHENTICATED_FAILED")
        assert refused.headers["Content-Type"].startswith("text/html")
    denied = await login()
    assert (denied.status_code, denied.headers["X-Seraph-LoginReason"]) == (403, "AUTHENTICATION_DENIED")
    assert denied.headers["X-Authentication-Denied-Reason"] == f"CAPTCHA_CHALLENGE; login-url={wire.url}/login.jsp"
    assert (await wire.send("GET", "/rest/api/2/myself")).status_code == 200, "a token is no login"


async def test_what_is_not_there_is_404_in_its_own_words(wire: DataCenterWire) -> None:
    answers = {
        "/rest/api/2/issue/CORE-99": {"errorMessages": ["Issue Does Not Exist"], "errors": {}},
        "/rest/api/2/project/NOPE": {"errorMessages": ["No project could be found with key 'NOPE'."], "errors": {}},
    }
    for path, body in answers.items():
        answer = await wire.send("GET", path)
        assert (answer.status_code, answer.json()) == (404, body)


async def test_projects_are_a_bare_list(wire: DataCenterWire) -> None:
    assert [one["key"] for one in (await wire.send("GET", "/rest/api/2/project")).json()] == ["CORE", "DO"]
    assert (await wire.ask(lambda jira: jira.project("DO"))).name == "Delivery Office"


async def test_boards_and_sprints_are_those_of_cloud_but_an_issue_tells_its_sprint_as_text(
    wire: DataCenterWire,
) -> None:
    assert [board.name for board in await wire.ask(lambda jira: jira.boards(projectKeyOrID="CORE"))] == ["Core board"]
    assert [sprint.id for sprint in await wire.ask(lambda jira: jira.sprints(3, state="active"))] == [7]
    told = (await wire.ask(lambda jira: jira.issue("CORE-3"))).raw["fields"]["customfield_10105"]
    assert told[0].startswith("com.atlassian.greenhopper.service.sprint.Sprint@7[id=7,state=ACTIVE,name=Core 7,")


async def test_the_changelog_of_an_issue_begins_with_the_oldest_change(wire: DataCenterWire) -> None:
    found = await wire.ask(lambda jira: jira.issue("CORE-3", expand="changelog"))
    assert [history.items[0].field for history in found.changelog.histories] == ["status", "assignee"]
