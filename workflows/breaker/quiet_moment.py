"""When an entity may continue as new: in a workflow task that brought few messages."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from temporalio import workflow

QUIET_MOMENT = timedelta(milliseconds=50)


class Heard:
    """How many messages came with one workflow task, known by the length of the history."""

    def __init__(self) -> None:
        self._task = 0
        self._count = 0

    def one(self) -> None:
        """Call it for every message."""
        task = workflow.info().get_current_history_length()
        self._task, self._count = task, self.with_task(task) + 1

    def with_task(self, task: int) -> int:
        return self._count if self._task == task else 0


async def until_a_quiet_moment(heard: Heard, meanwhile: Callable[[], object]) -> None:
    """Until a workflow task that brought few messages. `meanwhile` is called in each, before it is judged.

    The server rejects continue-as-new when a message came during the task, and the worker has to replay the whole
    history before it can try again: for longer than the next message takes to come, so that under load each try would
    fail and make the history longer. What such a try brings are the messages that made the last one fail. So a task
    with messages is just done, and the next one, which needs no replay, is over in milliseconds. Each try puts up with
    one message more.
    """
    tries, pulse = 0, _pulse()
    while True:
        task = workflow.info().get_current_history_length()
        await workflow.wait_condition(partial(_is_another_task, task))
        meanwhile()
        if heard.with_task(workflow.info().get_current_history_length()) <= tries:
            return
        tries += 1
        pulse = _pulse() if pulse.done() else pulse


def _pulse() -> "asyncio.Task[None]":
    """Soon one more workflow task, also if nobody says anything."""
    return asyncio.create_task(workflow.sleep(QUIET_MOMENT, summary="A quiet moment to continue as new"))


def _is_another_task(than: int) -> bool:
    return workflow.info().get_current_history_length() != than
