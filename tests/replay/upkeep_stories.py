"""Stories of what runs between editions: schedules, refreshes of sources, the keeping of records."""

import asyncio
from datetime import UTC, datetime, timedelta

from commands.editions import start_edition
from devsync.contracts import names
from devsync.contracts.breaker import ModeDecision
from devsync.contracts.records import RecordKeepingRequest
from devsync.contracts.refresh import RefreshRequest
from devsync.domain.audit import AuditEntry
from devsync.runtime.breaker.operations import BreakerOperations
from devsync.runtime.schedules import handle_of
from devsync.storage.audit import Audit
from devsync.storage.database import Database
from sandbox.faults import Fault, FaultKind
from tests.e2e.firing import apply, firings, until_quiet
from tests.e2e.stage import IMPATIENT, PATIENCE_SECONDS, Stage, forget


async def scheduled(stage: Stage) -> None:
    """The schedule fires twice: the edition is started, and joined while it runs."""
    stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="github", latency_ms=1000))
    async with stage.worker():
        await apply(stage, day="monday", time="09:00")
        schedule = handle_of(stage.client, stage.team)
        await schedule.trigger()
        await firings(stage, 1)
        await asyncio.sleep(1)  # a schedule names its firings by the second
        await schedule.trigger()
        await until_quiet(stage, *await firings(stage, 2))
    await forget(stage.client, stage.team)


async def backfilled(stage: Stage) -> None:
    """A backfill only composes and stores."""
    async with stage.worker():
        handle = await start_edition(stage.client, stage.team, stage.week, deliver=False)
        await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)


async def refreshed(stage: Stage) -> None:
    """Sources are asked between editions: all answer; JIRA is down and GitHub held shut; the team's file is gone."""
    stage.ask_for_surroundings()
    stage.change_service("jira", "timeouts", **IMPATIENT)
    stage.change_service("jira", "retry", maximum="1s")
    until = datetime.now(UTC) + timedelta(hours=1)
    async with stage.worker():
        await _refresh(stage)
        stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="jira", status=503))
        shut = ModeDecision(by="anna", reason="maintenance", until=until)
        await BreakerOperations(stage.client).decide(names.GITHUB, "force_open", shut)
        await asyncio.sleep(2)  # the gates know by then
        await _refresh(stage, "what-is-this")
        file = stage.directory / "config" / "teams" / f"{stage.team}.yaml"
        file.rename(file.with_name("others.yaml"))
        await _refresh(stage)
    await forget(stage.client, stage.team)  # with the breaker


async def _refresh(stage: Stage, *signals: str) -> None:
    handle = await stage.client.start_workflow(
        names.SOURCE_REFRESH,
        RefreshRequest(team=stage.team),
        id=names.refresh_id(stage.team),
        task_queue=names.CONTROL_QUEUE,
        static_summary=f"The sources of {stage.team}",
    )
    for signal in signals:
        await handle.signal(signal)
    await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)


async def kept_records(stage: Stage) -> None:
    """Records are kept, and somebody says something meanwhile; then a legal hold stands in the file."""
    acknowledged = AuditEntry(
        team=stage.team,
        id="1",
        at=datetime.now(UTC),
        actor="anna",
        what="an alert",
        action="acknowledge",
        outcome="done",
    )
    database = Database(stage.environment["DATABASE_URL"], pool_size=1)
    await Audit(database).write([acknowledged])
    await database.dispose()
    async with stage.worker():
        await _keep_records(stage, "what-is-this")
        (stage.directory / "config" / "records.yaml").write_text("legal_holds: [{team: search, reason: case 4711}]\n")
        await _keep_records(stage)


async def _keep_records(stage: Stage, *signals: str) -> None:
    handle = await stage.client.start_workflow(
        names.RECORD_KEEPING,
        RecordKeepingRequest(),
        id=f"{names.RECORDS_ID}-{stage.team}",
        task_queue=names.CONTROL_QUEUE,
        static_summary="Records are kept every 1h",
    )
    for signal in signals:
        await handle.signal(signal)
    await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)
