"""Starts an edition and watches it: what `run`, `preview` and `demo` share."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from temporalio.client import Client, WorkflowFailureError, WorkflowHandle, WorkflowQueryFailedError
from temporalio.service import RPCError

from commands.asked import Views, Watched
from commands.console import Exit, Told, progress
from commands.person import me
from devsync.contracts.delivery import ENDED_BADLY
from devsync.contracts.edition import EditionProgress, EditionResult, EditionStatus, Phase
from devsync.domain.changelog.window import last_week_ended_by, monday_of
from devsync.runtime import editions
from devsync.runtime.causes import root_cause
from devsync.settings.configuration import load_team
from devsync.settings.team import TeamConfig

POLL_SECONDS = 0.25
WORKER_PATIENCE_SECONDS = 5.0
"""How long a run may give no answer before a person is told what it may wait for."""
RECORDS_PATIENCE_SECONDS = 10.0
"""An edition that is out is reported; records that wait for a database follow by themselves."""

_QUERY_TIMEOUT = timedelta(seconds=2)

Watcher = Callable[[EditionProgress, Views], None]
"""Gets how far the edition is, and the escalations whose answer it waits for."""


def team_of(config_dir: Path, name: str) -> TeamConfig:
    """The team's settings; a mistake in another team's file is no matter. Raises UnknownTeam, and ConfigError."""
    return load_team(config_dir, name).team


def week_or_last(week: str | None, team: TeamConfig, now: datetime | None = None) -> str:
    """The week asked for, else the last one that has ended for the team.

    Raises ImpossibleWeek, and Told for a week that has not ended.
    """
    now = now or datetime.now(UTC)
    last = last_week_ended_by(now, team.timezone)
    if week is None:
        return last
    if monday_of(week) > monday_of(last):
        raise Told(f"{week} has not ended yet in {team.timezone}; the last week that has is {last}", Exit.USAGE)
    return week


async def start_edition(
    client: Client,
    team: str,
    iso_week: str,
    *,
    is_dry_run: bool = False,
    scheduled_at: datetime | None = None,
    deliver: bool = True,
    replace: bool = False,
) -> WorkflowHandle[Any, EditionResult]:
    """Starts the week's edition, or joins the run that is under way, in the name of whoever runs the command."""
    return await editions.start_edition(
        client,
        team,
        iso_week,
        requested_by=me(),
        is_dry_run=is_dry_run,
        scheduled_at=scheduled_at,
        deliver=deliver,
        replace=replace,
    )


async def watch_edition(client: Client, handle: WorkflowHandle[Any, EditionResult], watcher: Watcher) -> EditionResult:
    """Tells the watcher how far the run is, until it is over; raises Told when the run failed.

    Returns early, with the result, when the edition is out and only its records still wait.
    """
    finished = asyncio.create_task(handle.result())
    people = Watched(client)
    recording_since: float | None = None
    loop = asyncio.get_running_loop()
    silent_until: float | None = loop.time() + WORKER_PATIENCE_SECONDS
    while not finished.done():
        now = await _progress(handle)
        if now is not None:
            silent_until = None
            watcher(now, await people.views(now.asked))
            if now.phase is Phase.RECORDING and now.result is not None:
                recording_since = recording_since or loop.time()
                if loop.time() - recording_since > RECORDS_PATIENCE_SECONDS:
                    finished.cancel()
                    return now.result
        elif silent_until is not None and loop.time() > silent_until:
            silent_until = None
            progress.print("no worker has answered yet; if none runs, start one: python worker.py", soft_wrap=True)
        await asyncio.wait((finished,), timeout=POLL_SECONDS)
    try:
        return finished.result()
    except WorkflowFailureError as error:
        raise Told(f"{handle.id} failed: {root_cause(error)}") from error


def exit_code(result: EditionResult) -> Exit:
    """A channel that needs somebody outweighs what is missing in the edition. One that is `queued` does not need
    anybody: its delivery goes on."""
    if any(channel.state in ENDED_BADLY for channel in result.channels):
        return Exit.FAILED
    if result.status is EditionStatus.COMPLETE:
        return Exit.OK
    return Exit.PARTIAL if result.status is EditionStatus.PARTIAL else Exit.FAILED


async def _progress(handle: WorkflowHandle[Any, EditionResult]) -> EditionProgress | None:
    """None while no worker answers, or none of the right build: the run waits for one, and so do we."""
    try:
        answer: EditionProgress = await handle.query(
            "progress", result_type=EditionProgress, rpc_timeout=_QUERY_TIMEOUT
        )
    except (RPCError, WorkflowQueryFailedError):
        return None
    return answer
