"""The process that replays: reads subjects as JSON lines on standard input, answers each with a verdict, in order.

A process of its own, since a replay keeps a CPU busy, and since a history that the SDK's core cannot digest hangs
the whole process that holds it (SDK 1.35): `pool` then ends this one and starts another.
"""

import asyncio
import gc
import logging
import os
import re
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable

from temporalio.api.enums.v1 import EventType
from temporalio.client import Client, WorkflowHistory
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import Replayer, WorkflowReplayResult

from commands.replay.history_files import NoHistory, read_history
from commands.replay.verdicts import Outcome, Subject, Verdict
from devsync.runtime.connection import TemporalUnreachable, connect
from devsync.runtime.plugin import DevSyncPlugin
from devsync.settings.environment import read_environment
from workflows.registry import WORKFLOWS

_REASON_LENGTH = 500
_PYDANTIC_LINK = re.compile(r"For further information visit \S+")
_MESSAGE = re.compile(r'message: "((?:[^"\\]|\\.)*)"')


async def replay(subjects: AsyncIterator[Subject], tell: Callable[[Verdict], None]) -> None:
    """Tells a verdict for each subject, in their order.

    Each is loaded as soon as it is named, while others are replayed: whoever names them bounds how many are held.
    """
    loading: asyncio.Queue[tuple[Subject, asyncio.Task[WorkflowHistory | Verdict]] | None] = asyncio.Queue()
    replaying: deque[Subject] = deque()

    async def load_ahead() -> None:
        loader = _Loader()
        async for subject in subjects:
            loading.put_nowait((subject, asyncio.create_task(loader.load(subject))))
        loading.put_nowait(None)

    async def histories() -> AsyncIterator[WorkflowHistory]:
        while (entry := await loading.get()) is not None:
            subject, task = entry
            loaded = await task
            if isinstance(loaded, Verdict):
                tell(loaded)
            else:
                replaying.append(subject)
                yield loaded

    ahead = asyncio.create_task(load_ahead())
    replayer = Replayer(workflows=WORKFLOWS, plugins=[DevSyncPlugin(keys=read_environment().sealing_keys())])
    async with replayer.workflow_replay_iterator(histories()) as results:
        async for result in results:
            tell(_verdict(replaying.popleft(), result))
    await ahead


class _Loader:
    """Fetches histories; connects to the server when the first subject needs it."""

    def __init__(self) -> None:
        self._connecting: asyncio.Task[Client] | None = None

    async def load(self, subject: Subject) -> WorkflowHistory | Verdict:
        """The history, or the verdict on one that cannot be replayed."""
        try:
            history = await self._history(subject)
        except (NoHistory, TemporalUnreachable) as error:
            return Verdict(subject=subject, outcome=Outcome.UNREAD, reason=str(error))
        except RPCError as error:
            is_gone = error.status is RPCStatusCode.NOT_FOUND
            return Verdict(subject=subject, outcome=Outcome.GONE if is_gone else Outcome.UNREAD, reason=error.message)
        events = history.events
        # The SDK's core would wait for ever for the first workflow task of these two.
        if not events or events[0].event_type != EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
            return Verdict(subject=subject, outcome=Outcome.UNREAD, reason="the history does not begin with its start")
        if all(event.event_type != EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED for event in events):
            return Verdict(subject=subject, outcome=Outcome.NOT_STARTED, events=len(events))
        return history

    async def _history(self, subject: Subject) -> WorkflowHistory:
        if subject.file is not None:
            return await asyncio.to_thread(read_history, subject.file)
        if self._connecting is None:
            self._connecting = asyncio.create_task(connect())
        client = await self._connecting
        return await client.get_workflow_handle(subject.workflow_id, run_id=subject.run_id).fetch_history()


def _verdict(subject: Subject, result: WorkflowReplayResult) -> Verdict:
    failure = result.replay_failure
    return Verdict(
        subject=subject,
        outcome=Outcome.OK if failure is None else Outcome.BREAKS,
        reason="" if failure is None else _reason(failure),
        events=len(result.history.events),
    )


def _reason(failure: Exception) -> str:
    """What happened, in words: from the SDK's debugging output, the messages of the failure and of its causes."""
    text = str(failure)
    messages = dict.fromkeys(message for message in _MESSAGE.findall(text) if message)
    told = (": ".join(messages) or text).replace('\\"', '"').replace("\\n", " ")
    return " ".join(_PYDANTIC_LINK.sub("", told).split())[:_REASON_LENGTH]


async def _standard_input() -> AsyncIterator[Subject]:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async for line in reader:
        yield Subject.model_validate_json(line)


def _standard_output(verdict: Verdict) -> None:
    sys.stdout.write(verdict.model_dump_json() + "\n")
    sys.stdout.flush()


def make_ready() -> None:
    """Makes a process of this one that only replays: quiet, and not held up by the collector of garbage."""
    # Failures are told as verdicts; the SDK would log each of them as well, the core on standard output.
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=None)))
    logging.getLogger("temporalio").setLevel(logging.CRITICAL)
    # What was imported stays: walking it again for each few runs costs a tenth of the time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)


def main() -> None:
    make_ready()
    asyncio.run(replay(_standard_input(), _standard_output))
    sys.stdout.flush()
    # SDK 1.35 sometimes aborts the interpreter's exit while its threads end.
    os._exit(0)


if __name__ == "__main__":
    main()
