"""`escalation`: who waits for a decision, and the answers that people give."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from commands.console import AsJson, Exit, Told, command, emit, output, print_whole, progress
from commands.escalation.shown import answer_document, chosen, document, is_about, lines, table
from commands.messages import by_me
from commands.on_record import OfTeam, Until, database_on_record, expect_team, window_document, window_words
from commands.times import window_of
from devsync.contracts.escalation import Acknowledge, Reassign, Snooze
from devsync.contracts.people import Escalate, Resolve
from devsync.domain.model import Model
from devsync.domain.recovery.decision import Decision
from devsync.runtime.connection import connect
from devsync.runtime.escalations import EscalationOperations, EscalationRefused
from devsync.storage.escalations import Escalations

app = typer.Typer(help="The escalations: what people are asked, and their answers.", no_args_is_help=True)

_LISTED = 500
"""On record, the last that were opened."""

Window = Annotated[
    str | None, typer.Option(help="Those on record that were open so far back: 24h or 30d. Without it, what is open.")
]
Which = Annotated[str, typer.Argument(help="Its id; or the service that it is about; or a team that waits for it.")]
Week = Annotated[str | None, typer.Option(help="With a team: the week of its edition, as 2026-W47.")]
Note = Annotated[str, typer.Option(help="A word to those who read the decision.")]
Reason = Annotated[str, typer.Option(help="Why; it is recorded with your name.")]
ToLevel = Annotated[str, typer.Option("--level", help="Which level to ask; without it, the next one.")]


@app.command("list")
@command
async def list_(window: Window = None, until: Until = None, team: OfTeam = None, as_json: AsJson = False) -> Exit:
    """Show the open escalations: who was told, who waits, what can be decided, what happens next; with --window, what
    is on record."""
    if window is None and until is None:
        return await _list_now(team, as_json=as_json)
    wanted = window or "24h"
    span = window_of(wanted, until, datetime.now(UTC))
    async with database_on_record(team) as database:
        more = await Escalations(database).within(span, team=team, limit=_LISTED + 1)
    found, is_cut = more[:_LISTED], len(more) > _LISTED
    if as_json:
        listed = {"escalations": [one.model_dump(mode="json") for one in found], "is_cut": is_cut}
        emit(window_document(wanted, span) | listed)
    elif found:
        print_whole(table(found))
        if is_cut:
            output().print(f"these are the last {_LISTED}; to see earlier ones: --until")
    else:
        output().print(f"no escalation was open {window_words(wanted, until)}")
    return Exit.OK


async def _list_now(team: str | None, *, as_json: bool) -> Exit:
    await expect_team(team)
    views = await EscalationOperations(await connect()).open_ones()
    views = [view for view in views if team is None or is_about(view, team)]
    if as_json:
        emit({"escalations": [document(view) for view in views]})
        return Exit.OK
    out = output()
    if not views:
        out.print("no escalation is open")
    for view in views:
        for line in lines(view):
            out.print(line, markup=False, soft_wrap=True)
    return Exit.OK


@app.command("ack")
@command
async def acknowledge(which: Which, week: Week = None, as_json: AsJson = False) -> Exit:
    """Say that you look after it: nobody else is asked for a while."""
    return await _say(which, week, "acknowledge", Acknowledge, {}, as_json=as_json)


@app.command()
@command
async def resolve(
    which: Which,
    decision: Annotated[
        Decision | None, typer.Argument(help="What to do; left out where nobody waits for it any more.")
    ] = None,
    week: Week = None,
    note: Note = "",
    as_json: AsJson = False,
) -> Exit:
    """Decide: the answer goes back into every workflow that waits for it."""
    return await _say(which, week, "resolve", Resolve, {"decision": decision, "note": note}, as_json=as_json)


@app.command()
@command
async def snooze(
    which: Which,
    minutes: Annotated[int, typer.Option(help="How long.")],
    week: Week = None,
    as_json: AsJson = False,
) -> Exit:
    """Ask nobody for a while; then the same level is asked again."""
    return await _say(which, week, "snooze", Snooze, {"minutes": minutes}, as_json=as_json)


@app.command()
@command
async def escalate(
    which: Which, reason: Reason = "", level: ToLevel = "", week: Week = None, as_json: AsJson = False
) -> Exit:
    """Ask the next level now, or another one."""
    return await _say(which, week, "escalate", Escalate, {"reason": reason, "level": level}, as_json=as_json)


@app.command()
@command
async def reassign(
    which: Which,
    to: Annotated[str, typer.Option(help='Whom to ask: "#channel", "@person", an id of Slack, or a mail address.')],
    week: Week = None,
    as_json: AsJson = False,
) -> Exit:
    """Ask somebody else in the place of the level."""
    return await _say(which, week, "reassign", Reassign, {"to": to}, as_json=as_json)


async def _say(
    which: str, week: str | None, update: str, kind: type[Model], fields: dict[str, Any], *, as_json: bool
) -> Exit:
    message = by_me(kind, fields, {"decision": "DECISION"})
    escalations = EscalationOperations(await connect())
    with progress.status("asking the escalation"):
        escalation_id = await chosen(escalations, which, week)
        try:
            answer = await escalations.say(escalation_id, update, message)
        except EscalationRefused as error:
            raise Told(f"{escalation_id} refused: {error}") from error
    if as_json:
        emit(answer_document(escalation_id, answer))
    else:
        following = f"; {answer.next_step}" if answer.next_step else ""
        output().print(f"{escalation_id} is {answer.state.value}{following}", markup=False, soft_wrap=True)
    return Exit.OK
