"""A stage for gates: the real Temporal server, the real entity, and processes that make calls."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from temporalio.client import Client, WorkflowHandle
from temporalio.common import MetricMeter
from temporalio.service import RPCError
from temporalio.worker import Worker

from activities.breakers import BreakerActivities
from activities.waiting import WaitingActivities
from commands.stack import ROOT
from devsync.contracts import names
from devsync.contracts.breaker import BreakerSnapshot
from devsync.domain.breaker import BreakerConfig, State
from devsync.runtime.breaker.gate import Gate
from devsync.runtime.breaker.gates import Gates
from devsync.storage.breakers import BreakerTransitions
from devsync.storage.database import Database
from sandbox.temporal_server import TemporalServer
from tests.e2e.stage import eventually
from workflows.breaker.circuit_breaker import CircuitBreaker

OUT_OF_TOUCH = 2.0
"""Seconds; ten in production."""

_names = itertools.count(1)


class ServiceIsDown(TimeoutError):
    """What a call raises that counts."""


@dataclass
class Stage:
    temporal: TemporalServer
    client: Client
    database_url: str
    config_dir: Path

    def service(self, **rules: str | int) -> str:
        """A service of the test's own, with its breaker's rules in services.yaml."""
        service = f"service-{next(_names)}"
        path = self.config_dir / "services.yaml"
        services = yaml.safe_load(path.read_text())
        services[service] = deepcopy(services["github"]) | {"breaker": _QUICK | rules}
        path.write_text(yaml.safe_dump(services, sort_keys=False))
        return service

    @asynccontextmanager
    async def entities(self) -> AsyncIterator[None]:
        """Runs the entities for as long as the block: a worker of the queue `control`, and what it needs."""
        database = Database(self.database_url, pool_size=2)
        breakers = BreakerActivities(self.config_dir, BreakerTransitions(database))
        activities = [*breakers.all(), *WaitingActivities(self.client).all()]
        control = Worker(self.client, task_queue=names.CONTROL_QUEUE, workflows=[CircuitBreaker], activities=activities)
        try:
            async with control:
                yield
        finally:
            await database.dispose()

    @asynccontextmanager
    async def gates(self, *services: str, meter: MetricMeter = MetricMeter.noop) -> AsyncIterator[Gates]:
        """What one process has. It knows no rules but the defaults until the entities tell theirs."""
        rules = dict.fromkeys(services, BreakerConfig())
        async with Gates(self.client, rules, meter, out_of_touch=OUT_OF_TOUCH) as gates:
            yield gates

    def entity(self, service: str) -> WorkflowHandle[Any, Any]:
        return self.client.get_workflow_handle(names.breaker_id(service))

    async def snapshot(self, service: str) -> BreakerSnapshot:
        snapshot: BreakerSnapshot = await self.entity(service).query("snapshot", result_type=BreakerSnapshot)
        return snapshot

    async def until_state(self, service: str, state: State) -> BreakerSnapshot:
        async def is_there() -> bool:
            with suppress(RPCError):  # the first call that counts makes the entity
                return (await self.snapshot(service)).standing.state is state
            return False

        await eventually(is_there)
        return await self.snapshot(service)

    async def configured(self, gate: Gate) -> None:
        """Makes the entity by a first call, and waits until its rules have come from services.yaml to the gate."""
        await succeed(gate)
        rules = (await asyncio.to_thread(yaml.safe_load, (self.config_dir / "services.yaml").read_text()))[gate.service]
        threshold = rules["breaker"]["failure_threshold"]
        await until(lambda: gate.config.failure_threshold == threshold)


_QUICK: dict[str, str | int] = {
    "failure_threshold": 3,
    "recovery_timeout": "2s",
    "success_threshold": 2,
    "half_open_max_calls": 2,
    "probe_lease": "5s",
}


async def until(is_true: Callable[[], bool], seconds: float = 15.0) -> None:
    async def holds() -> bool:
        return is_true()

    await eventually(holds, seconds)


async def succeed(gate: Gate, count: int = 1) -> None:
    for _ in range(count):
        async with gate.call("a call"):
            pass


async def fail(gate: Gate, count: int = 1) -> None:
    for _ in range(count):
        try:
            async with gate.call("a call"):
                raise ServiceIsDown
        except ServiceIsDown:
            pass


def make_config_dir(directory: Path) -> Path:
    config = directory / "config"
    config.mkdir()
    (config / "services.yaml").write_text((ROOT / "config" / "services.yaml").read_text())
    return config
