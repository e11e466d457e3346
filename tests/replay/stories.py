"""What happened to the runs of the corpus: each story is played on real servers, and all its runs are recorded."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from temporalio.client import WorkflowFailureError

from commands.editions import start_edition
from devsync.contracts import names
from devsync.contracts.edition import Phase
from sandbox.faults import Fault, FaultKind
from sandbox.world import World
from sandbox.worlds.demo import demo_world
from sandbox.worlds.generator import generated_world
from tests.e2e.stage import IMPATIENT, PATIENCE_SECONDS, Stage, eventually
from tests.replay import edition_stories, escalations, monitor_stories, recovery_stories
from tests.replay.breaker_stories import operated, outage, released
from tests.replay.delivery_stories import hooked, kept, mailed, queued, revised, stopped, waiting
from tests.replay.upkeep_stories import backfilled, kept_records, refreshed, scheduled

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


async def surrounded(stage: Stage) -> None:
    """With boards, deployments and a calendar; the calendar is away."""
    stage.ask_for_surroundings()
    stage.change_service("calendar", "timeouts", **IMPATIENT)
    stage.change_service("calendar", "retry", maximum="1s")
    stage.sandbox.pause("calendar")
    async with stage.worker():
        await stage.run()


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
    Story("decided", edition_stories.decided, entity=names.service_escalation_id(names.GITHUB)),
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
