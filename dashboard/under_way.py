"""Editions that are being made: which ones, by one question to the server; how far, by one to each of a few of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from temporalio.client import Client

from dashboard.shared import Shared
from dashboard.weeks import Weeks
from devsync.contracts import names
from devsync.contracts.edition import EditionProgress
from devsync.runtime.open_runs import open_runs

LISTED: Final = 500
"""Of all teams and weeks, the newest."""
ASKED: Final = 20
"""Those that are under way the longest are asked how far they are: each answer costs a worker something."""
PATIENCE_SECONDS: Final = 0.25
"""With what they answer; what comes later is told with the next picture."""

_ANSWER_TIMEOUT: Final = timedelta(seconds=2)
_NEW_SECONDS: Final = 1.0
_USABLE_SECONDS: Final = 30.0
"""A busy worker may be slow for a while, and an older answer is better than none."""

# By their ids alone: what a run says of itself it has said when a worker has begun it.
_OPEN: Final = open_runs(names.WEEKLY_CHANGELOG, names.AMENDMENT)

_Run = tuple[str, str]
"""Workflow and run."""


@dataclass(frozen=True)
class UnderWay:
    """An edition, or the amendment of one, that is not over."""

    team: str
    iso_week: str
    workflow_id: str
    run_id: str
    started_at: datetime
    is_amendment: bool = False
    progress: EditionProgress | None = None
    """Of an edition that was asked and has answered lately."""


class UnderWayWatch:
    def __init__(self, temporal: Client) -> None:
        self._temporal = temporal
        self._told: Shared[_Run, EditionProgress] = Shared(self._ask, _NEW_SECONDS, _USABLE_SECONDS)

    async def now(self, weeks: Weeks) -> tuple[UnderWay, ...]:
        """Those of all weeks, the oldest first; of those of `weeks` how far they are. Dry runs are nobody's edition.

        Raises RPCError.
        """
        listed = [one async for one in self._temporal.list_workflows(_OPEN, limit=LISTED)]
        runs = [
            UnderWay(key.team, key.iso_week, one.id, one.run_id, one.start_time, key.kind == "amendment")
            for one in sorted(listed, key=lambda one: one.start_time)
            if (key := names.week_key(one.id)) and key.kind != "preview"
        ]
        asked = [one for one in runs if weeks.are_of(one.team, one.iso_week) and not one.is_amendment][:ASKED]
        told = await self._progress(asked)
        return tuple(replace(one, progress=told.get(one.run_id)) for one in runs)

    async def _progress(self, runs: Sequence[UnderWay]) -> dict[str, EditionProgress | None]:
        """By run."""
        answers = await asyncio.gather(
            *(self._told.soon((one.workflow_id, one.run_id), PATIENCE_SECONDS) for one in runs)
        )
        return {one.run_id: answer for one, answer in zip(runs, answers, strict=True)}

    async def _ask(self, run: _Run) -> EditionProgress:
        """Raises RPCError, WorkflowQueryFailedError and KeyMissing: it is not known then how far it is."""
        workflow_id, run_id = run
        handle = self._temporal.get_workflow_handle(workflow_id, run_id=run_id)
        answer: EditionProgress = await handle.query(
            "progress", result_type=EditionProgress, rpc_timeout=_ANSWER_TIMEOUT
        )  # fmt: skip
        return answer
