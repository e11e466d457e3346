"""`doctor` on JIRA, Cloud and Data Center: what is well, what is wrong, and how to mend it."""

from collections.abc import AsyncIterator
from dataclasses import astuple
from pathlib import Path
from typing import NamedTuple

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from commands.doctor.jira import check_jira
from devsync.settings.configuration import Configuration, load_configuration
from devsync.settings.environment import Environment
from tests.activities.jira_clients import JiraSandbox, Kind, jira_sandbox
from tests.configuration import shipped_settings
from tests.sandbox.jira_samples import small_world

KINDS: list[Kind] = ["cloud", "data-center"]
TEAM = """\
team: core
timezone: Europe/Berlin
jira: {projects: [CORE, GONE], boards: [3, 99]}
channels: [{kind: slack, channel: "#core"}]
"""


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    directory = shipped_settings(tmp_path / "config")
    (directory / "teams" / "core.yaml").write_text(TEAM)
    return load_configuration(directory)


@pytest.fixture(params=KINDS)
async def jira(request: pytest.FixtureRequest) -> AsyncIterator[JiraSandbox]:
    async with jira_sandbox(request.param, small_world()) as running:
        yield running


def environment_of(sandbox: JiraSandbox, url: str = "") -> Environment:
    variables = {name.lower(): value for name, value in sandbox.environment.items()}
    return Environment(**variables | {"jira_url": url or sandbox.jira_url})  # type: ignore[arg-type]


class Told(NamedTuple):
    check: str
    is_ok: bool
    detail: str
    cure: str = ""


async def findings(environment: Environment, configuration: Configuration) -> list[Told]:
    return [Told(*astuple(finding)) async for finding in check_jira(environment, configuration)]


async def only(environment: Environment, configuration: Configuration) -> Told:
    """The one finding, which must be bad: what hangs on it is not asked any more."""
    (finding,) = await findings(environment, configuration)
    assert not finding.is_ok
    return finding


async def test_a_good_credential_is_told_with_kind_and_person_and_a_hidden_project_with_its_cure(
    jira: JiraSandbox, configuration: Configuration
) -> None:
    login, core, gone, board, no_board = await findings(environment_of(jira), configuration)
    kind = "Cloud" if jira.is_cloud else "Data Center 9.12.22"
    assert login == Told("jira", True, f"{jira.jira_url}, {kind}, as DevSync Sandbox")
    assert core == Told("jira CORE", True, "readable")
    assert gone == Told(
        "jira GONE",
        False,
        "answered 404 (No project could be found with key 'GONE'.)",
        "correct the team file, or give the account the permission Browse Projects",
    )
    assert board == Told("jira board 3", True, "readable")
    assert no_board.check == "jira board 99"
    assert no_board.cure == "write the number in the board's address, or share the board's filter with the account"


async def test_a_dead_credential_is_told_with_the_variables_to_check(
    jira: JiraSandbox, configuration: Configuration
) -> None:
    environment = environment_of(jira)
    jira.revoke()
    finding = await only(environment, configuration)
    assert finding.detail.startswith("answered 401 (Client must be authenticated to access this resource.), ")
    variables = "JIRA_URL, JIRA_EMAIL and JIRA_API_TOKEN" if jira.is_cloud else "JIRA_URL and JIRA_PAT"
    assert finding.cure == f"check {variables}; the token may have expired"


async def test_credentials_of_the_other_kind_are_told_apart_from_wrong_ones(
    jira: JiraSandbox, configuration: Configuration
) -> None:
    if jira.is_cloud:
        environment = Environment(jira_url=jira.jira_url, jira_pat=SecretStr("p"))
        cure = "is JIRA Cloud: set JIRA_EMAIL and JIRA_API_TOKEN instead of JIRA_PAT"
    else:
        login = {"jira_email": "anna@acme.dev", "jira_api_token": SecretStr("t")}
        environment = Environment(jira_url=jira.jira_url, **login)  # type: ignore[arg-type]
        cure = "is JIRA Data Center: set JIRA_PAT instead of JIRA_EMAIL and JIRA_API_TOKEN"
    finding = await only(environment, configuration)
    assert finding.detail == "the credentials are for the other kind of JIRA"
    assert finding.cure == f"JIRA_URL {jira.jira_url} {cure}"


async def test_a_server_that_shows_itself_to_nobody_is_still_checked(
    jira: JiraSandbox, configuration: Configuration
) -> None:
    jira.odd["serverInfo"] = lambda: web.json_response({"message": "log in"}, status=401)
    login, *_ = await findings(environment_of(jira), configuration)
    assert login.is_ok


async def test_an_address_that_leads_on_is_told_with_where_it_leads(
    jira: JiraSandbox, configuration: Configuration
) -> None:
    jira.odd["serverInfo"] = lambda: web.Response(status=302, headers={"Location": "https://sso.acme.dev/in?next=x"})
    finding = await only(environment_of(jira), configuration)
    assert finding.cure.startswith("JIRA_URL leads on to https://sso.acme.dev/in; write the address that answers")


async def test_something_that_is_no_jira_is_told_so(jira: JiraSandbox, configuration: Configuration) -> None:
    async with TestServer(web.Application(), host="127.0.0.1") as other:
        url = f"http://localhost:{other.port}/jira"
        finding = await only(environment_of(jira, url), configuration)
    assert finding.detail == "no JIRA answers there"
    assert f"check JIRA_URL ({url})" in finding.cure


async def test_a_server_that_is_away_is_told_so(jira: JiraSandbox, configuration: Configuration) -> None:
    jira.pause("jira")
    finding = await only(environment_of(jira), configuration)
    assert finding.detail == "unreachable (ConnectError)"
    assert finding.cure == f"check JIRA_URL ({jira.jira_url}) and the network"


async def test_without_credentials_the_variable_is_named(configuration: Configuration) -> None:
    environment = Environment(jira_url="https://jira.acme.dev", jira_email=None, jira_api_token=None, jira_pat=None)
    assert "JIRA_EMAIL is not set" in (await only(environment, configuration)).cure
