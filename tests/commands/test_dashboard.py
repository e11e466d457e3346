"""`dashboard token` and `dashboard check`: what they print lets its owner in, and says why somebody is shut out."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from commands.doctor.dashboard import check_dashboard
from commands.doctor.findings import Finding
from devsync.settings.configuration import load_configuration
from devsync.settings.dashboard import read_dashboard, token_digest
from devsync.settings.environment import read_environment
from sandbox.running import Sandbox, run_sandbox
from sandbox.worlds.demo import demo_world
from tests.command_line import invoked
from tests.configuration import shipped_settings

ANNA = '  - {name: anna, role: operate, teams: ["*"], email: anna@acme.example}\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    directory = shipped_settings(tmp_path / "config")
    (directory / "dashboard.yaml").write_text(f"people:\n{ANNA}")
    return directory


def dashboard(config: Path, *arguments: str, **variables: str) -> tuple[int, str, str]:
    return invoked({"CONFIG_DIR": str(config), "COLUMNS": "200"} | variables, "dashboard", *arguments)


def printed(out: str) -> tuple[str, str]:
    """(the token, the line for the file)."""
    token, line = re.findall(r"^    (.+)$", out, re.MULTILINE)
    return token, line


def test_the_line_of_a_token_lets_its_owner_in(config: Path) -> None:
    code, out, _ = dashboard(config, "token", "Anna")
    assert code == 0
    token, line = printed(out)
    assert "The token of anna" in out
    assert f"{config / 'dashboard.yaml'}:2: people[0]: write this into the entry:" in out
    entry = ANNA.replace("}", f", {line}}}")
    (config / "dashboard.yaml").write_text(f"people:\n{entry}")
    assert read_dashboard(config / "dashboard.yaml").model.people[0].token_sha256 == token_digest(token)
    assert "in the place of the one that is there" in dashboard(config, "token", "anna")[1]


def test_somebody_new_gets_a_whole_entry(config: Path) -> None:
    _, out, _ = dashboard(config, "token", 'Ben "B" Li')
    token, entry = printed(out)
    (config / "dashboard.yaml").write_text(f"people:\n  {entry}\n")
    (person,) = read_dashboard(config / "dashboard.yaml").model.people
    assert (person.name, person.token_sha256) == ('Ben "B" Li', token_digest(token))


def test_without_a_file_one_is_named(config: Path) -> None:
    (config / "dashboard.yaml").unlink()
    code, out, _ = dashboard(config, "token", "anna")
    assert (code, f"{config / 'dashboard.yaml'}: write this below `people:`" in out) == (0, True)


def test_a_token_as_a_document(config: Path) -> None:
    code, out, _ = dashboard(config, "token", "anna", "--json")
    told = json.loads(out)
    assert (code, told["person"], told["is_known"]) == (0, "anna", True)
    assert told["line"] == f"token_sha256: {token_digest(told['token'])}"


def test_nobody_gets_no_token(config: Path) -> None:
    assert dashboard(config, "token", " ")[0] == 2


def test_check_tells_who_comes_in_and_how(config: Path) -> None:
    token = token_digest("x")
    (config / "dashboard.yaml").write_text(
        f'people:\n  - {{name: root, role: operate, teams: ["*"], token_sha256: {token}, slack: U024BE7LH}}\n'
    )
    code, out, _ = dashboard(config, "check", DASHBOARD_SECRET="s" * 32)
    assert (code, out.splitlines()) == (
        0,
        ["root: operate *; by token, Slack's buttons as U024BE7LH", "ok   dashboard: 1 person, 0 groups"],
    )
    told = json.loads(dashboard(config, "check", "--json", DASHBOARD_SECRET="s" * 32)[1])
    assert (told["open"], [one["who"] for one in told["people"]]) == (False, ["root"])
    assert token not in json.dumps(told)


def test_check_tells_whom_nobody_lets_in(config: Path) -> None:
    code, out, _ = dashboard(config, "check")
    assert code == 1
    assert "without OIDC_ISSUER nobody lets in anna" in out
    assert "DASHBOARD_SECRET is not set" in out


def test_a_provider_without_a_client_is_told_with_its_cure(config: Path) -> None:
    code, out, _ = dashboard(config, "check", OIDC_ISSUER="https://login.acme.dev")
    assert (code, "OIDC_CLIENT_ID is not set: register the dashboard" in out) == (1, True)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with run_sandbox(demo_world(), services=["openid"]) as running:
        yield running


async def provider(config: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, **variables: str) -> Finding:
    for name, value in (sandbox.environment | {"DASHBOARD_SECRET": "s" * 32} | variables).items():
        monkeypatch.setenv(name, value)
    found = check_dashboard(read_environment(), load_configuration(config))
    return {one.check: one async for one in found}["openid provider"]


async def test_the_provider_is_asked_who_it_is(config: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    url = sandbox.urls["openid"]
    well = await provider(config, sandbox, monkeypatch, DASHBOARD_URL="https://changelog.acme.dev")
    assert well == Finding(
        "openid provider",
        True,
        f"{url} answers; it must know the address https://changelog.acme.dev/sign-in/openid/callback",
    )
    otherwise = await provider(config, sandbox, monkeypatch, OIDC_ISSUER=f"{url}/")
    assert (otherwise.is_ok, "calls itself" in otherwise.detail) == (False, True)
    away = await provider(config, sandbox, monkeypatch, OIDC_ISSUER="http://localhost:1")
    assert (away.is_ok, "unreachable" in away.detail) == (False, True)


async def test_an_open_dashboard_says_so(config: Path) -> None:
    (config / "dashboard.yaml").write_text(yaml.safe_dump({"people": []}))
    found = [one async for one in check_dashboard(read_environment(), load_configuration(config))]
    assert [(one.is_ok, "open to everybody" in one.detail) for one in found] == [(True, True)]
