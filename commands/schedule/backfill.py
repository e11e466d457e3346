"""`schedule backfill`: editions of past weeks, one after the other, as the schedule would have made them."""

from typing import Annotated

import typer
from temporalio.client import Client

from commands.arguments import Team
from commands.console import AsJson, Exit, Told, command, emit, progress
from commands.documents import backfill_document
from commands.editions import exit_code, start_edition, team_of, watch_edition, week_or_last
from commands.live import LiveProgress
from commands.summary import print_summary
from devsync.contracts.edition import EditionResult
from devsync.domain.changelog.due import weeks_between
from devsync.runtime.connection import connect
from devsync.settings.environment import read_environment
from devsync.settings.team import TeamConfig


@command
async def backfill(
    team: Team,
    first: Annotated[str, typer.Option("--from", help="The first ISO week, such as 2026-W40.")],
    last: Annotated[str, typer.Option("--to", help="The last one; it has ended.")],
    deliver: Annotated[bool, typer.Option("--deliver", help="Also bring the editions to the channels.")] = False,
    as_json: AsJson = False,
) -> Exit:
    """Make the editions of past weeks, oldest first. Without --deliver they are composed and stored, not posted."""
    settings = team_of(read_environment().config_dir, team)
    weeks = list(weeks_between(first, week_or_last(last, settings)))
    if not weeks:
        raise Told(f"--from {first} is later than --to {last}", Exit.USAGE)
    client = await connect()
    results: list[EditionResult] = []
    failures: dict[str, str] = {}
    # Oldest first, and one after the other: who is new, and where "since the last edition" begins, an edition
    # learns from those before it.
    for week in weeks:
        try:
            results.append(await _edition(client, settings, week, deliver=deliver))
        except Told as told:
            failures[week] = str(told)
            progress.print(f"{week}: {told}", markup=False, soft_wrap=True)
        else:
            if not as_json:
                print_summary(results[-1])
    if as_json:
        emit(backfill_document(results, failures))
    return Exit.FAILED if failures else max(map(exit_code, results), key=_WORST_LAST.index)


_WORST_LAST = (Exit.OK, Exit.PARTIAL, Exit.FAILED)


async def _edition(client: Client, team: TeamConfig, week: str, *, deliver: bool) -> EditionResult:
    handle = await start_edition(client, team.team, week, scheduled_at=team.weekly_time.due_at(week), deliver=deliver)
    with LiveProgress(f"{team.team} {week}") as live:
        result = await watch_edition(client, handle, live)
    if result.channels and not deliver:
        progress.print(f"{week} was under way already, and was delivered", markup=False)
    return result
