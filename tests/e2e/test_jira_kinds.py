"""One week, two organisations that differ in their JIRA alone: the same edition."""

from pathlib import Path
from typing import Literal

import pytest

from devsync.contracts.edition import EditionStatus
from sandbox.faults import Fault, FaultKind
from sandbox.worlds.demo import demo_world
from tests.e2e.stage import stage_for
from tests.servers import Servers


async def edition_at(kind: Literal["cloud", "data-center"], servers: Servers, directory: Path) -> str:
    """The edition as JSON, without what must differ: the team's name and the addresses of the servers."""
    world = demo_world("2026-W47")
    world.jira_deployment = kind
    async with stage_for(world, servers, directory) as stage:
        async with stage.worker():
            result = await stage.run()
        assert result.status is EditionStatus.COMPLETE
        assert ("JIRA_PAT" in stage.environment) is (kind == "data-center")
        edition = await stage.edition(result)
        assert any(item.issues for item in edition.items)
        assert any(not item.repository for item in edition.items), "an issue that was done without code"
        text = edition.model_dump_json(indent=1).replace(stage.team, "the-team")
        for service, url in stage.sandbox.urls.items():
            text = text.replace(url, service)
        return text


async def test_cloud_and_data_center_give_the_same_edition(servers: Servers, tmp_path: Path) -> None:
    cloud = await edition_at("cloud", servers, tmp_path / "cloud")
    data_center = await edition_at("data-center", servers, tmp_path / "data-center")
    assert cloud == data_center


@pytest.mark.parametrize("kind", ["cloud", "data-center"])
async def test_a_token_that_dies_leaves_a_named_gap_and_no_week_without_issues(
    kind: Literal["cloud", "data-center"], servers: Servers, tmp_path: Path
) -> None:
    world = demo_world("2026-W47")
    world.jira_deployment = kind
    async with stage_for(world, servers, tmp_path) as stage:
        stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="jira", route="/myself", status=401))
        async with stage.worker():
            result = await stage.run()
    assert result.status is EditionStatus.PARTIAL
    assert {gap.unit for gap in result.gaps} == {f"jira:{key}" for key in world.projects}
    assert all("JIRA_API_TOKEN (Cloud) or JIRA_PAT (Data Center)" in gap.reason for gap in result.gaps)
