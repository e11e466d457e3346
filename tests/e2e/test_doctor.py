"""`doctor` on the ground that everything stands on: the namespace, and a worker for each queue that gets its work."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import yaml

from commands.doctor.findings import Finding
from commands.doctor.platform import check_temporal
from devsync.settings.configuration import load_configuration
from sandbox.worlds.demo import demo_world
from tests.e2e.builds import Builds
from tests.e2e.stage import Stage, eventually, stage_for
from tests.servers import Servers, running_temporal


@pytest.fixture
async def alone(servers: Servers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """On a Temporal server of its own: a shared one still lists the workers of tests that are over."""
    async with (
        running_temporal() as temporal,
        stage_for(demo_world("2026-W47"), Servers(servers.postgres, temporal), tmp_path) as stage,
    ):
        monkeypatch.setenv("TEMPORAL_ADDRESS", temporal.address)
        yield stage


async def workers(stage: Stage) -> Finding:
    found = check_temporal(load_configuration(stage.directory / "config"))
    return {finding.check: finding async for finding in found}["workers"]


async def test_a_worker_that_does_not_serve_a_service_of_a_team_is_noticed(alone: Stage) -> None:
    everything = "editions, control, service.github, service.jira, service.slack"
    nobody = await workers(alone)
    assert (nobody.is_ok, nobody.detail) == (False, f"nobody serves {everything}")
    assert nobody.cure == "start one: python worker.py"

    path = alone.directory / "config" / "teams" / f"{alone.team}.yaml"
    with_jira = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({name: value for name, value in with_jira.items() if name != "jira"}))
    async with alone.worker():
        assert (await workers(alone)).is_ok
        path.write_text(yaml.safe_dump(with_jira))
        without = await workers(alone)
    assert (without.is_ok, without.detail) == (False, "nobody serves service.jira")
    assert without.cure.startswith("restart the worker")


async def test_a_build_that_is_not_the_current_one_is_no_worker(alone: Stage) -> None:
    builds = Builds(alone)
    async with builds.worker("2"):
        passed_over = await workers(alone)
        await builds.set_current("2")

        async def is_served() -> bool:
            return (await workers(alone)).is_ok

        await eventually(is_served)  # the server's matching hears of it a little later
    assert not passed_over.is_ok
    assert f"editions has workers of build 2 of {builds.deployment} only" in passed_over.detail
    assert passed_over.cure == (
        "make it current: temporal worker deployment set-current-version "
        f"--deployment-name {builds.deployment} --build-id 2"
    )


async def test_a_wrong_namespace_is_a_finding_among_the_others(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_NAMESPACE", "nowhere")
    code, output, errors = await stage.starter("doctor", "--json")
    findings = {finding["check"]: finding for finding in json.loads(output)["findings"]}
    assert (code, "Traceback" in errors) == (1, False)
    assert findings["temporal server"]["detail"] == "namespace nowhere cannot be used"
    assert "temporal operator namespace create nowhere" in findings["temporal server"]["cure"]
    assert findings["database"]["is_ok"]
    assert findings["slack token"]["is_ok"]
