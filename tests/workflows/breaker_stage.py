"""A stage for breakers: the real server with short histories, a real database, and workers that come and go."""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client, WorkflowExecution, WorkflowHandle, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Worker

from activities.breakers import BreakerActivities
from activities.waiting import WaitingActivities
from devsync.contracts import names
from devsync.contracts.breaker import (
    AskProbe,
    BreakerSnapshot,
    BreakerStart,
    Decision,
    ProbeAnswer,
    ProbeResult,
    ReportBatch,
)
from devsync.domain.breaker import BreakerConfig, Outcomes, Standing
from devsync.runtime.breaker.entity import SEAM
from devsync.runtime.breaker.operations import BreakerOperations
from devsync.runtime.plugin import DevSyncPlugin
from devsync.storage.breakers import BreakerTransitions
from devsync.storage.database import Database
from sandbox.temporal_server import TemporalServer
from tests.e2e.stage import eventually
from workflows.breaker.circuit_breaker import CircuitBreaker

SERVICE_SETTINGS = {
    "retry": {"initial": "1s", "factor": 2, "maximum": "1s"},
    "timeouts": {"start_to_close": "10s", "schedule_to_close": "1m"},
    "concurrency": 1,
    "slots": 1,
}


@dataclass
class Reporter:
    """One process of workers, as far as a breaker sees it."""

    stage: "BreakerStage"
    name: str = field(default_factory=lambda: f"worker:{uuid.uuid4().hex[:8]}")
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def report(self, generation: int | None = None, **outcomes: Any) -> ReportBatch:
        """What calls came to, under the generation that the breaker has now where none is given."""
        if generation is None:
            generation = (await self.stage.snapshot()).standing.generation
        batch = ReportBatch(
            service=self.stage.service,
            reporter=self.name,
            sequence=next(self.numbers),
            generation=generation,
            outcomes=Outcomes(**outcomes),
        )
        await self.stage.send(batch)
        return batch

    async def pause(self, length: timedelta) -> None:
        """The service asks for patience."""
        until = datetime.now(UTC) + length
        number = next(self.numbers)
        await self.stage.send(
            ReportBatch(
                service=self.stage.service, reporter=self.name, sequence=number, pause_until=until, pause_reason="429"
            )
        )

    async def settle(self, *results: ProbeResult) -> None:
        number = next(self.numbers)
        await self.stage.send(
            ReportBatch(service=self.stage.service, reporter=self.name, sequence=number, probes=results)
        )

    async def probes(self, wanted: int = 1, asking: str = "") -> ProbeAnswer:
        """Asks again, under the same id, where nobody was at home: between two runs, or too busy."""
        asking = asking or str(uuid.uuid4())
        while True:
            try:
                answer: ProbeAnswer = await self.stage.handle.execute_update(
                    "acquire_probe", AskProbe(reporter=self.name, wanted=wanted), id=asking, result_type=ProbeAnswer
                )
            except WorkflowUpdateRPCTimeoutOrCancelledError:
                pass
            except RPCError as error:
                if error.status not in SEAM:
                    raise
            else:
                return answer
            await asyncio.sleep(0.2)


@dataclass
class BreakerStage:
    """One service that no other test knows."""

    client: Client
    server: TemporalServer
    database: Database
    config_dir: Path
    service: str

    @property
    def handle(self) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(names.breaker_id(self.service))

    @property
    def operations(self) -> BreakerOperations:
        return BreakerOperations(self.client)

    def reporter(self) -> Reporter:
        return Reporter(self)

    async def decide(self, update: str, decision: Decision) -> Standing:
        return await self.operations.decide(self.service, update, decision)

    def declare(self, **breaker: Any) -> None:
        """Writes the rules into services.yaml."""
        text = yaml.safe_dump({self.service: SERVICE_SETTINGS | {"breaker": breaker}})
        (self.config_dir / "services.yaml").write_text(text)

    def without_database(self) -> "BreakerStage":
        """The same, but its workers find no database."""
        return replace(self, database=Database("postgresql://nobody@127.0.0.1:1/nowhere"))

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        breakers = BreakerActivities(self.config_dir, BreakerTransitions(self.database))
        activities = [*breakers.all(), *WaitingActivities(self.client).all()]
        async with Worker(
            self.client, task_queue=names.CONTROL_QUEUE, workflows=[CircuitBreaker], activities=activities
        ):
            yield

    async def start(self) -> None:
        """With its rules read."""
        await self.operations.apply_rules(self.service, BreakerConfig(), "test")
        await self.until(lambda snapshot: snapshot.is_configured)

    async def send(self, batch: ReportBatch) -> None:
        """As gates do: by signal-with-start, again under the same number until the server has taken it."""
        while True:
            try:
                await self.client.start_workflow(
                    names.CIRCUIT_BREAKER,
                    BreakerStart(service=self.service),
                    id=names.breaker_id(self.service),
                    task_queue=names.CONTROL_QUEUE,
                    start_signal="report",
                    start_signal_args=[batch],
                )
            except RPCError as error:
                if error.status not in {RPCStatusCode.DEADLINE_EXCEEDED, RPCStatusCode.UNAVAILABLE}:
                    raise
            else:
                return
            await asyncio.sleep(0.2)

    async def snapshot(self) -> BreakerSnapshot:
        answer: BreakerSnapshot = await self.handle.query("snapshot", result_type=BreakerSnapshot)
        return answer

    async def until(self, is_so: Callable[[BreakerSnapshot], bool]) -> BreakerSnapshot:
        found: list[BreakerSnapshot] = []

        async def is_there() -> bool:
            found[:] = [await self.snapshot()]
            return is_so(found[0])

        await eventually(is_there)
        return found[0]

    async def runs(self) -> list[WorkflowExecution]:
        """Of the entity, oldest first: each continue-as-new makes one."""
        query = f'WorkflowId = "{names.breaker_id(self.service)}"'
        return sorted([run async for run in self.client.list_workflows(query)], key=lambda run: run.start_time)

    async def until_new_run(self) -> None:
        """Sends reports of nothing until the entity has continued as new."""
        before, one = (await self.handle.describe()).run_id, self.reporter()
        while (await self.handle.describe()).run_id == before:
            await one.report()

    async def details(self) -> str:
        """What the Web UI shows of the running entity."""
        metadata = await self.handle.query("__temporal_workflow_metadata", result_type=WorkflowMetadata)
        return str(metadata.current_details)

    async def end(self) -> None:
        with suppress(RPCError):
            await self.handle.terminate("its test is over")


@asynccontextmanager
async def breaker_stage(server: TemporalServer, database_url: str, directory: Path) -> AsyncIterator[BreakerStage]:
    client = await Client.connect(server.address, plugins=[DevSyncPlugin()])
    database = Database(database_url)
    stage = BreakerStage(client, server, database, directory, f"service-{uuid.uuid4().hex[:8]}")
    stage.declare()
    yield stage
    await stage.end()
    await database.dispose()
