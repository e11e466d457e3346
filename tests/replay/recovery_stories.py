"""What happens to recoveries: the shipped plan on a real server, with steps that answer as the story says."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from temporalio.client import WorkflowHandle
from temporalio.worker import Worker

from devsync.contracts import names
from devsync.contracts.breaker import ServiceReleased
from devsync.contracts.recovery import FailedUnit, RecoveryReport
from devsync.domain.changelog.edition import ProvenanceKind
from tests.e2e.stage import PATIENCE_SECONDS, Stage
from tests.workflows.program_stage import DONE, STANDS_IN, Program, own
from tests.workflows.program_stage import asked as asked_by_a_program
from tests.workflows.recovery_stage import (
    API,
    AWAY,
    WEB,
    Answer,
    Ground,
    failed,
    heals,
    plan_of,
    refused,
    request,
    served,
)
from workflows.recovery.recovery import Recovery

Handle = WorkflowHandle[Recovery, RecoveryReport]
CACHED_API: Sequence[Answer] = [heals(ProvenanceKind.CACHED, only=[API])]
"""One of both has a copy: people are asked for the other."""


@asynccontextmanager
async def recovering(
    stage: Stage, ground: Ground, *units: FailedUnit, seconds: float = 30, number: int = 1
) -> AsyncIterator[Handle]:
    """A recovery under way; in the end it must be over."""
    now = datetime.now(UTC)
    message = request(now, *units, within=timedelta(seconds=seconds), team=stage.team)
    async with served(stage.client, ground, names.EDITIONS_QUEUE):
        handle = await stage.client.start_workflow(
            Recovery.run,
            message,
            id=names.recovery_id(stage.team, message.iso_week, names.GITHUB, "collect", number),
            task_queue=names.EDITIONS_QUEUE,
        )
        yield handle
        await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)


async def healed(stage: Stage) -> None:
    """By the retry, in two halves: the breaker had refused one of both."""
    ground = Ground({"retry": [heals(only=[API]), heals()]})
    soon = datetime.now(UTC) + timedelta(seconds=4)
    async with recovering(stage, ground, failed(API), failed(WEB, refused(soon))):
        pass


async def stood_in(stage: Stage) -> None:
    """By the cache; people are told, and not waited for."""
    ground = Ground({"cached": [heals(ProvenanceKind.CACHED)]}, escalation_id="escalation:service:github")
    async with recovering(stage, ground):
        pass


async def asked(stage: Stage) -> None:
    """People are asked, and decide each way that there is; one says it wrongly first, one is not needed in the end."""
    for number, decision in enumerate(("retry", "use_fallback", "skip", "abort"), 1):
        ground = Ground({"retry": [AWAY, AWAY, heals()], "cached": CACHED_API}, escalation_id="escalation:none")
        async with recovering(stage, ground, number=number) as handle:
            await until_asked(ground, handle)
            await handle.signal("resolve", {"by": "anna", "decision": "explode"})
            await handle.signal("escalate", {"by": "ben", "level": "executive"})
            await handle.signal("resolve", {"by": "anna", "decision": decision})
    ground = Ground({"retry": [AWAY, AWAY, heals()], "cached": CACHED_API}, escalation_id="escalation:none")
    async with recovering(stage, ground, number=5) as handle:
        await until_asked(ground, handle)
        await handle.signal("service_released", ServiceReleased(service=names.GITHUB))


async def unanswered(stage: Stage) -> None:
    """Nobody decides until the deadline; in the next one, a person cuts the plan short."""
    ground = Ground({"cached": CACHED_API}, escalation_id="escalation:none")
    async with recovering(stage, ground, seconds=20):
        pass
    ground = Ground(holds={"cached": asyncio.Event()})
    async with recovering(stage, ground, number=2) as handle:
        await ground.was_asked["cached"].wait()
        await handle.signal("resolve", {"by": "anna", "decision": "skip"})
        await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)
        ground.holds["cached"].set()


async def of_a_program(stage: Stage) -> None:
    """By the program's own steps, on its own queue; it hears of the end by an update, and people of what nothing
    recovers."""
    steps = [own("look", stage.team, resolves=False), own("again", stage.team), own("copy", stage.team)]
    for number, answers in enumerate(({"look": DONE, "copy": STANDS_IN}, {"look": DONE, "again": DONE}, {}), 1):
        program, ground = Program(answers), Ground(escalation_id="escalation:none")
        message = asked_by_a_program(
            datetime.now(UTC), plan_of(*steps, ask="never", tell="missing"), program=stage.team, team=stage.team
        )
        async with (
            Worker(stage.client, task_queue=names.program_queue(stage.team), activities=[program.run_step]),
            served(stage.client, ground, names.EDITIONS_QUEUE, [names.LOCAL]),
        ):
            handle = await stage.client.start_workflow(
                Recovery.run,
                message,
                id=names.program_recovery_id(stage.team, str(number)),
                task_queue=names.EDITIONS_QUEUE,
            )
            await handle.execute_update("conclusion", result_type=RecoveryReport)
            await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)


async def until_asked(ground: Ground, handle: Handle) -> None:
    await ground.was_joined.wait()
    while not (await handle.query(Recovery.progress)).escalations:
        await asyncio.sleep(0.05)
