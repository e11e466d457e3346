"""`doctor` on what stands in while a service is down: git mirrors and status pages."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from commands.doctor.findings import Finding
from commands.doctor.stand_ins import check_mirrors, check_status_pages
from devsync.settings.configuration import Configuration, load_configuration
from devsync.settings.environment import Environment
from sandbox.faults import Fault, FaultKind
from sandbox.running import Sandbox, run_sandbox
from sandbox.worlds.demo import demo_world
from tests.configuration import shipped_settings


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with run_sandbox(demo_world(), services=["git", "status"]) as running:
        yield running


def configured(directory: Path, *, mirrors: dict[str, str] | None = None, page: str = "") -> Configuration:
    config = shipped_settings(directory / "config")
    services = yaml.safe_load((config / "services.yaml").read_text())
    for name in ("github", "jira"):
        services[name].pop("status_page", None)
    if page:
        services["github"]["status_page"] = page
    (config / "services.yaml").write_text(yaml.safe_dump(services, sort_keys=False))
    team = {
        "team": "core",
        "timezone": "UTC",
        "github": {"repositories": list(mirrors or ["acme/core"]), "mirrors": mirrors or {}},
        "channels": [{"kind": "slack", "channel": "#core"}],
    }
    (config / "teams" / "core.yaml").write_text(yaml.safe_dump(team, sort_keys=False))
    return load_configuration(config)


async def of_mirror(directory: Path, address: str) -> Finding:
    configuration = configured(directory, mirrors={"acme/core": address})
    (finding,) = [one async for one in check_mirrors(Environment(), configuration)]
    return finding


async def of_page(directory: Path, address: str) -> Finding:
    (finding,) = [one async for one in check_status_pages(Environment(), configured(directory, page=address))]
    return finding


async def test_a_mirror_says_its_branch(sandbox: Sandbox, tmp_path: Path) -> None:
    finding = await of_mirror(tmp_path, next(iter(sandbox.mirrors.values())))
    assert (finding.is_ok, finding.detail) == (True, "answers, its branch is main")


async def test_what_is_no_mirror_or_does_not_answer_is_told_and_its_address_is_not(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    unknown = await of_mirror(tmp_path / "unknown", f"{sandbox.urls['git']}/acme/key-in-the-address.git")
    page = await of_mirror(tmp_path / "page", f"{sandbox.urls['status']}/key-in-the-address")
    sandbox.pause("git")
    closed = await of_mirror(tmp_path / "closed", next(iter(sandbox.mirrors.values())))
    for finding in (unknown, page, closed):
        assert not finding.is_ok
        assert finding.cure.startswith("correct github.mirrors")
        assert "key-in-the-address" not in finding.detail


async def test_a_status_page_says_how_the_service_is(sandbox: Sandbox, tmp_path: Path) -> None:
    finding = await of_page(tmp_path, sandbox.status_pages["github"])
    assert (finding.is_ok, finding.detail) == (True, "says: All Systems Operational")


async def test_what_is_no_status_page_is_told(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.faults.add(Fault(kind=FaultKind.HTML, service="status", status=404))
    finding = await of_page(tmp_path, sandbox.status_pages["github"])
    assert not finding.is_ok
    assert finding.cure.startswith("correct status_page")


async def test_what_nobody_configured_is_not_looked_for(tmp_path: Path) -> None:
    configuration = configured(tmp_path)
    assert [one async for one in check_mirrors(Environment(), configuration)] == []
    assert [one async for one in check_status_pages(Environment(), configuration)] == []
