"""What `escalation list` prints, and which escalation a word on the command line means."""

from collections.abc import Iterable, Iterator
from textwrap import shorten
from typing import Any

from rich.table import Table
from rich.text import Text

from commands.console import Exit, Told
from devsync.contracts import names
from devsync.contracts.escalation import EscalationAnswer, EscalationView, SubscriberState
from devsync.domain.escalation.ending import ending
from devsync.domain.instants import in_utc
from devsync.rendering.escalation_words import reach, told_words
from devsync.rendering.wording import listed
from devsync.runtime.escalations import EscalationOperations
from devsync.storage.escalations import EscalationLine
from workflows.escalation.roster import to_mend

_SHOWN = 5
_WIDEST_WORDS = 80


async def chosen(escalations: EscalationOperations, which: str, week: str | None) -> str:
    """The id of the open escalation that is meant. Raises Told where there is none, or several."""
    if which.startswith(names.own_escalation_id("")):
        return which
    views = await escalations.open_ones()
    if not week and any(view.escalation_id == names.service_escalation_id(which) for view in views):
        return names.service_escalation_id(which)
    found = [view.escalation_id for view in views if is_about(view, which, week)]
    if len(found) == 1:
        return found[0]
    about = f"{which} {week}" if week else which
    if found:
        raise Told(f"{len(found)} escalations are about {about}: write one of {', '.join(found)}", Exit.USAGE)
    known = listed([view.escalation_id for view in views])
    raise Told(f"no open escalation is about {about}; {f'open: {known}' if known else 'none is open'}", Exit.USAGE)


def document(view: EscalationView) -> dict[str, Any]:
    """One entry of --json."""
    record = view.record
    return {
        "escalation_id": view.escalation_id,
        "service": view.service,
        "title": view.title,
        "state": record.state.value if record else None,
        "level": record.level if record else None,
        "since": record.opened_at if record else None,
        "next": view.next_step,
        "choices": [choice.value for choice in view.choices],
        "not_offered": view.not_offered,
        "told": [
            {
                "kind": one.target.kind,
                "target": one.target.target,
                "level": one.level,
                "state": one.state.value,
                "is_reached": one.is_reached,
                "error": one.error,
            }
            for one in view.told
        ],
        "subscribers": [
            {
                "workflow_id": entry.subscriber.workflow_id,
                "team": entry.subscriber.team,
                "week": entry.subscriber.iso_week,
                "subject": entry.subscriber.subject,
                "state": entry.state.value,
                "deadline": entry.subscriber.deadline,
                "remedy": entry.subscriber.remedy,
            }
            for entry in view.subscribers
        ],
        "refused": list(view.refused),
    }


def answer_document(escalation_id: str, answer: EscalationAnswer) -> dict[str, Any]:
    state = {"state": answer.state.value, "level": answer.level, "next": answer.next_step}
    return {"escalation_id": escalation_id, **state}


def table(found: Iterable[EscalationLine]) -> Table:
    """A line each: those that are on record."""
    columns = ("opened (UTC)", "escalation", "state", "level", "resolved (UTC)", "came to", "failure")
    shown = Table(*columns, box=None, pad_edge=False)
    for one in found:
        came_to = ending(one.decision, one.decided_by) if one.decided_by else ""
        resolved = f"{one.resolved_at:%Y-%m-%d %H:%M}" if one.resolved_at else ""
        opened = f"{one.opened_at:%Y-%m-%d %H:%M}"
        cells = (
            opened,
            one.workflow_id,
            one.state.value,
            one.level,
            resolved,
            came_to,
            shorten(one.failure, _WIDEST_WORDS),
        )
        shown.add_row(*map(Text, cells))
    return shown


def lines(view: EscalationView) -> Iterator[str]:
    record = view.record
    if record is None:
        yield f"{view.escalation_id} (no worker answers for it)"
        return
    holder = f" by {record.holder}" if record.holder else ""
    since = in_utc(record.opened_at)
    yield f"{view.escalation_id} {record.state.value}{holder} at {record.level} since {since}"
    yield f"  {view.title}"
    told = ", ".join(f"{one.target.target} ({told_words(one, is_over=False)})" for one in view.told)
    yield f"  told     {reach(view.told)}{f': {told}' if told else ''}"
    waiting = [entry.subscriber for entry in view.subscribers if entry.state is SubscriberState.WAITING]
    for subscriber in waiting[:_SHOWN]:
        until = f", until {in_utc(subscriber.deadline)}" if subscriber.deadline else ""
        yield f"  waiting  {subscriber.subject}{until}"
    if len(waiting) > _SHOWN:
        yield f"  waiting  and {len(waiting) - _SHOWN} more"
    unmended = [entry.subscriber for entry in to_mend(view.subscribers)]
    for subscriber in unmended[:_SHOWN]:
        yield f"  mend     {subscriber.subject}; {subscriber.remedy}"
    if len(unmended) > _SHOWN:
        yield f"  mend     and {len(unmended) - _SHOWN} more: python starter.py delivery list"
    yield f"  choices  {', '.join(view.choices) or 'none'}"
    if view.not_offered:
        yield f"  why      {view.not_offered}"
    yield f"  next     {view.next_step}"


def is_about(view: EscalationView, team: str, week: str | None = None) -> bool:
    """Whether somebody of that team, and of that week, waits for it or follows it."""
    here = [entry.subscriber for entry in view.subscribers if entry.is_here]
    return any(one.team == team and week in {None, one.iso_week} for one in here)
