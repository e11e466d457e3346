"""A signal with too many arguments, or too few, never wedges a run, whatever kind of method takes it."""

import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from temporalio import workflow
from temporalio.common import RawValue
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker


@workflow.defn(sandboxed=False)
class Heard:
    """Its result is what came, and how often as what."""

    def __init__(self) -> None:
        self._heard: list[str] = []
        self._is_over = False

    @workflow.run
    async def run(self) -> list[str]:
        await workflow.wait_condition(lambda: self._is_over)
        return self._heard

    @workflow.signal
    def at_once(self, raw: RawValue) -> None:
        self._heard.append("at_once")

    @workflow.signal
    async def in_time(self, raw: RawValue) -> None:
        self._heard.append("in_time")

    @workflow.signal
    def end(self) -> None:
        self._is_over = True

    @workflow.signal(dynamic=True)
    def refuse(self, name: str, _args: Sequence[RawValue]) -> None:
        self._heard.append(f"refused {name}")


@pytest.mark.parametrize("name", ["at_once", "in_time"])
@pytest.mark.parametrize(("arguments", "is_taken"), [([], False), ([1], True), ([1, 2], False), ([1, 2, 3], False)])
async def test_a_signal_with_another_number_of_arguments_is_refused(
    skipping_time: WorkflowEnvironment, name: str, arguments: list[Any], is_taken: bool
) -> None:
    assert await heard(skipping_time, name, arguments) == [name if is_taken else f"refused {name}"]


async def heard(environment: WorkflowEnvironment, name: str, arguments: list[Any]) -> list[str]:
    queue = f"heard-{uuid.uuid4()}"
    async with Worker(environment.client, task_queue=queue, workflows=[Heard]):
        handle = await environment.client.start_workflow(Heard.run, id=queue, task_queue=queue)
        await handle.signal(name, args=arguments)
        await handle.signal(Heard.end)
        return await handle.result()
