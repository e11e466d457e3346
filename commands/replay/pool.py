"""Replays many histories in a few processes, a few at a time each, whatever a single one of them does."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import cast

from commands.replay.verdicts import Outcome, Subject, Verdict

IN_FLIGHT = 4
"""Histories that one process holds at a time: one is replayed, the others are fetched meanwhile."""

PATIENCE_SECONDS = 120.0
"""For one history, its fetching included. A workflow task may take ten seconds, and a few hundred events take one."""

_LINE_LIMIT = 16 * 1024 * 1024
_ROOT = Path(__file__).parents[2]


async def replay_in_processes(
    subjects: AsyncIterator[Subject],
    tell: Callable[[Verdict], None],
    *,
    processes: int | None = None,
    patience_seconds: float = PATIENCE_SECONDS,
) -> None:
    """Tells a verdict for each subject, in any order. None: a process for each CPU, four at most.

    Memory is bounded by IN_FLIGHT histories a process. A history on which a process hangs or dies breaks; the others
    that the process held are replayed by its successor. Raises what naming the subjects raises: the processes end.
    """
    waiting: asyncio.Queue[Subject | None] = asyncio.Queue(maxsize=IN_FLIGHT)
    count = processes or min(os.cpu_count() or 1, 4)
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(count):
                group.create_task(_Lane(waiting, tell, patience_seconds).work())
            async for subject in subjects:
                await waiting.put(subject)
            for _ in range(count):
                await waiting.put(None)
    except BaseExceptionGroup as failed:
        # The first is the cause, the others were cancelled for it. As itself it is told in one message (RPCError).
        raise failed.exceptions[0] from None


class _Lane:
    """One process after another that takes subjects from the queue until it yields None."""

    def __init__(
        self, waiting: asyncio.Queue[Subject | None], tell: Callable[[Verdict], None], patience_seconds: float
    ) -> None:
        self._waiting = waiting
        self._tell = tell
        self._patience_seconds = patience_seconds
        self._held: list[Subject] = []
        self._is_last = False

    async def work(self) -> None:
        while self._held or await self._take():
            # -P and PYTHONPATH: our own checkout's code, wherever we are called from.
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "commands.replay.process",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                env=os.environ | {"PYTHONPATH": str(_ROOT)}, limit=_LINE_LIMIT,
            )  # fmt: skip
            try:
                await self._converse(
                    cast(asyncio.StreamWriter, process.stdin), cast(asyncio.StreamReader, process.stdout)
                )
            finally:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()

    async def _converse(self, questions: asyncio.StreamWriter, answers: asyncio.StreamReader) -> None:
        """Until nothing is left to do, or the process is of no more use."""
        asked = 0
        while self._held or await self._take():
            while len(self._held) < IN_FLIGHT and not self._waiting.empty() and await self._take():
                pass
            questions.writelines(subject.model_dump_json().encode() + b"\n" for subject in self._held[asked:])
            # Verdicts come in the order of the subjects: on the first one held it works now.
            subject = self._held.pop(0)
            asked = len(self._held)
            try:
                line = await asyncio.wait_for(answers.readline(), self._patience_seconds)
                why = "its replay ended the process that ran it"
            except TimeoutError:
                line, why = b"", f"its replay did not end within {self._patience_seconds:g} s"
            if not line:
                self._tell(Verdict(subject=subject, outcome=Outcome.BREAKS, reason=why))
                return
            self._tell(Verdict.model_validate_json(line))

    async def _take(self) -> bool:
        """Takes one subject more. False: there is none, and never will be."""
        if self._is_last:
            return False
        subject = await self._waiting.get()
        if subject is None:
            self._is_last = True
            return False
        self._held.append(subject)
        return True
