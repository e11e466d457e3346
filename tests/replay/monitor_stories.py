"""The monitor over several runs: what it tells, what people say, what it cannot see."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import yaml
from temporalio.client import WorkflowHandle

from devsync.contracts import names
from devsync.contracts.breaker import Decision, ModeDecision
from devsync.contracts.monitor import MonitorView
from devsync.runtime.breaker.operations import BreakerOperations
from devsync.runtime.monitor import MonitorOperations
from tests.e2e.stage import Stage, eventually, forget

HASTY = {"monitoring_interval_seconds": 5, "alert_channels": ["#oncall"], "alerts": {"resolve_after": "0s"}}


async def watched(stage: Stage) -> None:
    """A breaker opens and closes, somebody takes the alert, mutes, talks nonsense; the database is away for a while."""
    file = stage.directory / "config" / "monitoring.yaml"
    file.write_text(yaml.safe_dump({"changelog_monitoring": HASTY}))
    breakers = BreakerOperations(stage.client)
    monitor: WorkflowHandle[Any, None] = stage.client.get_workflow_handle(names.MONITOR_ID)
    async with stage.worker():
        await MonitorOperations(stage.client).start()
        until = datetime.now(UTC) + timedelta(minutes=10)
        await breakers.decide(names.GITHUB, "force_open", ModeDecision(by="anna", reason="maintenance", until=until))
        await _until(stage, lambda view: any(one.key == "breaker_open:github" and one.told_at for one in view.alerts))
        await monitor.signal("acknowledge", {"by": "anna", "alert": "breaker_open:github"})
        await monitor.execute_update("mute", {"by": "anna", "pattern": "*:jira", "minutes": 60, "reason": "it moves"})
        await _new_run(monitor)
        await monitor.execute_update("unmute", {"by": "anna", "pattern": "*:jira"})
        await stage.servers.postgres.stop()
        await _until(stage, lambda view: any(one.key == "blind:database" for one in view.alerts))
        await stage.servers.postgres.start()
        await breakers.decide(names.GITHUB, "reset", Decision(by="anna", reason="over"))
        # What failed without the database is an error rate of our own, for an hour.
        await _until(stage, lambda view: {one.rule.value for one in view.open_ones} <= {"error_rate", "health"})
        await _until(stage, lambda view: not view.unrecorded)
        await asyncio.sleep(6)  # the notes below the messages
    await forget(stage.client, stage.team)  # with the breaker and the monitor


async def _until(stage: Stage, is_so: Any) -> None:
    async def is_there() -> bool:
        view: MonitorView = await MonitorOperations(stage.client).view()
        return bool(is_so(view))

    await eventually(is_there)


async def _new_run(monitor: WorkflowHandle[Any, None]) -> None:
    """Nonsense makes the history longer."""
    before = (await monitor.describe()).run_id

    async def is_another() -> bool:
        await monitor.signal("nonsense")
        return (await monitor.describe()).run_id != before

    await eventually(is_another)
