"""A source fails in a real edition: its recovery works down the shipped plan with real steps, and is on record."""

import json
from pathlib import Path

from devsync.contracts import names
from sandbox.faults import Fault, FaultKind
from sandbox.worlds.demo import demo_world
from tests.e2e.stage import IMPATIENT, Stage, stage_for
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
