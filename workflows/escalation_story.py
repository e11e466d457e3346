"""What people read about an escalation: the notice that they get, and what the Temporal Web UI shows."""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime

from devsync.contracts.escalation import EscalationView, SubscriberEntry, SubscriberState, ToldTarget
from devsync.contracts.notifications import Notice
from devsync.domain.escalation.machine import POLICY, EscalationRecord, Event, State
from devsync.domain.recovery.decision import Decision
from workflows.escalation_roster import to_mend

NO_ANSWER = "No answer is needed: everybody has gone on with what there is."
TO_MEND = "Nothing tries these any more. This message is closed by itself when they are there:"
_SUBJECTS_SHOWN = 5
_LONGEST = 300
_MEANING = {
    Decision.RETRY: "run the failed operation again, now",
    Decision.USE_FALLBACK: "go on with the data that stand in",
    Decision.SKIP: "go on without: a named gap",
    Decision.ABORT: "end the edition; nothing is posted",
}
_MEANING_OF_FOLLOWERS = _MEANING | {
    Decision.RETRY: "try what is missing again, now",
    Decision.SKIP: "give up what is missing: nobody tries it again, and a partial edition says so",
}
"""Where nobody waits any more, and those who have gone on still try for what they lack."""
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


def notice_of(view: EscalationView, record: EscalationRecord, deadline: datetime | None) -> Notice:
    """What those who are asked get. It changes only when something happens, never by the clock."""
    waiting = _waiting(view)
    fields = {"State": _state(record), "Asked": _asked(record), "Since": _at(record.opened_at)}
    if view.severity is not None:
        fields["Severity"] = view.severity.value
    if record.is_open:
        fields["Next"] = view.next_step
        fields["Waiting"] = _subjects(waiting) or "nobody"
        if deadline is not None and waiting:
            fields["First deadline"] = _at(deadline)
    return Notice(
        title=f"{_heading(record, waiting, to_mend(view.subscribers))}: {view.title}{_since(record)}",
        body="\n\n".join(_paragraphs(view, record)),
        fields=fields,
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
    return hashlib.sha256(notice.model_dump_json().encode()).hexdigest()[:16]


def occasion_of(record: EscalationRecord) -> str:
    """What is worth a mail: somebody is asked, for the first time or again, or it is over."""
    return f"asked {record.times_asked}" if record.is_open else State.RESOLVED.value


def escalation_story(view: EscalationView) -> str:
    """Markdown for the current details: where it stands, who was told, who waits, and how to answer."""
    record = view.record
    if record is None:
        return "\n".join(["### Nobody has joined yet", *_refusals(view)])
    lines = [f"### {_plain(view.title)}", f"Now: **{_plain(_state(record))}**, asked: {_plain(_asked(record))}"]
    if record.is_open:
        lines += ["", f"**{view.next_step}**", ""]
        lines += _what_is_needed(view)
        if view.choices:
            lines.append(f"Decisions: {'; '.join(f'`{one.value}` ({_meaning(view, one)})' for one in view.choices)}")
    lines.append("")
    if view.failure is not None:
        lines.append(f"- Failure: {_plain(view.failure.message)}")
    lines += [_told(one) for one in view.told]
    lines += [_subscriber(entry) for entry in view.subscribers[:20]]
    if len(view.subscribers) > 20:
        lines.append(f"- and {len(view.subscribers) - 20} more")
    if view.unrecorded:
        lines.append(f"- Waiting for the database: {view.unrecorded} of the events below")
    lines += _refusals(view)
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
        command = f"python starter.py escalation resolve {view.escalation_id} {view.choices[0].value}"
        paragraphs.append(f"To answer: {command}")
    else:
        paragraphs.append(f"To look after it: python starter.py escalation ack {view.escalation_id}")
    return paragraphs


def _meaning(view: EscalationView, decision: Decision) -> str:
    return (_MEANING if _waiting(view) else _MEANING_OF_FOLLOWERS)[decision]


def _first_clause(message: str) -> str:
    """Without the cure, and what else follows."""
    return " ".join(re.split(r"[:;,] ", message, maxsplit=1)[0].split())


def _since(record: EscalationRecord) -> str:
    return f", since {_at(record.opened_at)}" if record.is_open else ""


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
    if record.decision is None:
        return f"Over: {record.note or 'no decision was needed'} ({record.decided_by})"
    by = "the policy" if record.decided_by == POLICY else record.decided_by
    return f"Decided by {by}: {record.decision.value}" + (f" ({record.note})" if record.note else "")


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


def _told(told: ToldTarget) -> str:
    since = f" at {_at(told.told_at)}" if told.told_at else ""
    why = f": {_plain(told.error)}" if told.error else ""
    return f"- Told {_plain(told.target.target)} ({told.level}): **{told.state.value}**{since}{why}"


def _subscriber(entry: SubscriberEntry) -> str:
    subscriber = entry.subscriber
    until = f", until {_at(subscriber.deadline)}" if subscriber.deadline else ""
    note = f": {_plain(entry.note)}" if entry.note else ""
    return f"- {_plain(subscriber.subject)} (`{subscriber.workflow_id}`): **{entry.state.value}**{until}{note}"


def _refusals(view: EscalationView) -> list[str]:
    lines = []
    if view.refused_count > len(view.refused):
        lines.append(f"- Refused {view.refused_count} messages, the last of them:")
    return lines + [f"- Refused: {_plain(message)}" for message in view.refused]


def _row(event: Event) -> str:
    kind = event.kind.value.replace("_", " ")
    at = f"{event.at:%m-%d %H:%M:%S}"
    return f"| {at} | {kind} | {event.level} | {_plain(event.message)} | {_plain(event.actor)} |"


def _at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"


def _plain(text: str) -> str:
    """Text from outside, on one line and without a meaning in Markdown."""
    line = " ".join(text.split())[:_LONGEST]
    return "".join(f"\\{character}" if character in "\\`*_[]<>|#~" else character for character in line)
