"""`replay`: runs recorded histories through this build's workflows; a difference is told, with the cure."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from commands.console import AsJson, Exit, Told, command, emit, progress
from commands.replay.history_files import NoHistory, read_history
from commands.replay.live_runs import LiveRuns
from commands.replay.report import ReplayReport
from commands.replay.verdicts import Subject
from devsync.runtime.connection import connect
from devsync.settings.durations import parse_duration


@command
async def replay(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Histories as JSON (plain or .gz), from the Web UI or the temporal CLI."),
    ] = None,
    from_server: Annotated[
        bool, typer.Option("--from-server", help="Replay every open run and the recent closed ones of the server.")
    ] = False,
    since: Annotated[str, typer.Option(help="With --from-server: how long ago a closed run may have ended.")] = "7d",
    limit: Annotated[
        int, typer.Option(min=0, help="With --from-server: how many closed runs at most, the latest first.")
    ] = 1000,
    as_json: AsJson = False,
) -> Exit:
    """Replay histories with the production plugin; exit 1 when one of them would break."""
    if bool(files) == from_server:
        raise Told("name files, or ask for --from-server: one of the two", Exit.USAGE)
    report = ReplayReport()
    if files:
        await _replay_files(files, report)
    else:
        await _replay_runs(_duration(since), limit, report)
    if as_json:
        emit(report.document())
    else:
        report.print()
    return Exit.FAILED if report.failed else Exit.OK


async def _replay_files(files: list[Path], report: ReplayReport) -> None:
    for path in files:
        try:
            await asyncio.to_thread(read_history, path)
        except NoHistory as error:
            raise Told(str(error), Exit.USAGE) from None

    async def subjects() -> AsyncIterator[Subject]:
        for path in files:
            yield Subject(file=path)

    await report.watch(subjects(), len(files))


async def _replay_runs(since: timedelta, limit: int, report: ReplayReport) -> None:
    runs = await LiveRuns.of(await connect(), since, limit)
    progress.print(f"{runs.open_count} open and {min(runs.closed_count, limit)} closed runs to replay")
    if runs.closed_count > limit:
        progress.print(f"{runs.closed_count - limit} more closed runs are left out; --limit takes more")
    report.left_out = max(runs.closed_count - limit, 0)
    await report.watch(runs.subjects(), runs.count)


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise Told(f"--since: {error}", Exit.USAGE) from None
