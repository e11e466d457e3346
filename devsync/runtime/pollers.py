"""Who asks for the work of a task queue, as the server knows it: when a worker serves, and whether one does."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Final, NamedTuple

from temporalio.api.deployment.v1 import WorkerDeploymentVersion
from temporalio.api.enums.v1 import TaskQueueType, WorkerVersioningMode
from temporalio.api.taskqueue.v1 import PollerInfo, TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    DescribeTaskQueueResponse,
    ListTaskQueuePartitionsRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError

from devsync.contracts import names

_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.05, 2.0


class Build(NamedTuple):
    """What Worker Versioning calls a version."""

    deployment: str
    build_id: str


class Poller(NamedTuple):
    """A worker that asked for work lately. The server lists one that has died for some minutes more."""

    identity: str
    build: Build | None
    """None: without a version."""


WORKFLOWS: Final = TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW
ACTIVITIES: Final = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY


def kinds_of(name: str) -> tuple[TaskQueueType.ValueType, ...]:
    """What workers ask for there: on the queues of workflows also for the activities that are local to them."""
    return (WORKFLOWS, ACTIVITIES) if name in names.WORKFLOW_QUEUES else (ACTIVITIES,)


class Queue(NamedTuple):
    """A task queue and who polls it for one kind of work."""

    name: str
    kind: TaskQueueType.ValueType
    pollers: tuple[Poller, ...]
    current: Build | None
    """Whose workers get new work; None: those without a version."""
    ramping: Build | None
    """Whose workers get a part of it."""

    @property
    def is_served(self) -> bool:
        """Whether somebody gets the queue's new work."""
        return any(poller.build in {self.current, self.ramping or self.current} for poller in self.pollers)


async def queue_of(client: Client, name: str, kind: TaskQueueType.ValueType | None = None) -> Queue:
    """For that kind of work, or the first that it is there for. Raises RPCError."""
    kind = kind or kinds_of(name)[0]
    partitions = await _partitions(client, name, kind)
    answers = await asyncio.gather(*(_describe(client, partition, kind) for partition in partitions))
    routing = answers[0].versioning_info
    return Queue(
        name,
        kind,
        tuple({_poller(poller): None for answer in answers for poller in answer.pollers}),
        _build(routing.current_deployment_version),
        _build(routing.ramping_deployment_version) if routing.ramping_version_percentage else None,
    )


async def is_polled(client: Client, name: str) -> bool:
    """Whether a worker has asked for the queue's work lately; also where the server does not tell.

    To be asked before an update is sent. The server keeps an update that nobody has taken for the next worker, and it
    cannot be withdrawn: so none is sent where no worker asks for work.
    """
    try:
        return bool((await queue_of(client, name)).pollers)
    except RPCError:
        return True


async def until_polled(client: Client, queues: Iterable[str]) -> None:
    """Until the server knows the client's process as a poller of each, for all kinds of its work; a server that does
    not answer is asked again."""
    waiting = {(name, kind) for name in queues for kind in kinds_of(name)}
    wait_seconds = _FIRST_WAIT_SECONDS
    while True:
        with suppress(RPCError):
            for queue in await asyncio.gather(*(queue_of(client, name, kind) for name, kind in waiting)):
                if any(poller.identity == client.identity for poller in queue.pollers):
                    waiting.discard((queue.name, queue.kind))
        if not waiting:
            return
        await asyncio.sleep(wait_seconds)
        wait_seconds = min(wait_seconds * 1.5, _LONGEST_WAIT_SECONDS)


async def _partitions(client: Client, name: str, kind: TaskQueueType.ValueType) -> list[str]:
    """The queue's own name first: the server keeps a queue in parts, and each knows only those who polled it.

    A poll that finds nothing in its part is passed on to the first one, but only one at a time: where two workers poll
    the same part, the first part may not hear of the second for a minute.
    """
    try:
        answer = await client.workflow_service.list_task_queue_partitions(
            ListTaskQueuePartitionsRequest(namespace=client.namespace, task_queue=TaskQueue(name=name))
        )
    except RPCError:
        return [name]  # a server that does not tell its partitions; one that does not answer at all is noticed next
    of_kind = answer.workflow_task_queue_partitions if kind == WORKFLOWS else answer.activity_task_queue_partitions
    return [name, *(partition.key for partition in of_kind if partition.key != name)]


async def _describe(client: Client, partition: str, kind: TaskQueueType.ValueType) -> DescribeTaskQueueResponse:
    return await client.workflow_service.describe_task_queue(
        DescribeTaskQueueRequest(namespace=client.namespace, task_queue=TaskQueue(name=partition), task_queue_type=kind)
    )


def _poller(told: PollerInfo) -> Poller:
    options = told.deployment_options
    is_versioned = options.worker_versioning_mode == WorkerVersioningMode.WORKER_VERSIONING_MODE_VERSIONED
    return Poller(told.identity, Build(options.deployment_name, options.build_id) if is_versioned else None)


def _build(version: WorkerDeploymentVersion) -> Build | None:
    return Build(version.deployment_name, version.build_id) if version.build_id else None
