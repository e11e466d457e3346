"""`replay --from-server` against a real server: what runs there, and what a changed build would break."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from commands.replay.live_runs import LiveRuns
from commands.replay.pool import replay_in_processes
from commands.replay.verdicts import Outcome, Subject, Verdict
from devsync.contracts import names
from devsync.contracts.edition import EditionRequest, EditionResult, Phase
from sandbox.faults import Fault, FaultKind
from sandbox.postgres import PostgresServer
from tests.checkout import ROOT, Edit, changed_checkout
from tests.e2e.stage import PATIENCE_SECONDS, Stage, eventually
from tests.servers import Servers, running_temporal


@pytest.fixture(scope="module")
async def servers(postgres: PostgresServer) -> AsyncIterator[Servers]:
    """With a Temporal server of its own: the command replays everything that it finds there."""
    async with running_temporal() as temporal:
        yield Servers(postgres, temporal)


async def replayed(stage: Stage, checkout: Path = ROOT, *options: str) -> tuple[int, dict[str, Any]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, checkout / "starter.py", "replay", "--from-server", "--json", *options,
        env=os.environ | stage.environment, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(), 120)
    assert process.returncode is not None
    return process.returncode, json.loads(output)


async def listed(stage: Stage, limit: int = 1000) -> list[Subject]:
    """The subjects of this stage's team: the other tests here use the server too."""
    runs = await LiveRuns.of(stage.client, timedelta(hours=1), limit)
    return [subject async for subject in runs.subjects() if stage.team in subject.workflow_id]


async def run_to_the_end(stage: Stage) -> EditionResult:
    """Its delivery too, which keeps its record after the edition has its answer, and needs a worker for it."""
    edition = await stage.run()
    await asyncio.wait_for(stage.delivery(stage.week).result(), PATIENCE_SECONDS)
    return edition


async def until_listed(stage: Stage, states: dict[str, str]) -> None:
    """By workflow id. The server lists a run, and its end, up to a few seconds late."""
    runs: list[Subject] = []

    async def are_listed() -> bool:
        runs[:] = await listed(stage)
        return states.items() <= {subject.workflow_id: subject.state for subject in runs}.items()

    try:
        await eventually(are_listed)
    except TimeoutError:
        pytest.fail(f"the server lists {runs}, not {states}")


def after(edition: EditionResult, running: str) -> dict[str, str]:
    """What is listed after that edition, of which all has ended, while another one runs."""
    delivery = names.delivery_id(edition.team, edition.iso_week, edition.channels[0].key)
    return {edition.workflow_id: "completed", delivery: "completed", running: "running"}


async def test_open_and_recent_runs_replay_and_a_changed_build_is_told_which_break(
    stage: Stage, tmp_path: Path
) -> None:
    async with stage.worker():
        closed = await run_to_the_end(stage)
    stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="github", latency_ms=5000))
    async with stage.worker("dies") as worker:
        running = await stage.start("2026-W46")
        await stage.until_phase(running, Phase.COLLECTING)
        await worker.kill()

    await until_listed(stage, after(closed, running.id))
    code, document = await replayed(stage)
    assert (code, document["failing"], document["left_out"]) == (0, [], 0)
    assert document["ok"] >= 3

    first = "        plan = await self._plan()\n"
    timer = Edit("workflows/edition/weekly_changelog.py", first, f"        await workflow.sleep(1)\n{first}")
    code, document = await replayed(stage, changed_checkout(tmp_path / "build-2", [timer]))
    failing = {entry["workflow_id"]: entry for entry in document["failing"]}
    assert code == 1
    assert set(failing) == {closed.workflow_id, running.id}
    assert failing[running.id]["state"] == "running"
    assert failing[closed.workflow_id]["state"] == "completed"
    assert all("TMPRL1100" in entry["reason"] for entry in failing.values())
    await running.terminate()


async def test_open_runs_come_first_and_closed_ones_up_to_the_limit(stage: Stage) -> None:
    async with stage.worker():
        closed = await run_to_the_end(stage)
    waiting = await stage.start("2026-W46")

    await until_listed(stage, after(closed, waiting.id))
    first, *others = await listed(stage)
    assert (first.workflow_id, {subject.state for subject in others}) == (waiting.id, {"completed"})
    assert [subject.workflow_id for subject in await listed(stage, limit=0)] == [waiting.id]
    await waiting.terminate()


async def test_runs_that_change_while_they_are_replayed_do_no_harm(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = await stage.client.start_workflow(
        names.WEEKLY_CHANGELOG,
        EditionRequest(team=stage.team, iso_week="2026-W46"),
        id=names.edition_id(stage.team, "2026-W46"),
        task_queue=names.EDITIONS_QUEUE,
        start_delay=timedelta(hours=1),
    )
    async with stage.worker():
        done = await stage.run()
    gone = Subject(workflow_id=done.workflow_id, run_id="0190f5a6-0000-7000-8000-000000000000", state="completed")
    closed_since = Subject(workflow_id=done.workflow_id, run_id=done.run_id, state="running")
    unstarted = Subject(workflow_id=later.id, run_id=later.first_execution_run_id or "", state="running")
    told: list[Verdict] = []

    async def subjects() -> AsyncIterator[Subject]:
        for subject in (gone, closed_since, unstarted):
            yield subject

    monkeypatch.setenv("TEMPORAL_ADDRESS", stage.environment["TEMPORAL_ADDRESS"])
    await replay_in_processes(subjects(), told.append, processes=1)
    assert [verdict.outcome for verdict in told] == [Outcome.GONE, Outcome.OK, Outcome.NOT_STARTED]
    await later.terminate()
