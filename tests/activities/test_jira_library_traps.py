"""What the `jira` library would do by itself, on the wire, and that our client does not: Cloud and Data Center."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from jira import JIRA

from activities.clients import jira as jira_module
from activities.clients.jira import JiraClient
from activities.clients.jira_pages import SearchPage
from devsync.domain.errors import ErrorCategory, Failure
from devsync.runtime.classification import classify
from sandbox.faults import Fault, FaultKind
from sandbox.jira import build_app
from sandbox.jira.data_center import DataCenterSite
from sandbox.service import Credentials, system_clock
from sandbox.world import World
from tests.activities.jira_clients import JiraSandbox, Kind, jira_client, jira_sandbox
from tests.sandbox.jira_samples import issue, small_world

KINDS: list[Kind] = ["cloud", "data-center"]
FIELDS = ["summary", "status"]
IN_PROJECT = 'project = "CORE" ORDER BY created ASC, key ASC'


def plain_world() -> World:
    """Without epics: at Data Center they cost a question more."""
    world = small_world()
    for one in world.projects["CORE"].issues:
        one.parent_key = None
    return world


@pytest.fixture(params=KINDS)
async def sandbox(request: pytest.FixtureRequest) -> AsyncIterator[JiraSandbox]:
    async with jira_sandbox(request.param, plain_world()) as running:
        yield running


async def search(client: JiraClient, position: str = "", jql: str = IN_PROJECT) -> SearchPage[list[dict[str, Any]]]:
    return await asyncio.to_thread(client.search_page, jql, FIELDS, position, lambda: None, list)


async def failure_of(call: Callable[[], Any]) -> Failure:
    """What the product makes of the exception that the call must raise."""
    with pytest.raises(Exception) as raised:  # noqa: PT011 (each library raises its own; classify tells them apart)
        await asyncio.to_thread(call)
    return classify(raised.value, "jira", datetime.now(UTC))


def answer_searches(sandbox: JiraSandbox, make: Callable[[], web.Response]) -> None:
    sandbox.odd["jql" if sandbox.is_cloud else "search"] = make


def paths(sandbox: JiraSandbox) -> list[str]:
    return [record.path.removeprefix("/rest/api/").split("/", 1)[1] for record in sandbox.log.select("jira")]


def library(sandbox: JiraSandbox, **changes: Any) -> JIRA:
    """As someone makes it who has not read this page."""
    environment = sandbox.environment
    login: dict[str, Any] = {"token_auth": environment.get("JIRA_PAT")}
    if "JIRA_EMAIL" in environment:
        login = {"basic_auth": (environment["JIRA_EMAIL"], environment["JIRA_API_TOKEN"])}
    return JIRA(
        sandbox.jira_url, options={"rest_api_version": "3" if "basic_auth" in login else "2"}, **login, **changes
    )


# Calls that nobody asked for


async def test_making_the_client_asks_nothing_and_a_search_is_one_request(sandbox: JiraSandbox) -> None:
    client = jira_client(sandbox, concurrency=3)
    assert paths(sandbox) == []
    await asyncio.to_thread(client.user_timezone, lambda: None)
    introduction = paths(sandbox)
    is_cloud = sandbox.is_cloud
    assert introduction == (["serverInfo", "myself"] if is_cloud else ["serverInfo", "field", "myself"])
    await asyncio.gather(*(search(client) for _ in range(3)))
    assert paths(sandbox)[len(introduction) :] == ["search/jql" if is_cloud else "search"] * 3
    sandbox.log.clear()
    theirs = await asyncio.to_thread(library, sandbox)
    await asyncio.to_thread(theirs.search_issues, IN_PROJECT, fields=FIELDS)
    assert paths(sandbox)[:2] == ["serverInfo", "field"], "the library's own, once a client and before its search"


async def test_a_custom_field_of_the_same_name_does_not_take_a_fields_place(sandbox: JiraSandbox) -> None:
    custom = {"id": "customfield_7", "name": "Status", "clauseNames": ["cf[7]", "status"], "custom": True}
    sandbox.odd["field"] = lambda: web.json_response([custom])
    await search(jira_client(sandbox))
    assert "fields=summary&fields=status" in sandbox.log.select("jira", path="/search")[-1].query
    asked = list(FIELDS)
    theirs = await asyncio.to_thread(library, sandbox)
    await asyncio.to_thread(theirs.search_issues, IN_PROJECT, fields=asked)
    assert asked == ["summary", "customfield_7"], "the library's own, in the caller's list"


async def test_a_search_asks_for_nothing_that_atlassian_does_not_know(sandbox: JiraSandbox) -> None:
    await search(jira_client(sandbox))
    (asked,) = sandbox.log.select("jira", path="/search")
    names = {part.split("=")[0] for part in asked.query.split("&")}
    if sandbox.is_cloud:
        assert (asked.method, asked.path) == ("GET", "/rest/api/3/search/jql"), "the library's own is version 2"
        assert names == {"jql", "fields", "maxResults"}
    else:
        assert (asked.method, asked.path) == ("GET", "/rest/api/2/search")
        assert names == {"jql", "fields", "maxResults", "startAt", "validateQuery"}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_jira_below_a_path_is_asked_there(kind: Kind) -> None:
    world, credentials = plain_world(), Credentials()
    world.jira_deployment = kind
    front = web.Application()
    front.add_subapp("/jira", build_app(world, credentials, system_clock))
    async with TestServer(front, host="127.0.0.1") as server:
        login = {"email": credentials.jira_email, "token": credentials.jira_api_token}
        client = JiraClient(
            server=f"http://localhost:{server.port}/jira/",
            **(login if kind == "cloud" else {"email": None, "token": credentials.jira_pat}),
            concurrency=1,
            connect_timeout=timedelta(seconds=5),
            read_timeout=timedelta(seconds=5),
        )
        assert await asyncio.to_thread(client.user_timezone, lambda: None) is not None
        assert len((await search(client)).issues) == 5


# Sleeping and repeating inside a call


@pytest.mark.parametrize("route", ["serverInfo", "myself", "search"])
@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind=FaultKind.RATE_LIMIT, service="jira", retry_after_seconds=20),
        Fault(kind=FaultKind.RATE_LIMIT, service="jira", retry_after_seconds=90),
        Fault(kind=FaultKind.RATE_LIMIT, service="jira", retry_after_seconds=20, retry_after_as_date=True),
        Fault(kind=FaultKind.STATUS, service="jira", status=503),
        Fault(kind=FaultKind.RESET, service="jira"),
        Fault(kind=FaultKind.EMPTY, service="jira"),
    ],
    ids=["429", "429-far", "429-date", "503", "reset", "empty"],
)
async def test_a_call_that_fails_is_sent_once_and_at_once_told(sandbox: JiraSandbox, route: str, fault: Fault) -> None:
    sandbox.faults.add(fault.model_copy(update={"route": route}))
    client, began = jira_client(sandbox), time.monotonic()

    def collect() -> None:
        client.user_timezone(lambda: None)
        client.search_page(IN_PROJECT, FIELDS, "", lambda: None, list)

    failure = await failure_of(collect)
    assert time.monotonic() - began < 10, "somebody slept"
    assert len(sandbox.log.select("jira", path=route)) == 1
    assert failure.is_retryable
    if fault.kind is FaultKind.RATE_LIMIT:
        assert failure.retry_after is not None
        assert failure.retry_after > timedelta(seconds=fault.retry_after_seconds - 3)


async def test_a_slow_answer_is_given_up_after_the_read_time_out_on_every_call(sandbox: JiraSandbox) -> None:
    client = jira_client(sandbox, read_timeout=timedelta(milliseconds=300))
    for route, call in (
        ("serverInfo", lambda: client.user_timezone(lambda: None)),
        ("/search", lambda: client.search_page(IN_PROJECT, FIELDS, "", lambda: None, list)),
    ):
        slow = sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="jira", route=route, latency_ms=3000))
        assert (await failure_of(call)).code == "timeout"
        sandbox.faults.clear(slow)


async def test_of_a_wait_of_no_seconds_the_limit_itself_says_how_long_it_is(sandbox: JiraSandbox) -> None:
    sandbox.faults.add(Fault(kind=FaultKind.RATE_LIMIT, service="jira", route="search", retry_after_seconds=0))
    failure = await failure_of(lambda: jira_client(sandbox).search_page(IN_PROJECT, FIELDS, "", lambda: None, list))
    until_filled = timedelta() if sandbox.is_cloud else timedelta(seconds=1)
    assert (failure.category, failure.retry_after) == (ErrorCategory.RATE_LIMITING, until_filled)
    # tests/domain/test_backoff.py: a hint of no wait leaves the declared backoff in force.


# Answers that the library believes


@pytest.mark.parametrize("body", ["null", "5", '"a message"', '["message"]', "[]", "{", ""])
async def test_an_error_is_understood_whatever_its_body(sandbox: JiraSandbox, body: str) -> None:
    answer_searches(sandbox, lambda: web.Response(status=502, text=body, content_type="application/json"))
    failure = await failure_of(lambda: jira_client(sandbox).search_page(IN_PROJECT, FIELDS, "", lambda: None, list))
    assert (failure.category, failure.code) == (ErrorCategory.EXTERNAL_SERVICE, "502")


@pytest.mark.parametrize("body", ["{}", "[]", "null", '{"issues": null}', '{"issues": [1]}', '{"issues": {}}'])
async def test_a_success_without_issues_is_malformed_and_no_empty_week(sandbox: JiraSandbox, body: str) -> None:
    answer_searches(sandbox, lambda: web.Response(text=body, content_type="application/json"))
    failure = await failure_of(lambda: jira_client(sandbox).search_page(IN_PROJECT, FIELDS, "", lambda: None, list))
    assert (failure.code, failure.is_retryable) == ("malformed", True)


async def test_a_login_page_with_200_is_malformed_and_its_text_goes_nowhere(
    sandbox: JiraSandbox, caplog: pytest.LogCaptureFixture
) -> None:
    page = "<html><form action='/login.jsp'>secret of the page</form></html>"
    answer_searches(sandbox, lambda: web.Response(text=page, content_type="text/html"))
    failure = await failure_of(lambda: jira_client(sandbox).search_page(IN_PROJECT, FIELDS, "", lambda: None, list))
    assert (failure.code, failure.is_retryable) == ("malformed", True)
    assert "a web page, as a login or a proxy sends it" in failure.message
    assert "secret of the page" not in failure.message + caplog.text


async def test_a_redirect_is_not_followed_and_names_the_address_to_write(sandbox: JiraSandbox) -> None:
    target = "https://sso.acme.dev/login?next=%2Frest"
    answer_searches(sandbox, lambda: web.Response(status=302, headers={"Location": target}))
    failure = await failure_of(lambda: jira_client(sandbox).search_page(IN_PROJECT, FIELDS, "", lambda: None, list))
    assert (failure.category, failure.is_retryable) == (ErrorCategory.CONFIGURATION, False)
    assert "JIRA_URL leads on to https://sso.acme.dev/login;" in failure.message


# Credentials


async def test_a_token_that_expires_in_mid_run_is_told_and_no_empty_week(
    sandbox: JiraSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = jira_client(sandbox)
    assert (await search(client)).issues
    sandbox.revoke()
    monkeypatch.setattr(jira_module, "PROOF_LIFETIME", timedelta())
    failure = await failure_of(lambda: client.user_timezone(lambda: None))
    assert (failure.category, failure.is_retryable) == (ErrorCategory.AUTHENTICATION, False)
    assert "JIRA_API_TOKEN (Cloud) or JIRA_PAT (Data Center)" in failure.message


async def test_at_data_center_every_answer_tells_that_it_is_for_a_stranger() -> None:
    async with jira_sandbox("data-center", small_world()) as sandbox:
        client = jira_client(sandbox)
        await search(client)
        sandbox.revoke()
        failure = await failure_of(lambda: client.search_page("created > -900d", FIELDS, "", lambda: None, list))
    assert failure.category is ErrorCategory.AUTHENTICATION
    assert failure.message.startswith("jira took us for the anonymous user: check JIRA_EMAIL")


async def test_credentials_are_proven_once_a_minute_and_not_with_each_page(
    sandbox: JiraSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = jira_client(sandbox, concurrency=4)

    async def ask() -> None:
        await asyncio.gather(*(asyncio.to_thread(client.user_timezone, lambda: None) for _ in range(8)))

    await ask()
    assert len(sandbox.log.select("jira", path="myself")) == 1
    monkeypatch.setattr(jira_module, "PROOF_LIFETIME", timedelta())
    await ask()
    assert len(sandbox.log.select("jira", path="myself")) == 9
    assert len(sandbox.log.select("jira", path="serverInfo")) == 1, "what a server is does not change"


@pytest.mark.parametrize(
    ("kind", "login", "wanted"),
    [
        ("data-center", {"email": "anna@acme.dev", "token": "t"}, "jira refused the login (AUTHENTICATED_FAILED)"),
        ("cloud", {"email": None, "token": "t"}, "jira refused the login (AUTHENTICATED_FAILED)"),
        ("data-center", {"token": "expired"}, "jira took us for the anonymous user"),
        ("cloud", {"token": "expired"}, "jira refused the login (AUTHENTICATED_FAILED)"),
    ],
)
async def test_wrong_credentials_are_told_with_their_names(kind: Kind, login: dict[str, Any], wanted: str) -> None:
    async with jira_sandbox(kind, small_world()) as sandbox:
        failure = await failure_of(lambda: jira_client(sandbox, **login).user_timezone(lambda: None))
    assert (failure.category, failure.is_retryable) == (ErrorCategory.AUTHENTICATION, False)
    assert failure.message.startswith(f"{wanted}: check JIRA_EMAIL and JIRA_API_TOKEN (Cloud) or JIRA_PAT")


async def test_a_captcha_is_told_with_the_page_that_ends_it() -> None:
    async with jira_sandbox("data-center", small_world()) as sandbox:
        client = jira_client(sandbox, email="anna@acme.dev", token="wrong")
        messages = [(await failure_of(lambda: client.user_timezone(lambda: None))).message for _ in range(4)]
        url = sandbox.jira_url
    assert messages[3].startswith(f"jira wants a CAPTCHA solved, log in once in a browser at {url}/login.jsp: check")


@pytest.mark.parametrize(
    ("kind", "says", "cure"),
    [
        ("cloud", "Server", "is JIRA Data Center: set JIRA_PAT instead of JIRA_EMAIL and JIRA_API_TOKEN"),
        ("cloud", "DataCenter", "is JIRA Data Center: set JIRA_PAT instead of JIRA_EMAIL and JIRA_API_TOKEN"),
        ("data-center", "Cloud", "is JIRA Cloud: set JIRA_EMAIL and JIRA_API_TOKEN instead of JIRA_PAT"),
    ],
)
async def test_a_server_of_the_other_kind_is_refused_where_the_library_would_answer_none(
    kind: Kind, says: str, cure: str
) -> None:
    async with jira_sandbox(kind, small_world()) as sandbox:
        sandbox.odd["serverInfo"] = lambda: web.json_response({"deploymentType": says})
        failure = await failure_of(lambda: jira_client(sandbox).user_timezone(lambda: None))
    assert (failure.category, failure.is_retryable) == (ErrorCategory.CONFIGURATION, False)
    assert failure.message.endswith(cure)


async def test_a_timezone_that_nobody_knows_is_none_and_no_failure(sandbox: JiraSandbox) -> None:
    for told in ({"displayName": "Anna"}, {"timeZone": "GMT+02:00"}, {"timeZone": "../../etc/passwd"}):
        sandbox.odd["myself"] = partial(web.json_response, told)
        assert await asyncio.to_thread(jira_client(sandbox).user_timezone, lambda: None) is None


# Paging


async def all_pages(client: JiraClient) -> list[list[str]]:
    found, position = [], ""
    while True:
        page = await search(client, position)
        found.append([entry["key"] for entry in page.issues])
        if not page.next_position:
            return found
        position = page.next_position


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 200, 201, 350])
async def test_every_issue_comes_once_in_as_few_pages_as_can_be(kind: Kind, count: int) -> None:
    world = small_world()
    world.projects["CORE"].issues = [issue(number) for number in range(1, count + 1)]
    async with jira_sandbox(kind, world) as sandbox:
        pages = await all_pages(jira_client(sandbox))
    assert [key for page in pages for key in page] == [f"CORE-{number}" for number in range(1, count + 1)]
    assert len(pages) == max(1, -(-count // 100))


async def test_a_server_that_gives_less_than_asked_for_cuts_nothing_off() -> None:
    """The library's own loop over all pages ends at the first page that is shorter than it asked for."""
    world = small_world()
    world.projects["CORE"].issues = [issue(number) for number in range(1, 101)]
    async with jira_sandbox("data-center", world) as sandbox:
        assert isinstance(sandbox.site, DataCenterSite)
        sandbox.site.max_results = 30
        pages = await all_pages(jira_client(sandbox))
    assert [len(page) for page in pages] == [30, 29, 29, 12]
    assert len({key for page in pages for key in page}) == 100


@pytest.mark.parametrize("total", [None, "many"])
async def test_without_a_total_nobody_knows_the_end(total: object) -> None:
    async with jira_sandbox("data-center", small_world()) as sandbox:
        sandbox.odd["search"] = lambda: web.json_response({"issues": [], "total": total})
        failure = await failure_of(lambda: jira_client(sandbox).search_page(IN_PROJECT, FIELDS, "", lambda: None, list))
    assert failure.code == "malformed"


async def test_a_page_without_issues_before_the_end_is_malformed_and_no_end() -> None:
    async with jira_sandbox("data-center", small_world()) as sandbox:
        sandbox.odd["search"] = lambda: web.json_response({"issues": [], "total": 7})
        failure = await failure_of(lambda: jira_client(sandbox).search_page(IN_PROJECT, FIELDS, "", lambda: None, list))
    assert failure.message == "jira answered a search with no issues after 0 of 7"


async def test_a_token_that_comes_back_is_malformed_and_no_endless_loop() -> None:
    async with jira_sandbox("cloud", small_world()) as sandbox:
        body = {"issues": [], "nextPageToken": "again"}
        sandbox.odd["jql"] = lambda: web.json_response(body)
        client = jira_client(sandbox)
        assert (await search(client)).next_position == "again"
        failure = await failure_of(lambda: client.search_page(IN_PROJECT, FIELDS, "again", lambda: None, list))
    assert failure.message == "jira answered a search with the same page token again"
