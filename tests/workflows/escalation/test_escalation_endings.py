"""Every way in which an escalation ends: who ended it and how is told in the same plain words, wherever it is told."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from commands.escalation.shown import table
from commands.outages import Healed
from commands.summary import healing_lines
from devsync.contracts.escalation import EscalationStart, EscalationView, SubscriberLeft
from devsync.contracts.people import Resolve
from devsync.domain.escalation.ending import ending
from devsync.domain.recovery.decision import Decision
from devsync.domain.refusal import Refused
from devsync.storage.escalations import EscalationLine
from tests.workflows.escalation_stage import HOUR, MINUTE, joined
from workflows.escalation.case import FOLLOWED_AT_MOST, GRACE, Case
from workflows.escalation.story import escalation_story, notice_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
REMEDY = "python starter.py delivery replay payments 2026-W47 slack-payments"


def asked() -> Case:
    case = Case(EscalationStart(), "escalation:service:github")
    case.join(joined("recovery"), NOON)
    return case


def answered(note: str = "") -> Case:
    case = asked()
    case.take(Resolve(by="anna", decision=Decision.USE_FALLBACK, note=note), NOON + MINUTE)
    return case


def closed(note: str = "") -> Case:
    case = Case(EscalationStart(), "escalation:service:github")
    case.join(joined("recovery", choices=(), is_waiting=False), NOON)
    case.take(Resolve(by="anna", note=note), NOON + MINUTE)
    return case


def unanswered() -> Case:
    case, now = asked(), NOON
    while case.is_open:
        now += HOUR
        case.let_time_pass(now)
    return case


def healed(note: str = "") -> Case:
    case = asked()
    case.leave(SubscriberLeft(workflow_id="recovery", is_healed=True, note=note), NOON + MINUTE)
    return case


def left() -> Case:
    case = asked()
    case.leave(SubscriberLeft(workflow_id="recovery", is_healed=False), NOON + MINUTE)
    case.let_time_pass(NOON + MINUTE + GRACE)
    return case


def forgotten(remedy: str = "") -> Case:
    case = Case(EscalationStart(), "escalation:service:github")
    case.join(joined("delivery", choices=(), is_waiting=False, subject="not in #ops", remedy=remedy), NOON)
    case.let_time_pass(NOON + FOLLOWED_AT_MOST)
    return case


def not_waited_for() -> Case:
    """Its deadline came, and nobody has said that it is over: it was terminated."""
    case = Case(EscalationStart(), "escalation:service:github")
    case.join(joined("recovery", deadline=NOON + 30 * MINUTE), NOON)
    case.let_time_pass(NOON + 30 * MINUTE)
    case.let_time_pass(NOON + FOLLOWED_AT_MOST)
    return case


def cancelled() -> Case:
    case = asked()
    case.give_up("the escalation was cancelled: by hand", NOON + MINUTE)
    return case


GONE_ON = "ended without a decision (nobody waits for an answer any more"
WAYS: dict[str, tuple[Callable[[], Case], str]] = {
    "a person": (answered, "use fallback, decided by anna"),
    "a person, with a note": (lambda: answered("it is there"), "use fallback, decided by anna (it is there)"),
    "a person, where nobody waits": (closed, "closed by anna without a decision"),
    "likewise, with a note": (lambda: closed("seen"), "closed by anna without a decision (seen)"),
    "nobody": (unanswered, "use fallback, decided by the policy (nobody answered, not even executive)"),
    "healed": (healed, "nobody had to decide, it healed by itself"),
    "healed, with a note": (
        lambda: healed("#payments: delivered"),
        "nobody had to decide, it healed by itself (#payments: delivered)",
    ),
    "all have left": (left, f"{GONE_ON})"),
    "followed for a week": (forgotten, f"{GONE_ON})"),
    "not mended for a week": (lambda: forgotten(REMEDY), f"{GONE_ON}, and nobody has mended not in #ops)"),
    "a deadline passed": (not_waited_for, f"{GONE_ON})"),
    "cancelled": (cancelled, "use fallback, decided by the policy (the escalation was cancelled: by hand)"),
}


def seen(case: Case) -> EscalationView:
    return EscalationView(
        escalation_id=case.escalation_id,
        service="github",
        title="github answered 503",
        failure=case.opened.opening.request.failure,
        record=case.record,
        subscribers=case.roster.entries,
        events=case.journal.recent,
    )


@pytest.mark.parametrize(("way", "words"), WAYS.values(), ids=WAYS)
def test_who_ended_it_and_how_is_told_in_the_same_words_everywhere(way: Callable[[], Case], words: str) -> None:
    case = way()
    view, record = seen(case), case.opened.record
    assert not record.is_open
    assert ending(record.decision, record.decided_by, record.note) == words
    notice = notice_of(view, record, None)  # Slack, mail and webhook
    assert notice.fields["State"] == "resolved"
    assert notice.body.endswith(f"Over: {words}")
    assert f"Over: {words}" in escalation_story(view).replace("\\", "")
    (told,) = healing_lines(Healed("payments", "2026-W47", escalations=(view,)))
    assert told.endswith(f": {words}")
    listed = table([line(case)])
    assert next(iter(listed.columns[5].cells)).plain == ending(record.decision, record.decided_by)  # type: ignore[union-attr]
    with pytest.raises(Refused, match="it is resolved already: ") as refused:
        case.take(Resolve(by="bo", decision=Decision.RETRY), NOON + 8 * timedelta(days=1))
    assert str(refused.value).endswith(words)


def line(case: Case) -> EscalationLine:
    record = case.opened.record
    return EscalationLine(
        workflow_id=case.escalation_id, page="p", service="github", severity="medium", failure="503",
        state=record.state, level=record.level, decision=record.decision.value if record.decision else "",
        decided_by=record.decided_by, note=record.note, opened_at=record.opened_at, resolved_at=record.since,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("decision", "by", "words"),
    [
        (None, "healed by itself", "nobody had to decide, it healed by itself"),
        ("retry", "anna", "retry, decided by anna"),
        ("skip", "policy", "skip, decided by the policy"),
        (
            "use_fallback",
            "policy: nobody answered by 2026-11-23 12:00 UTC",
            "use fallback, decided by the policy (nobody answered by 2026-11-23 12:00 UTC)",
        ),
    ],
)
def test_of_a_recovery_as_well(decision: str | None, by: str, words: str) -> None:
    assert ending(decision, by) == words


def test_every_decision_has_its_words() -> None:
    assert [ending(one, "anna") for one in Decision] == [
        "retry, decided by anna", "use fallback, decided by anna", "skip, decided by anna", "abort, decided by anna",
    ]  # fmt: skip
