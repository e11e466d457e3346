"""`recovery recent` and `recovery stats`: what recoveries came to, and which of their steps heal."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from commands.console import AsJson, Exit, command, emit, output, print_whole
from commands.on_record import OfTeam, Window, database_on_record
from commands.times import span_of
from devsync.domain.escalation.ending import ending
from devsync.domain.recovery.builtin import told_state
from devsync.domain.recovery.healing import RecoveryOutcome
from devsync.storage.recoveries import PlanStatistics, RecordedRecovery, RecordedStep, Recoveries, StepStatistics

app = typer.Typer(help="Recoveries on record.", no_args_is_help=True)

_COLOURS = {
    RecoveryOutcome.HEALED: "green",
    RecoveryOutcome.PARTIAL: "yellow",
    RecoveryOutcome.FAILED: "red",
    RecoveryOutcome.ABORTED: "red",
}

Limit = Annotated[int, typer.Option(min=1, max=1000, help="How many, the newest first.")]


@app.command()
@command
async def recent(limit: Limit = 20, team: OfTeam = None, as_json: AsJson = False) -> Exit:
    """The last recoveries: what failed, which steps ran, how it ended, who decided."""
    async with database_on_record(team) as database:
        found = await Recoveries(database).recent(limit, teams=_only(team))
    if as_json:
        emit({"recoveries": [one.model_dump(mode="json") for one in found]})
    else:
        _print_recent(found)
    return Exit.OK


@app.command()
@command
async def stats(window: Window = "30d", team: OfTeam = None, as_json: AsJson = False) -> Exit:
    """How often each plan ended how, how long it took, and which steps healed something."""
    until = datetime.now(UTC)
    span = span_of(window, until)
    async with database_on_record(team) as database:
        recoveries, teams = Recoveries(database), _only(team)
        outcomes = await recoveries.by_outcome(until - span, teams=teams)
        steps = await recoveries.by_step(until - span, teams=teams)
    if as_json:
        emit(document(outcomes, steps, window, until - span, until))
    else:
        _print_stats(outcomes, steps, window)
    return Exit.OK


def document(
    outcomes: Sequence[PlanStatistics], steps: Sequence[StepStatistics], window: str, since: datetime, until: datetime
) -> dict[str, Any]:
    """What `stats --json` prints."""
    return {
        "window": window,
        "since": since,
        "until": until,
        "total": sum(one.count for one in outcomes),
        "outcomes": [one.model_dump(mode="json") for one in outcomes],
        "steps": [one.model_dump(mode="json") for one in steps],
    }


def _only(team: str | None) -> list[str] | None:
    return None if team is None else [team]


def _print_recent(found: Sequence[RecordedRecovery]) -> None:
    if not found:
        output().print("no recoveries on record")
        return
    table = Table(
        "ended (UTC)", "team", "week", "plan", "outcome", "took", "steps", "decided", box=None, pad_edge=False
    )
    for one in found:
        colour = _COLOURS.get(one.outcome, "default")
        ran = " ".join(map(_ran, one.steps))
        decided = ending(one.decision, one.decided_by) if one.decided_by else ""
        table.add_row(
            f"{one.ended_at:%m-%d %H:%M:%S}",
            one.team,
            one.iso_week,
            one.plan,
            f"[{colour}]{one.outcome.value}[/]",
            _took((one.ended_at - one.started_at).total_seconds()),
            Text(ran),
            Text(decided),
        )
    print_whole(table)


def _ran(step: RecordedStep) -> str:
    """Its name, and how it ended where it healed nothing."""
    return step.step if step.healed else f"{step.step}({told_state(step.activity, step.state, step.healed)})"


def _print_stats(outcomes: Sequence[PlanStatistics], steps: Sequence[StepStatistics], window: str) -> None:
    if not outcomes:
        output().print(f"no recoveries on record in the last {window}")
        return
    ended = Table("plan", "outcome", "count", "median", box=None, pad_edge=False)
    for one in outcomes:
        ended.add_row(one.plan, one.outcome.value, str(one.count), _took(one.median_seconds))
    healing = Table("plan", "step", "ran", "healed", "median", box=None, pad_edge=False)
    for step in steps:
        healing.add_row(step.plan, step.step, str(step.count), str(step.healed), _took(step.median_seconds))
    output().print(ended, "", healing, sep="\n")


def _took(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else str(timedelta(seconds=round(seconds)))
