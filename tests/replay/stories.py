"""What happened to the runs of the corpus: each story is played on real servers, and all its runs are recorded."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from temporalio.client import WorkflowFailureError
from temporalio.service import RPCError

from commands.editions import start_edition
from devsync.contracts import names
from devsync.contracts.breaker import Configure, Decision, ModeDecision, ProbeResult
from devsync.contracts.delivery import DeliveryOutcome
from devsync.contracts.edition import Phase
from devsync.contracts.records import RecordKeepingRequest
from devsync.contracts.refresh import RefreshRequest
from devsync.domain.audit import AuditEntry
from devsync.domain.breaker import BreakerConfig, Event, Outcome, State
from devsync.runtime.breaker.operations import BreakerOperations
from devsync.runtime.schedules import handle_of
from devsync.storage.audit import Audit
from devsync.storage.database import Database
from sandbox.faults import Fault, FaultKind
from sandbox.smtp import INBOX, Reply
from sandbox.world import World
from sandbox.worlds.demo import demo_world
from sandbox.worlds.generator import generated_world
from tests.e2e.firing import apply, firings, until_quiet
from tests.e2e.stage import IMPATIENT, PATIENCE_SECONDS, Stage, eventually, forget
from tests.replay import edition_stories, escalations, monitor_stories, recovery_stories
from tests.workflows.breaker_stage import BreakerStage, Reporter

WEEK = "2026-W47"


@dataclass(frozen=True)
class Story:
    name: str
    play: Callable[[Stage], Awaitable[None]]
    world: Callable[[], World] = lambda: demo_world(WEEK)
    entity: str = ""
    """The id of a workflow that is nobody's team's and has its part in the story; it begins with it."""
    has_short_histories: bool = False
    """Played on a server that suggests continue-as-new early."""


async def complete(stage: Stage) -> None:
    """A calm week, and the same week again: the second run posts nothing."""
    async with stage.worker():
        await stage.run()
        await stage.run()


async def dry_run(stage: Stage) -> None:
    async with stage.worker():
        handle = await stage.start(is_dry_run=True)
        await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)


async def partial(stage: Stage) -> None:
    """One repository and all of JIRA stay away."""
    for service in ("github", "jira"):
        stage.change_service(service, "timeouts", **IMPATIENT)
        stage.change_service(service, "retry", maximum="1s")
    broken = next(iter(stage.sandbox.world.repositories))
    stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", route=f"/repos/{broken}/"))
    stage.sandbox.pause("jira")
    async with stage.worker():
        await stage.run()


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
            outcome: DeliveryOutcome = await stage.delivery(WEEK).query("outcome", result_type=DeliveryOutcome)
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


async def killed(stage: Stage) -> None:
    """The worker dies in mid-collection and in the middle of a post; the next one finishes."""
    stage.notice_lost_workers_soon()
    stage.change_service("slack", "timeouts", http_read="2s", start_to_close="4s")
    slow = stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="github", latency_ms=1000))
    unanswered = Fault(kind=FaultKind.COMMITTED_TIMEOUT, service="slack", route="chat.postMessage", seconds=3, count=1)
    stage.sandbox.faults.add(unanswered)
    async with stage.worker("first") as worker:
        handle = await stage.start()
        await stage.until_phase(handle, Phase.COLLECTING)
        await asyncio.sleep(1)
        await worker.kill()
    stage.sandbox.faults.clear(slow)
    async with stage.worker("second") as worker:
        await stage.until_posted()
        await worker.kill()
    async with stage.worker("third"):
        await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)


async def abandoned(stage: Stage) -> None:
    """Open for ever: its only worker died while it collected."""
    stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="github", latency_ms=3000))
    async with stage.worker() as worker:
        handle = await stage.start()
        await stage.until_phase(handle, Phase.COLLECTING)
        await worker.kill()


async def queued(stage: Stage) -> None:
    """Slack is away: two revisions reach their deadline, and one delivery goes on to bring the newer one."""
    stage.change_delivery(
        delivery_reserve="1s", slack={"retry_schedule": ["1s", "2s", "2s", "2s", "2s", "3s", "3s", "60s"]}
    )
    stage.change_team(deliver_by="5s")
    stage.sandbox.pause("slack")
    async with stage.worker():
        await stage.run()
        stage.change_team(github={"repositories": stage.sandbox.world.teams[0].repositories[:1]})
        await stage.run()
        stage.sandbox.resume("slack")

        async def is_delivered() -> bool:
            return bool(stage.rows("SELECT 1 FROM deliveries WHERE state = 'delivered'"))

        await eventually(is_delivered)


async def waiting(stage: Stage) -> None:
    """Open: a delivery that waits for its next try, hours away."""
    stage.change_delivery(delivery_reserve="1s", slack={"retry_schedule": ["1s", "6h"]})
    stage.change_team(deliver_by="5s")
    stage.sandbox.pause("slack")
    async with stage.worker():
        await stage.run()


async def stopped(stage: Stage) -> None:
    """A delivery is cancelled while it waits, with a thread half posted; the week run again goes on from there."""
    stage.change_delivery(slack={"retry_schedule": ["1s", "6h"]})
    limited = stage.sandbox.faults.add(
        Fault(kind=FaultKind.RATE_LIMIT, service="slack", route="chat.postMessage", retry_after_seconds=25, after=1)
    )
    async with stage.worker():
        handle = await stage.start()
        delivery = stage.client.get_workflow_handle(
            names.delivery_id(stage.team, WEEK, f"slack-{stage.sandbox.world.teams[0].slack_channels[0]}")
        )

        async def is_recorded() -> bool:
            return bool(stage.rows("SELECT 1 FROM deliveries WHERE state = 'delivered'"))

        await eventually(is_recorded)
        await delivery.cancel(reason="anna: wrong channel")
        await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)
        stage.sandbox.faults.clear(limited)
        await stage.run()


async def kept(stage: Stage) -> None:
    """A complete week is run again while a repository is away: it is not replaced."""
    async with stage.worker():
        await stage.run()
        stage.change_service("github", "timeouts", **IMPATIENT)
        stage.change_service("github", "retry", maximum="1s")
        broken = next(iter(stage.sandbox.world.repositories))
        stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="github", route=f"/repos/{broken}/"))
        stage.choose_road("rest")
        await stage.run()


async def mailed(stage: Stage) -> None:
    """One recipient is unknown, another busy at first: that one gets the mail alone; a later revision goes to all."""
    inbox = stage.sandbox.apps["smtp"][INBOX]
    inbox.replies += [Reply(to="ben", count=1), Reply(says="451 4.3.0 busy", to="carl", count=1)]
    stage.change_delivery(email={"retry_schedule": ["1s", "6h"]})
    _change_channels(stage, {"kind": "email", "to": ["anna@acme.test", "ben@acme.test", "carl@acme.test"]})
    async with stage.worker():
        await stage.run()
        stage.change_team(github={"repositories": stage.sandbox.world.teams[0].repositories[:1]})
        await stage.run()


async def hooked(stage: Stage) -> None:
    """A webhook is dead after its schedule; replayed, it is taken."""
    down = stage.sandbox.faults.add(Fault(kind=FaultKind.STATUS, service="webhook", status=503))
    stage.change_delivery(webhook={"retry_schedule": ["1s", "1s"]})
    url = f"{stage.sandbox.urls['webhook']}/hooks/changelog"
    _change_channels(stage, {"kind": "webhook", "url": url, "secret_env": "SANDBOX_WEBHOOK_SECRET"})
    async with stage.worker():
        await stage.run()
        stage.sandbox.faults.clear(down)
        code, _, errors = await stage.starter("delivery", "replay", stage.team, WEEK, "webhook-0")
        assert code == 0, errors


def _change_channels(stage: Stage, *channels: dict[str, Any]) -> None:
    stage.change_team(channels=list(channels), github={"repositories": stage.sandbox.world.teams[0].repositories[:2]})


async def revised(stage: Stage) -> None:
    """The week changes after it was posted: the same messages are updated, those too many removed."""
    async with stage.worker():
        await stage.run()
        stage.change_team(github={"repositories": stage.sandbox.world.teams[0].repositories[:1]})
        await stage.run()


async def cancelled(stage: Stage) -> None:
    stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="github", latency_ms=2000))
    async with stage.worker():
        handle = await stage.start()
        await stage.until_phase(handle, Phase.COLLECTING)
        await handle.cancel(reason="anna: wrong week")
        try:
            await handle.result()
        except WorkflowFailureError:
            return


async def failed(stage: Stage) -> None:
    """The team's file is gone when the edition is planned."""
    async with stage.worker():
        file = stage.directory / "config" / "teams" / f"{stage.team}.yaml"
        file.with_name("others.yaml").write_text(file.read_text())
        file.unlink()
        handle = await stage.start()
        with suppress(WorkflowFailureError):
            await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)


async def without_database(stage: Stage) -> None:
    """PostgreSQL is away: a backfill that waits to be recorded is told to deliver, and is recorded afterwards."""

    async def is_posted() -> bool:
        return bool(stage.messages)

    stage.change_team(github={"repositories": stage.sandbox.world.teams[0].repositories[:1]})  # a history of its size
    async with stage.worker():
        await stage.servers.postgres.stop()
        try:
            handle = await start_edition(stage.client, stage.team, WEEK, deliver=False)
            await stage.until_phase(handle, Phase.RECORDING)
            await handle.signal("deliver")
            await eventually(is_posted)
        finally:
            await stage.servers.postgres.start()
        await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)


async def refused(stage: Stage) -> None:
    """People send signals that no handler takes."""
    stage.sandbox.faults.add(Fault(kind=FaultKind.LATENCY, service="github", latency_ms=1000))
    async with stage.worker():
        handle = await stage.start()
        await stage.until_phase(handle, Phase.COLLECTING)
        await handle.signal("escalate-everything", {"by": "anna"})
        await handle.signal("delivery_reported")
        await handle.signal("delivery_reported", args=[1, 2])
        await handle.signal("delivery_reported", "nonsense")
        await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)


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
        handle = await start_edition(stage.client, stage.team, WEEK, deliver=False)
        await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)


async def surrounded(stage: Stage) -> None:
    """With boards, deployments and a calendar; the calendar is away."""
    stage.ask_for_surroundings()
    stage.change_service("calendar", "timeouts", **IMPATIENT)
    stage.change_service("calendar", "retry", maximum="1s")
    stage.sandbox.pause("calendar")
    async with stage.worker():
        await stage.run()


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


def _many_sources() -> World:
    return generated_world(repositories=40, projects=10, pull_requests=400, issues=80, week=WEEK)


STORIES = (
    Story("recovered", recovery_stories.healed),
    Story("stood_in", recovery_stories.stood_in),
    Story("asked", recovery_stories.asked),
    Story("unanswered", recovery_stories.unanswered),
    Story("of_a_program", recovery_stories.of_a_program),
    Story("complete", complete),
    Story("dry_run", dry_run),
    Story("partial", partial),
    Story("outage", outage, entity=names.breaker_id(names.GITHUB)),
    Story("released", released, entity=names.breaker_id(names.GITHUB)),
    Story("operated", operated, entity=names.breaker_id(names.GITHUB), has_short_histories=True),
    *(
        Story(f"escalation_{play.__name__}", play, entity=names.service_escalation_id(names.GITHUB))
        for play in (escalations.answered, escalations.unanswered, escalations.healed, escalations.put_off)
    ),
    Story("watched", monitor_stories.watched, entity=names.MONITOR_ID, has_short_histories=True),
    Story("approved", edition_stories.approved),
    Story("rejected", edition_stories.rejected),
    Story("unreviewed", edition_stories.unreviewed),
    Story("amended", edition_stories.amended),
    Story("stood_in_for", edition_stories.stood_in_for),
    Story("escalated", edition_stories.escalated),
    Story("killed", killed),
    Story("abandoned", abandoned),
    Story("queued", queued),
    Story("waiting", waiting),
    Story("stopped", stopped),
    Story("kept", kept),
    Story("mailed", mailed),
    Story("hooked", hooked),
    Story("revised", revised),
    Story("cancelled", cancelled),
    Story("failed", failed),
    Story("without_database", without_database),
    Story("refused", refused),
    Story("scheduled", scheduled),
    Story("backfilled", backfilled),
    Story("surrounded", surrounded),
    Story("refreshed", refreshed),
    Story("kept_records", kept_records),
    Story("many_sources", complete, _many_sources),
)
