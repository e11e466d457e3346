"""What people read about an escalation: the notice that they get, and what the Temporal Web UI shows."""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime

from devsync.contracts.escalation import EscalationView, SubscriberEntry, SubscriberState, ToldTarget
from devsync.contracts.notifications import Notice, NoticeLink
from devsync.domain.escalation.ending import ending, whom
from devsync.domain.escalation.machine import EscalationRecord, Event, State
from devsync.domain.instants import in_utc
from devsync.domain.recovery.decision import Decision
from devsync.rendering.escalation_words import happened, meaning, told_words
from workflows.escalation.offers import offers_of
from workflows.escalation.roster import to_mend
from workflows.shared.markdown import last_refusals, plain

NO_ANSWER = "No answer is needed: everybody has gone on with what there is."
TO_MEND = "Nothing tries these any more. This message is closed by itself when they are there:"
_SUBJECTS_SHOWN = 5
_OUTLINES = {
    "circuit_open": "no calls go out to {service}, whose circuit breaker is open",
    "service_paused": "no calls go out to {service}, which limits our rate",
}
"""By code: what is plain in one clause although its message, which changes with every call, is not."""


def title_of(view: EscalationView) -> str:
    """What it is about, in one line: the service and what is the matter with it. The whole failure stands below."""
    failure = view.failure
    if failure is None or not view.service:
        return " ".join(_subject(view))[:200]
    outline = _OUTLINES.get(failure.code, "").format(service=view.service) or _first_clause(failure.message)
    told = outline if view.service in outline.casefold() else f"{view.service}: {outline}"
    return told[:200]


def notice_of(
    view: EscalationView, record: EscalationRecord, deadline: datetime | None, links: Sequence[NoticeLink] = ()
) -> Notice:
    """What those who are asked get. It changes only when something happens, never by the clock."""
    waiting = _waiting(view)
    state = _state(record) if record.is_open else record.state.value  # how it ended, the body says
    fields = {"State": state, "Asked": _asked(record), "Since": in_utc(record.opened_at)}
    if view.severity is not None:
        fields["Severity"] = view.severity.value
    if record.is_open:
        fields["Next"] = view.next_step
        fields["Waiting"] = _subjects(waiting) or "nobody"
        if deadline is not None and waiting:
            fields["First deadline"] = in_utc(deadline)
    return Notice(
        title=f"{_heading(record, waiting, to_mend(view.subscribers))}: {view.title}{_since(record)}",
        body="\n\n".join(_paragraphs(view, record)),
        fields=fields,
        links=tuple(links),
        offers=offers_of(view, record),
        data={
            "escalation_id": view.escalation_id,
            "page": view.page,
            "state": record.state.value,
            "level": record.level,
            "service": view.service,
            "decision": record.decision.value if record.decision else "",
        },
    )


def digest_of(notice: Notice) -> str:
    # What offers nothing keeps the digest that it had before there were offers: another one is a change to post.
    content = notice.model_dump_json(exclude=None if notice.offers else {"offers"})
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def occasion_of(record: EscalationRecord) -> str:
    """What is worth a mail: somebody is asked, for the first time or again, or it is over."""
    return f"asked {record.times_asked}" if record.is_open else State.RESOLVED.value


def escalation_story(view: EscalationView) -> str:
    """Markdown for the current details: where it stands, who was told, who waits, and how to answer."""
    record = view.record
    if record is None:
        return "\n".join(["### Nobody has joined yet", *last_refusals(view.refused, view.refused_count)])
    lines = [f"### {plain(view.title)}", f"Now: **{plain(_state(record))}**, asked: {plain(_asked(record))}"]
    if record.is_open:
        lines += ["", f"**{view.next_step}**", ""]
        lines += _what_is_needed(view)
        if view.choices:
            lines.append(f"Decisions: {'; '.join(f'`{one.value}` ({_meaning(view, one)})' for one in view.choices)}")
            lines += [f"{view.not_offered}."] if view.not_offered else []
    lines.append("")
    if view.failure is not None:
        lines.append(f"- Failure: {plain(view.failure.message)}")
    lines += [_told(one, is_over=not record.is_open) for one in view.told]
    lines += [_subscriber(entry) for entry in view.subscribers[:20]]
    if len(view.subscribers) > 20:
        lines.append(f"- and {len(view.subscribers) - 20} more")
    if view.unrecorded:
        lines.append(f"- Waiting for the database: {view.unrecorded} of the events below")
    lines += last_refusals(view.refused, view.refused_count)
    lines += ["", "| at (UTC) | event | level | why | by |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([*lines, *(_row(event) for event in reversed(view.events))])


def _paragraphs(view: EscalationView, record: EscalationRecord) -> list[str]:
    paragraphs = []
    if view.failure is not None:
        paragraphs.append(view.failure.message)
    reason = view.reason
    if reason:
        paragraphs.append(f"{view.requested_by or 'somebody'} says: {reason}")
    if not record.is_open:
        return [*paragraphs, _ending(record)]
    paragraphs += _what_is_needed(view)
    if view.choices:
        paragraphs.append("\n".join(f"{one.value}: {_meaning(view, one)}" for one in view.choices))
        paragraphs += [f"{view.not_offered}."] if view.not_offered else []
        command = f"python starter.py escalation resolve {view.escalation_id} {view.choices[0].value}"
        paragraphs.append(f"To answer: {command}")
    else:
        paragraphs.append(f"To look after it: python starter.py escalation ack {view.escalation_id}")
    return paragraphs


def _meaning(view: EscalationView, decision: Decision) -> str:
    return meaning(decision, is_waited_for=view.is_waited_for)


def _first_clause(message: str) -> str:
    """Without the cure, and what else follows."""
    return " ".join(re.split(r"[:;,] ", message, maxsplit=1)[0].split())


def _since(record: EscalationRecord) -> str:
    return f", since {in_utc(record.opened_at)}" if record.is_open else ""


def _waiting(view: EscalationView) -> list[SubscriberEntry]:
    return [entry for entry in view.subscribers if entry.state is SubscriberState.WAITING]


def _what_is_needed(view: EscalationView) -> list[str]:
    unmended = to_mend(view.subscribers)
    if not unmended:
        return [] if _waiting(view) else [NO_ANSWER]
    shown = [f"{entry.subscriber.subject}; {entry.subscriber.remedy}" for entry in unmended[:_SUBJECTS_SHOWN]]
    if len(unmended) > _SUBJECTS_SHOWN:
        shown.append(f"and {len(unmended) - _SUBJECTS_SHOWN} more: python starter.py delivery list")
    return [TO_MEND, *shown]


def _ending(record: EscalationRecord) -> str:
    return f"Over: {ending(record.decision, record.decided_by, record.note)}"


def _heading(record: EscalationRecord, waiting: Sequence[SubscriberEntry], unmended: Sequence[SubscriberEntry]) -> str:
    return {
        State.FIRING: "Decision needed" if waiting else "Help needed" if unmended else "For your information",
        State.ACKNOWLEDGED: f"Acknowledged by {record.holder}",
        State.SNOOZED: f"Snoozed by {record.holder}",
        State.RESOLVED: "Resolved",
    }[record.state]


def _state(record: EscalationRecord) -> str:
    by = f" by {record.holder}" if record.holder and record.is_open else ""
    return f"{record.state.value}{by}" if record.is_open else _ending(record)


def _asked(record: EscalationRecord) -> str:
    return f"{record.level} ({', '.join(target.target for target in record.asked)})"


def _subject(view: EscalationView) -> list[str]:
    subject = view.subscribers[0].subscriber.subject if view.subscribers else view.escalation_id
    return subject.split()


def _subjects(entries: Sequence[SubscriberEntry]) -> str:
    shown = "; ".join(entry.subscriber.subject for entry in entries[:_SUBJECTS_SHOWN])
    more = len(entries) - _SUBJECTS_SHOWN
    return f"{shown}; and {more} more" if more > 0 else shown


def _told(told: ToldTarget, *, is_over: bool) -> str:
    since = f", at {in_utc(told.told_at)}" if told.told_at else ""
    words = plain(told_words(told, is_over=is_over))
    return f"- {plain(told.target.target)} ({told.level}): **{words}**{since}"


def _subscriber(entry: SubscriberEntry) -> str:
    subscriber = entry.subscriber
    until = f", until {in_utc(subscriber.deadline)}" if subscriber.deadline else ""
    note = f": {plain(entry.note)}" if entry.note else ""
    return f"- {plain(subscriber.subject)} (`{subscriber.workflow_id}`): **{entry.state.value}**{until}{note}"


def _row(event: Event) -> str:
    at = f"{event.at:%m-%d %H:%M:%S}"
    by = plain(whom(event.actor))
    return f"| {at} | {happened(event.kind)} | {event.level} | {plain(event.message)} | {by} |"
