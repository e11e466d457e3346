"""Live progress of an edition on standard error: one line that moves in a terminal, a line a phase elsewhere."""

from types import TracebackType
from typing import Self

from rich.status import Status

from commands.asked import Views, asked_lines
from commands.console import progress
from commands.summary import gap_lines, recovery_line
from devsync.contracts.approval import ApprovalState
from devsync.contracts.edition import EditionProgress, Phase
from devsync.rendering.wording import counted

_WORDS = {
    Phase.PLANNING: "planning",
    Phase.COLLECTING: "collecting",
    Phase.COMPOSING: "composing",
    Phase.APPROVING: "waiting for approval",
    Phase.DELIVERING: "delivering",
    Phase.RECORDING: "recording",
    Phase.DONE: "done",
}


class LiveProgress:
    """Use as a context manager; call it with each progress that comes in."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._status: Status | None = None
        self._phase: Phase | None = None
        self._told: set[str] = set()

    def __enter__(self) -> Self:
        if progress.is_terminal:
            self._status = progress.status(f"{self._title}: waiting for a worker")
            self._status.start()
        else:
            progress.print(f"{self._title}: started", markup=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def __call__(self, now: EditionProgress, views: Views) -> None:
        line = f"{self._title}: {_describe(now)}"
        if self._status is not None:
            self._status.update(line)
        elif now.phase is not self._phase:
            progress.print(line, markup=False, soft_wrap=True)
        self._phase = now.phase
        for recovery in now.recoveries:
            self._tell(f"  {recovery_line(recovery)}")
        for line in asked_lines(now.asked, views):
            self._tell(f"  {line}")
        if now.approval is not None and now.approval.state is ApprovalState.WAITING:
            self._tell(f"  waits for approval until {now.approval.until:%H:%M:%S} UTC")
        for line in gap_lines(now.gaps):
            self._tell(f"  {line}")

    def _tell(self, line: str) -> None:
        """Prints the line, unless it was printed before."""
        if line not in self._told:
            self._told.add(line)
            progress.print(line, markup=False, soft_wrap=True)


def _describe(now: EditionProgress) -> str:
    return f"{_doing(now)}, people are asked" if now.asked else _doing(now)


def _doing(now: EditionProgress) -> str:
    words = _WORDS[now.phase]
    if now.phase is Phase.COLLECTING:
        return f"{words}, {len(now.units_done)} of {now.units_total} sources"
    if now.item_count is not None:
        return f"{words}, {counted(now.item_count, 'item')}"
    return words
