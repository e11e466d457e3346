"""The worker as a process: what it needs to start, and how it ends."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
import yaml

from commands.stack import ROOT, worker_process
from devsync.contracts.edition import EditionStatus
from sandbox.postgres import PostgresServer
from sandbox.processes import start_process
from sandbox.worlds.demo import demo_world
from tests.e2e.stage import Stage, stage_for
from tests.servers import Servers, running_temporal

RUNS = 50


async def test_a_worker_that_starts_says_that_it_is_ready_and_nothing_else(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    """With a Temporal server of its own: on a shared one it might take up what another test has left."""
    async with (
        running_temporal() as temporal,
        stage_for(demo_world("2026-W47"), Servers(postgres, temporal), tmp_path) as stage,
        worker_process(stage.directory, stage.environment, "worker") as worker,
    ):
        first, *_ = worker.log_file.read_text().splitlines()
    assert "INFO devsync.worker: worker ready: serving " in first


async def test_a_worker_told_to_stop_exits_0_fifty_times_of_fifty(stage: Stage) -> None:
    command: list[str | Path] = [sys.executable, "-m", "tests.e2e.stopping", stage.directory, str(RUNS)]
    environment = os.environ | stage.environment | {"LOG_LEVEL": "INFO", "PYTHONPATH": str(ROOT)}
    stopping = start_process("stopping", command, stage.directory / "stopping.log", environment=environment)
    try:
        assert await stopping.wait() == 0, stopping.log_tail()
    finally:
        await stopping.kill()
    assert json.loads(stopping.log_tail()) == [0] * RUNS


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("GITHUB_TOKEN", "", "GITHUB_TOKEN is not set"),
        ("DATABASE_URL", "", "DATABASE_URL is not set"),
        ("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none", "does not answer"),
        ("TEMPORAL_ADDRESS", "127.0.0.1:1", "no Temporal server answers at 127.0.0.1:1"),
        ("TEMPORAL_NAMESPACE", "nowhere", "Temporal has no namespace 'nowhere'"),
        ("CONFIG_DIR", "/nowhere", "/nowhere: is not a directory"),
    ],
)
async def test_what_is_missing_at_the_start_is_one_clear_message(
    stage: Stage, variable: str, value: str, message: str
) -> None:
    environment = os.environ | stage.environment | {variable: value}
    process = await asyncio.create_subprocess_exec(
        sys.executable, ROOT / "worker.py", env=environment, stderr=asyncio.subprocess.PIPE
    )
    _, stderr = await asyncio.wait_for(process.communicate(), 60)
    text = stderr.decode()
    assert process.returncode == 1
    assert message in text
    assert "Traceback" not in text


async def test_a_mistake_in_one_teams_file_keeps_no_other_team_from_its_edition(stage: Stage) -> None:
    """And the one that is left out has its own as soon as its file is right, by services that no other team uses."""
    own = stage.directory / "config" / "teams" / f"{stage.team}.yaml"
    right = own.read_text()
    other = yaml.safe_load(right) | {"team": "other", "channels": [{"kind": "slack", "channel": "#oncall"}]}
    del other["jira"]
    own.with_name("other.yaml").write_text(yaml.safe_dump(other))
    own.write_text(right.replace("channels:", "chanels:"))
    async with stage.worker() as process:
        assert f"a team is left out until its file is right: {own}" in process.log_tail()
        code, _, errors = await stage.starter("run", "other", "--week", stage.week)
        assert code == 0, errors
        own.write_text(right)
        assert (await stage.run()).status is EditionStatus.COMPLETE
