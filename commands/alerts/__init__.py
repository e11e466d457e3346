"""`alerts`: what is wrong now or was, and what people say about it."""

from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer

from commands.alerts.shown import answer_document, document, kept_document, lines, table
from commands.console import AsJson, Exit, Told, command, emit, output, print_whole, progress
from commands.messages import by_me
from commands.on_record import OfTeam, Until, database_on_record, expect_team, window_document, window_words
from commands.times import instant_of, span_of, window_of
from devsync.contracts.monitor import LONGEST_MUTE_MINUTES, AcknowledgeAlert, MuteAlerts, UnmuteAlerts
from devsync.domain.model import Model
from devsync.runtime.connection import connect
from devsync.runtime.monitor import MonitorOperations, MonitorRefused, MonitorSilent
from devsync.storage.alerts import Alerts

app = typer.Typer(help="The alerts: what is wrong, who has taken it, what is muted.", no_args_is_help=True)

Window = Annotated[
    str | None, typer.Option(help="Those on record that were open so far back: 24h or 30d. Without it, what is now.")
]
Key = Annotated[str, typer.Argument(help="The alert's key, as `alerts list` has it: error_rate:github.")]
Pattern = Annotated[str, typer.Argument(help="Of keys, * for anything, in quotes: '*:github', 'error_rate:*', '*'.")]
Reason = Annotated[str, typer.Option(help="Why; it is recorded with your name.")]

_OPTIONS: Final = {"alert": "ALERT", "pattern": "PATTERN", "minutes": "--for", "since": "--from"}


@app.command("list")
@command
async def list_(window: Window = None, until: Until = None, team: OfTeam = None, as_json: AsJson = False) -> Exit:
    """Show the open alerts and what is muted, as the monitor has them; with --window, what is on record."""
    if window is None and until is None:
        return await _list_now(team, as_json=as_json)
    wanted = window or "24h"
    span = window_of(wanted, until, datetime.now(UTC))
    async with database_on_record(team) as database:
        found = await Alerts(database).within(span, team=team)
    if as_json:
        emit(window_document(wanted, span) | {"alerts": [kept_document(alert) for alert in found]})
    elif found:
        print_whole(table(found))
    else:
        output().print(f"no alert was open {window_words(wanted, until)}")
    return Exit.OK


@app.command("ack")
@command
async def acknowledge(alert: Key, as_json: AsJson = False) -> Exit:
    """Say that you look after it: nobody is reminded for a while, unless it becomes worse."""
    return await _say("acknowledge", AcknowledgeAlert, {"alert": alert}, as_json=as_json)


@app.command()
@command
async def mute(
    pattern: Pattern,
    length: Annotated[str, typer.Option("--for", help="How long: 30m, 2h, 7d; 30d at most.")],
    since: Annotated[
        str | None, typer.Option("--from", help="When it begins, 2026-11-30T18:00 (UTC, or with an offset); now.")
    ] = None,
    reason: Reason = "",
    as_json: AsJson = False,
) -> Exit:
    """Tell nobody of such alerts for a while: a maintenance window. They are counted and shown all the same."""
    now = datetime.now(UTC)
    minutes = span_of(length, now, option="--for").total_seconds() / 60
    if minutes > LONGEST_MUTE_MINUTES:
        raise Told(f'--for: "{length}" is too long; write 30d or less', Exit.USAGE)
    begins = instant_of(since, option="--from") if since else None
    fields = {"pattern": pattern, "minutes": max(round(minutes), 1), "since": begins, "reason": reason}
    return await _say("mute", MuteAlerts, fields, as_json=as_json)


@app.command()
@command
async def unmute(pattern: Pattern, as_json: AsJson = False) -> Exit:
    """End all mutes of that pattern: what still fires is told at the next look."""
    return await _say("unmute", UnmuteAlerts, {"pattern": pattern}, as_json=as_json)


async def _list_now(team: str | None, *, as_json: bool) -> Exit:
    await expect_team(team)
    try:
        view = await MonitorOperations(await connect()).view()
    except MonitorSilent as error:
        raise Told(f"{error}\nwhat is on record: python starter.py alerts list --window 24h") from error
    shown = [alert for alert in view.alerts if team in {None, alert.team}]
    if as_json:
        emit(document(view, shown))
        return Exit.OK
    if open_ones := [alert for alert in shown if alert.is_open]:
        print_whole(table(open_ones))
    for line in lines(view, open_ones):
        output().print(line, markup=False, soft_wrap=True)
    return Exit.OK


async def _say(update: str, kind: type[Model], fields: dict[str, Any], *, as_json: bool) -> Exit:
    message = by_me(kind, fields, _OPTIONS)
    monitor = MonitorOperations(await connect())
    with progress.status("asking the monitor"):
        try:
            answer = await monitor.say(update, message)
        except MonitorRefused as error:
            raise Told(f"the monitor refused: {error}") from error
    if as_json:
        emit(answer_document(answer))
    else:
        output().print(answer.text, markup=False, soft_wrap=True)
    return Exit.OK
