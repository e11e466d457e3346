"""Stories of circuit breakers: what opens by itself, what people hold shut, what a breaker is told."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from temporalio.service import RPCError

from devsync.contracts import names
from devsync.contracts.breaker import Configure, Decision, ModeDecision, ProbeResult
from devsync.contracts.delivery import DeliveryOutcome
from devsync.domain.breaker import BreakerConfig, Event, Outcome, State
from devsync.runtime.breaker.operations import BreakerOperations
from devsync.storage.database import Database
from sandbox.faults import Fault, FaultKind
from tests.e2e.stage import PATIENCE_SECONDS, Stage, eventually, forget
from tests.workflows.breaker_stage import BreakerStage, Reporter


async def outage(stage: Stage) -> None:
    """GitHub is down: its breaker opens, and the edition waits until probes find it back."""
    stage.change_service("github", "breaker", failure_threshold=4, recovery_timeout="4s", success_threshold=1)
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", status=503))
    async with stage.worker():
        handle = await stage.start()

        async def waits() -> bool:
            return await stage.waits_for_breaker(handle, names.GITHUB)

        await eventually(waits)
        stage.sandbox.faults.clear()
        await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)
    await forget(stage.client, stage.team)  # with the breaker: the next story's is a new one


async def released(stage: Stage) -> None:
    """GitHub and Slack are held shut for ten minutes, and opened again while an edition and its delivery wait."""
    operations = BreakerOperations(stage.client)
    until = datetime.now(UTC) + timedelta(minutes=10)

    async def waits() -> bool:
        return await stage.waits_for_breaker(handle, names.GITHUB)

    async def is_put_off() -> bool:
        with suppress(RPCError):  # not there yet
            outcome: DeliveryOutcome = await stage.delivery(stage.week).query("outcome", result_type=DeliveryOutcome)
            return "circuit breaker is open" in outcome.reason
        return False

    async with stage.worker():
        for service in (names.GITHUB, names.SLACK):
            await operations.decide(service, "force_open", ModeDecision(by="anna", reason="maintenance", until=until))
        await asyncio.sleep(2)  # the gates know by then
        handle = await stage.start()
        await eventually(waits)
        await operations.decide(names.GITHUB, "reset", Decision(by="anna", reason="over"))
        await eventually(is_put_off)
        await operations.decide(names.SLACK, "reset", Decision(by="anna", reason="over"))
        await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)
    await forget(stage.client, stage.team)  # with the breakers


async def operated(stage: Stage) -> None:
    """A breaker over several runs: it opens twice and heals, is paused, people decide, nonsense is refused."""
    stage.change_service("github", "breaker", failure_threshold=3, recovery_timeout="1s", success_threshold=2)
    database = Database(stage.environment["DATABASE_URL"])
    config_dir = stage.directory / "config"
    breaker = BreakerStage(stage.client, stage.servers.temporal, database, config_dir, names.GITHUB)
    one = breaker.reporter()
    async with stage.worker():
        await breaker.start()
        await one.report(failures=3, successes=5, ignored=1, last_failure="503 from GET /repos/acme/ledger/pulls")
        await _probes(one, Outcome.FAILURE)
        await breaker.until(lambda snapshot: snapshot.standing.state is State.OPEN)
        await _probes(one, Outcome.SUCCESS)
        await breaker.until(lambda snapshot: snapshot.standing.state is State.CLOSED)
        await breaker.until_new_run()
        await one.pause(timedelta(seconds=1))
        await breaker.until(lambda snapshot: snapshot.transitions[-1].event is Event.PAUSE_ENDED)
        until = datetime.now(UTC) + timedelta(seconds=2)
        await breaker.decide("force_open", ModeDecision(by="anna", reason="maintenance", until=until))
        await breaker.until(lambda snapshot: snapshot.standing.state is State.HALF_OPEN)
        await one.probes(1)  # its holder dies: the lease is out while the history is cut
        await breaker.until_new_run()
        await breaker.decide("metrics_only", ModeDecision(by="anna", reason="trying other rules"))
        await breaker.decide(
            "configure", Configure(by="anna", reason="fewer", config=BreakerConfig(failure_threshold=2))
        )
        await one.report(failures=2)
        for nonsense in ([], ["nonsense"], [{"service": "jira", "reporter": "a", "sequence": 1}]):
            await breaker.handle.signal("report", args=nonsense)
        await breaker.handle.signal("read_rules", Decision(by="anna", reason="edited"))
        await breaker.until(lambda snapshot: snapshot.is_configured and snapshot.refused_count == 3)
        await breaker.decide("force_open", ModeDecision(by="anna", reason="maintenance again"))
        await breaker.decide("reset", Decision(by="anna", reason="over"))
        await breaker.until(lambda snapshot: not snapshot.unrecorded)
    await database.dispose()
    await forget(stage.client, stage.team)


async def _probes(one: Reporter, outcome: Outcome) -> None:
    await one.stage.until(lambda snapshot: snapshot.standing.state is State.HALF_OPEN)
    leases = (await one.probes(2)).leases
    await one.settle(*(ProbeResult(lease_id=lease.id, outcome=outcome) for lease in leases))
