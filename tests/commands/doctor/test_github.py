"""`doctor` on GitHub, against the sandbox: every finding with its cure."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from commands.doctor.findings import Finding
from commands.doctor.github import LISTS, check_github
from devsync.settings.configuration import load_configuration
from devsync.settings.environment import Environment
from devsync.settings.problems import ConfigError
from sandbox.faults import Fault, FaultKind
from sandbox.running import Sandbox, run_sandbox
from sandbox.world import Repository, TeamSpec, World
from tests.e2e.stage import write_configuration
from tests.sandbox.app_keys import github_app, private_key
from tests.sandbox.github_wire import small_world

REPOSITORY, OLD, FOREIGN = "acme/payments-api", "acme/payments", "other/tools"


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    world = small_world(3)
    world.repositories[REPOSITORY].former_names = [OLD]
    world.repositories[FOREIGN] = Repository(id=5, owner="other", name="tools")
    world.github_app = github_app()
    async with run_sandbox(world, services=["github"]) as running:
        yield running


async def findings(
    sandbox: Sandbox,
    directory: Path,
    monkeypatch: pytest.MonkeyPatch,
    repositories: list[str],
    *,
    api: str = "auto",
    **variables: str,
) -> dict[str, Finding]:
    spec = TeamSpec("payments", "UTC", repositories, [], ["payments"])
    write_configuration(directory, World(teams=[spec]))
    team = directory / "config" / "teams" / "payments.yaml"
    content = yaml.safe_load(team.read_text())
    content["github"]["api"] = api
    team.write_text(yaml.safe_dump(content))
    for name in ("GITHUB_TOKEN", "GITHUB_APP_ID", "GITHUB_APP_PRIVATE_KEY"):
        monkeypatch.delenv(name, raising=False)
    variables = variables or {"GITHUB_TOKEN": sandbox.credentials.github_token}
    for name, value in {"GITHUB_API_URL": sandbox.github_url, **variables}.items():
        monkeypatch.setenv(name, value)
    configuration = load_configuration(directory / "config")
    return {finding.check: finding async for finding in check_github(Environment(), configuration)}


WITH_APP = {"GITHUB_APP_ID": str(github_app().id), "GITHUB_APP_PRIVATE_KEY": private_key()}


async def test_a_good_token_reads_by_both_roads(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await findings(sandbox, tmp_path, monkeypatch, [REPOSITORY])
    assert all(finding.is_ok and not finding.cure for finding in found.values())
    assert list(found) == ["github token", "github graphql", f"github {REPOSITORY}"]
    assert "calls left this hour" in found["github token"].detail
    assert "points left this hour" in found["github graphql"].detail


async def test_a_wrong_token_is_named_and_nothing_else_is_asked(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await findings(sandbox, tmp_path, monkeypatch, [REPOSITORY], GITHUB_TOKEN="wrong")
    assert [(finding.is_ok, finding.cure) for finding in found.values()] == [
        (False, "GITHUB_TOKEN is wrong or has expired: create a new one")
    ]


async def test_an_app_is_checked_by_account(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = await findings(sandbox, tmp_path, monkeypatch, [REPOSITORY, FOREIGN], **WITH_APP)
    assert found["github app"].is_ok
    assert found["github app on acme"].is_ok
    assert found[f"github {REPOSITORY}"].is_ok
    assert not found["github app on other"].is_ok
    assert "install the App on other" in found["github app on other"].cure
    assert f"github {FOREIGN}" not in found


async def test_an_app_with_another_id_is_refused_with_its_cure(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = await findings(sandbox, tmp_path, monkeypatch, [REPOSITORY], **WITH_APP | {"GITHUB_APP_ID": "1"})
    assert list(found) == ["github app"]
    assert not found["github app"].is_ok
    assert "belong together" in found["github app"].cure


async def test_half_an_app_is_refused(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = await findings(sandbox, tmp_path, monkeypatch, [REPOSITORY], GITHUB_APP_ID="4711")
    assert "GITHUB_APP_PRIVATE_KEY" in found["github app"].cure


@pytest.mark.parametrize(("api", "is_ok"), [("auto", True), ("graphql", False)])
async def test_a_closed_graphql_matters_to_whom_insists_on_it(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, api: str, is_ok: bool
) -> None:
    sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", route="^/graphql", status=404))
    found = await findings(sandbox, tmp_path, monkeypatch, [REPOSITORY], api=api)
    assert found["github graphql"].is_ok is is_ok
    assert "closed" in found["github graphql"].detail


async def test_a_team_on_rest_is_not_asked_about_graphql(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "github graphql" not in await findings(sandbox, tmp_path, monkeypatch, [REPOSITORY], api="rest")


async def test_a_renamed_repository_is_readable_and_its_new_name_is_told(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finding = (await findings(sandbox, tmp_path, monkeypatch, [OLD]))[f"github {OLD}"]
    assert finding.is_ok
    assert f"called {REPOSITORY} now" in finding.detail
    assert f"write {REPOSITORY} in the team file" in finding.cure


async def test_an_unknown_repository_is_named(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finding = (await findings(sandbox, tmp_path, monkeypatch, ["acme/nothing"]))["github acme/nothing"]
    assert (finding.is_ok, "404" in finding.detail) == (False, True)


@pytest.mark.parametrize(("part", "permission"), [("pulls", "pull requests"), ("commits", "contents")])
async def test_a_token_that_lacks_one_of_the_two_permissions_is_told_which(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str, permission: str
) -> None:
    sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", route=f"/{part}$", status=403))
    finding = (await findings(sandbox, tmp_path, monkeypatch, [REPOSITORY]))[f"github {REPOSITORY}"]
    assert not finding.is_ok
    assert finding.detail.startswith(f"{permission}: answered 403 (Resource not accessible")
    assert finding.cure == f"correct the team file, or give the credentials read access to its {permission}"


async def test_a_repository_without_any_commit_is_readable(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", route="/commits$", status=409))
    assert (await findings(sandbox, tmp_path, monkeypatch, [REPOSITORY]))[f"github {REPOSITORY}"].is_ok


def test_the_cure_for_a_missing_token_asks_for_what_is_read_and_no_more() -> None:
    with pytest.raises(ConfigError) as missing:
        Environment(github_token=None, github_app_id=None, github_app_private_key=None).github()
    assert all(permission in str(missing.value) for permission in LISTS.values())
    assert "issues" not in str(missing.value)
    assert "deployments" not in str(missing.value)
