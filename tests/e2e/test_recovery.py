"""A source fails in a real edition: its recovery works down the shipped plan with real steps, and is on record."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path

from temporalio.service import RPCError

from devsync.contracts import names
from devsync.contracts.recovery import RecoveryReport
from devsync.domain.recovery.decision import Decision
from sandbox.faults import Fault, FaultKind
from sandbox.worlds.demo import demo_world
from tests.e2e.stage import IMPATIENT, PATIENCE_SECONDS, Stage, eventually, stage_for
from tests.servers import Servers

WEEK = "2026-W47"


def lose_patience(stage: Stage) -> None:
    stage.change_service("github", "timeouts", **IMPATIENT)
    stage.change_service("github", "retry", maximum="1s", attempts=2)


async def test_while_github_is_down_the_last_good_copy_stands_in(servers: Servers, tmp_path: Path) -> None:
    async with stage_for(demo_world(WEEK), servers, tmp_path) as stage:
        lose_patience(stage)
        async with stage.worker():
            await stage.run()
            stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", status=503))
            await stage.run()
            _, printed, _ = await stage.starter("recovery", "recent", "--json")
            _, counted, _ = await stage.starter("recovery", "stats", "--json")
    (recovery,) = json.loads(printed)["recoveries"]
    states = {step["step"]: step["state"] for step in recovery["steps"]}
    assert (states["retry"], states["cached"]) == ("failed", "resolved")
    assert (recovery["plan"], recovery["outcome"], recovery["missing"]) == ("github-collection", "stand_in", {})
    assert recovery["workflow_id"] == names.recovery_id(stage.team, WEEK, names.GITHUB, "collect", 1)
    assert json.loads(counted)["outcomes"][0]["count"] == 1


async def test_a_dry_run_and_the_edition_of_its_week_have_on_record_what_is_their_own(
    servers: Servers, tmp_path: Path
) -> None:
    async with stage_for(demo_world(WEEK), servers, tmp_path) as stage:
        lose_patience(stage)
        stage.keep_steps("github-collection", "retry", "cached")
        stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", status=503))
        async with stage.worker():
            dry = await (await stage.start(is_dry_run=True)).result()
            edition = await stage.run()
        recoveries = stage.rows("SELECT workflow_id, owner_run_id FROM recoveries WHERE phase = 'collect'")
        of_team = "SELECT DISTINCT split_part(workflow_id, ':', 1) AS kind, owner_run_id FROM {} WHERE team <> ''"
        met = {tuple(row.values()) for row in stage.rows(of_team.format("errors"))}
        done = {tuple(row.values()) for row in stage.rows(of_team.format("operations"))}
    assert len({row["workflow_id"] for row in recoveries}) == 1, "they took the same id in turn"
    assert {row["owner_run_id"] for row in recoveries} == {dry.run_id, edition.run_id}
    of_both = {("recovery", dry.run_id), ("recovery", edition.run_id)}
    assert met == {("preview", None), ("changelog", None), *of_both}
    assert done == {*met, ("delivery", edition.run_id)}


async def test_a_recovery_survives_its_worker_and_a_person_decides_by_hand(servers: Servers, tmp_path: Path) -> None:
    async with stage_for(demo_world(WEEK), servers, tmp_path) as stage:
        lose_patience(stage)
        stage.keep_steps("github-collection", "retry", "cached", ask="missing")
        stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", status=503))
        recovery = stage.client.get_workflow_handle(
            names.recovery_id(stage.team, WEEK, names.GITHUB, "collect", 1), result_type=RecoveryReport
        )

        async def is_asking() -> bool:
            with suppress(RPCError):  # not there yet
                report = await recovery.query("progress", result_type=RecoveryReport)
                return bool(report.escalations)
            return False

        async with stage.worker("first") as worker:
            edition = await stage.start()
            await eventually(is_asking)
            await worker.kill()
        await recovery.signal("resolve", {"by": "anna", "decision": "skip", "note": "GitHub says: hours"})
        async with stage.worker("second"):
            report = await asyncio.wait_for(recovery.result(), PATIENCE_SECONDS)
            result = await asyncio.wait_for(edition.result(), PATIENCE_SECONDS)
    assert (report.decision, report.decided_by, report.note) == (Decision.SKIP, "anna", "GitHub says: hours")
    assert report.is_recorded
    assert {gap.unit for gap in result.gaps} >= {unit.unit for unit in report.missing}
    assert len(stage.messages) >= 1
