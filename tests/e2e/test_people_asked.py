"""While people are asked, who watches an edition is told whom it waits for, and who looks at all of them as well."""

import asyncio
import json
import os
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from commands.stack import ROOT
from devsync.contracts import names
from sandbox.faults import Fault, FaultKind
from sandbox.postgres import PostgresServer
from sandbox.worlds.demo import demo_world
from tests.e2e.stage import PATIENCE_SECONDS, Stage, stage_for, until_listed
from tests.e2e.test_recovery import lose_patience
from tests.servers import Servers, running_temporal

pytestmark = pytest.mark.timeout(300)

PAGE = "escalation:service:github"


@pytest.fixture
async def own_stage(postgres: PostgresServer, tmp_path: Path) -> AsyncIterator[Stage]:
    """With a Temporal server of its own: an escalation of a service is shared by all teams."""
    async with (
        running_temporal() as temporal,
        stage_for(demo_world("2026-W47"), Servers(postgres, temporal), tmp_path) as stage,
    ):
        yield stage


class Running:
    """`run`, as a person sees it whose standard error is no terminal."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self.said: list[str] = []

    async def until(self, words: str) -> str:
        """The line that has them."""
        assert self._process.stderr is not None
        async with asyncio.timeout(PATIENCE_SECONDS):
            while line := (await self._process.stderr.readline()).decode():
                self.said.append(line.strip())
                if words in line:
                    return self.said[-1]
        raise AssertionError(f"it ended without saying {words}: {self.said}")

    async def end(self) -> str:
        """What it printed."""
        output, _ = await asyncio.wait_for(self._process.communicate(), PATIENCE_SECONDS)
        return output.decode()


@asynccontextmanager
async def running(stage: Stage) -> AsyncIterator[Running]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, ROOT / "starter.py", "run", stage.team, "--week", stage.week,
        env=os.environ | stage.environment, cwd=ROOT, stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    try:
        yield Running(process)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def test_run_and_status_say_whom_an_edition_waits_for_until_it_is_decided(own_stage: Stage) -> None:
    stage = own_stage
    lose_patience(stage)
    stage.ask_for_surroundings()
    stage.keep_steps("github-collection", "retry", ask="missing")
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", status=503))
    answer = f"to answer: python starter.py escalation resolve {PAGE} DECISION (retry, skip, abort)"
    async with stage.worker(), running(stage) as run:
        assert await run.until("people are asked: ") == f"people are asked: {PAGE}, team_lead (#oncall)"
        assert await run.until("to answer: ") == answer
        await until_listed(stage.client, 'ExecutionStatus = "Running"', names.edition_id(stage.team, stage.week))
        _, shown, _ = await stage.starter("status")
        _, document, _ = await stage.starter("status", "--json")
        await stage.starter("escalation", "ack", "github")
        taken = await run.until("acknowledged by")
        await stage.starter("escalation", "resolve", "github", "skip")
        printed = await run.end()
        _, over, _ = await stage.starter("status")
    of_edition = next(line for line in shown.splitlines() if line.startswith("changelog:"))
    assert re.search(r"sources, people are asked, recovers github \((collect|metrics)\)", of_edition)
    assert f"people are asked: {PAGE}, team_lead (#oncall)\n  {answer}\n" in shown
    (edition,) = [one for one in json.loads(document)["runs"] if one["type"] == "WeeklyChangelog"]
    assert edition["asked"] == {PAGE: ["retry", "skip", "abort"]}
    assert taken.startswith(f"people are asked: {PAGE}, team_lead (#oncall), acknowledged by ")
    assert {"recovery of github (collect): running", "recovery of github (metrics): running"} <= set(run.said)
    assert "recovery of github (collect): failed (retry failed), skip, decided by " in printed
    assert "people are asked" not in over
