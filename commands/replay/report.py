"""What `replay` shows: how far it is, what fails and why, and the cure."""

import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import typer

from commands.console import progress
from commands.replay.pool import replay_in_processes
from commands.replay.verdicts import Outcome, Subject, Verdict

CURE = """\
Before this build is deployed, put the change behind workflow.patched(), or keep workers of the old build for these
runs (docs/how-to/change-a-workflow-safely.md)."""

_FAILED = (Outcome.BREAKS, Outcome.UNREAD)


class ReplayReport:
    """Collects verdicts, shows how far they are, and says what they come to."""

    def __init__(self) -> None:
        self.failed: list[Verdict] = []
        self.gone: list[Verdict] = []
        self.left_out = 0
        self._outcomes = Counter[Outcome]()
        self._events = 0
        self._seconds = 0.0

    async def watch(self, subjects: AsyncIterator[Subject], total: int) -> None:
        began = time.monotonic()
        with progress.status("replaying …") as status:

            def tell(verdict: Verdict) -> None:
                self._add(verdict)
                broken = f", {len(self.failed)} fail" if self.failed else ""
                status.update(f"replayed {self._outcomes.total()} of {total}{broken}")

            await replay_in_processes(subjects, tell)
        self._seconds = time.monotonic() - began

    def _add(self, verdict: Verdict) -> None:
        self._outcomes[verdict.outcome] += 1
        self._events += verdict.events
        if verdict.outcome in _FAILED:
            self.failed.append(verdict)
        elif verdict.outcome is Outcome.GONE:
            self.gone.append(verdict)

    def document(self) -> dict[str, Any]:
        return {
            "replayed": self._outcomes[Outcome.OK] + self._outcomes[Outcome.BREAKS],
            "events": self._events,
            "ok": self._outcomes[Outcome.OK],
            "not_started": self._outcomes[Outcome.NOT_STARTED],
            "gone": [verdict.subject.name for verdict in self.gone],
            "left_out": self.left_out,
            "failing": [_failing(verdict) for verdict in self.failed],
            "seconds": round(self._seconds, 3),
        }

    def print(self) -> None:
        """One line, those that fail as a list, and the cure."""
        ok, none = self._outcomes[Outcome.OK], self._outcomes[Outcome.NOT_STARTED]
        also = f", {none} have not started" if none else ""
        also += f", {len(self.gone)} were deleted meanwhile" if self.gone else ""
        typer.echo(f"{ok} replay{also}, {len(self.failed)} fail ({self._events} events, {self._seconds:.1f} s)")
        for verdict in self.failed:
            pinned = f", pinned to build {verdict.subject.pinned_to}" if verdict.subject.pinned_to else ""
            state = f" ({verdict.subject.state}{pinned})" if verdict.subject.state else ""
            typer.echo(f"- {verdict.subject.name}{state}: {verdict.reason}")
        if self.failed:
            typer.echo(CURE)


def _failing(verdict: Verdict) -> dict[str, Any]:
    subject = verdict.subject
    where = (
        {"file": str(subject.file)} if subject.file else {"workflow_id": subject.workflow_id, "run_id": subject.run_id}
    )
    return {
        **where,
        "type": subject.workflow_type,
        "state": subject.state,
        "pinned_to": subject.pinned_to,
        "outcome": verdict.outcome.value,
        "reason": verdict.reason,
    }
