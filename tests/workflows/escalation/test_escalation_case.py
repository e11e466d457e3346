"""What an escalation decides, without Temporal: who is asked while nobody waits, and what a decision means for each."""

from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from devsync.contracts.escalation import Acknowledge, EscalationStart, Snooze, SubscriberLeft
from devsync.contracts.people import Resolve
from devsync.domain.escalation.machine import EventKind, State
from devsync.domain.recovery.decision import Decision
from devsync.domain.refusal import Refused
from tests.workflows.escalation_stage import HOUR, MINUTE, joined, policy
from workflows.escalation.case import FOLLOWED_AT_MOST, GRACE, Case

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
RETRY, FALLBACK, SKIP, ABORT = Decision.RETRY, Decision.USE_FALLBACK, Decision.SKIP, Decision.ABORT


def fresh() -> Case:
    return Case(EscalationStart(), "escalation:service:github")


def only_told() -> Case:
    """Of one recovery that has gone on with what stands in."""
    case = fresh()
    case.join(joined("recovery", choices=(), is_waiting=False), NOON)
    return case


def kinds(case: Case) -> list[EventKind]:
    return [event.kind for event in case.journal.recent]


def resolved(case: Case, decision: Decision) -> dict[str, Decision | None]:
    """What each was told."""
    case.take(Resolve(by="anna", decision=decision), NOON + MINUTE)
    return {answer.entry.subscriber.workflow_id: answer.message.decision for answer in case.answers}


def test_while_nobody_waits_nobody_else_is_asked_and_nothing_is_offered() -> None:
    case = only_told()
    case.let_time_pass(NOON + 100 * HOUR)
    assert case.record is not None
    assert (case.record.state, case.record.level, case.roster.choices) == (State.FIRING, "team_lead", ())
    assert case.next_step == "nobody else is asked: nobody waits for an answer"
    with pytest.raises(
        Refused,
        match="nobody offers retry, since whoever is concerned has gone on, and takes no answer; without a decision",
    ):
        case.change(Resolve(by="anna", decision=RETRY), NOON)


def test_who_is_not_in_the_list_of_people_decides_nothing() -> None:
    case = fresh()
    case.join(joined("recovery", policy(people=("anna", "Ben"))), NOON)
    for message in (Resolve(by="mallory", decision=SKIP), Acknowledge(by="mallory")):
        with pytest.raises(Refused, match=r"by: 'mallory' is not of the people in escalation.yaml: anna, Ben"):
            case.take(message, NOON)
    assert case.take(Resolve(by="ben", decision=SKIP), NOON).state is State.RESOLVED


def test_what_only_somebody_can_mend_is_on_the_page_until_it_is_mended() -> None:
    case = only_told()
    for workflow in ("delivery", "delivery of another team"):
        told = joined(workflow, choices=(), is_waiting=False, subject="not in #ops", remedy="delivery replay")
        case.join(told, NOON)
    assert kinds(case).count(EventKind.TOLD_AGAIN) == 1  # once, however many come
    case.leave(SubscriberLeft(workflow_id="recovery", is_healed=True), NOON)
    assert case.is_open
    case.let_time_pass(NOON + FOLLOWED_AT_MOST)
    record = case.opened.record
    assert (record.state, record.note) == (
        State.RESOLVED,
        "nobody waits for an answer any more, and nobody has mended not in #ops and 1 more",
    )


def test_who_leaves_and_never_came_is_refused_unless_it_cannot_know() -> None:
    case = only_told()
    case.leave(SubscriberLeft(workflow_id="delivery", is_healed=True, may_be_absent=True), NOON)
    with pytest.raises(Refused, match="delivery is not here"):
        case.leave(SubscriberLeft(workflow_id="delivery", is_healed=True), NOON)
    assert case.is_open


def test_who_comes_then_and_waits_asks_the_level_anew() -> None:
    case = only_told()
    later = NOON + 5 * HOUR
    case.join(joined("other"), later)
    assert case.record is not None
    assert (case.record.level, case.record.times_asked, case.record.due_at) == ("team_lead", 2, later + HOUR)
    assert kinds(case)[-2:] == [EventKind.JOINED, EventKind.TOLD_AGAIN]
    case.join(joined("third"), later + MINUTE)  # somebody waits already
    assert case.record.times_asked == 2
    case.let_time_pass(later + HOUR)
    assert case.record.level == "engineering_manager"


def test_the_alarm_says_who_goes_on_where_that_is_before_the_next_step() -> None:
    case = fresh()
    case.join(joined("other"), NOON)
    asked = "engineering manager is asked at 2026-11-23 13:00 UTC"
    assert (case.due_at, case.due_step) == (NOON + HOUR, asked)
    case.join(joined("hurried", deadline=NOON + MINUTE), NOON)
    assert (case.due_at, case.next_step) == (NOON + MINUTE, asked)
    assert case.due_step == "whoever waits until 2026-11-23 12:01 UTC goes on by itself"


def test_who_asks_people_after_it_was_only_told_waits_now() -> None:
    case = only_told()
    case.join(joined("recovery"), NOON + MINUTE)
    assert case.roster.choices == tuple(Decision)
    assert case.record is not None
    assert case.record.times_asked == 2


def test_what_is_only_followed_ends_when_it_heals_or_after_a_week() -> None:
    healed, forgotten = only_told(), only_told()
    healed.leave(SubscriberLeft(workflow_id="recovery", is_healed=True), NOON + HOUR)
    assert healed.is_resolved
    forgotten.let_time_pass(NOON + FOLLOWED_AT_MOST - MINUTE)
    assert forgotten.due_at == NOON + FOLLOWED_AT_MOST
    forgotten.let_time_pass(NOON + FOLLOWED_AT_MOST)
    assert forgotten.is_resolved


@pytest.mark.parametrize(
    ("offers", "decided", "told"),
    [
        ((RETRY, SKIP), RETRY, RETRY),
        ((RETRY, SKIP), FALLBACK, None),  # to skip would end a healing that nobody spoke of
        ((RETRY, SKIP), ABORT, None),
        ((), SKIP, None),
    ],
)
def test_who_follows_gets_what_it_offers_or_goes_on_as_it_does(
    offers: Sequence[Decision], decided: Decision, told: Decision | None
) -> None:
    case = fresh()
    case.join(joined("recovery"), NOON)
    case.join(joined("amendment", choices=tuple(offers), is_waiting=False), NOON)
    assert resolved(case, decided) == {"recovery": decided, "amendment": told}
    note = case.answers[1].message.note
    followed = next(entry for entry in case.roster.entries if entry.subscriber.workflow_id == "amendment")
    if told is decided:
        assert (note, followed.note) == ("", decided.value)
    else:
        assert note == f"{decided.value} was decided, which is not on offer here"
        assert followed.note == f"goes on as it does: {decided.value} was decided, which is not on offer here"


def test_who_waits_and_does_not_offer_the_default_gets_the_mildest_that_it_does_and_reads_why() -> None:
    case = fresh()
    case.join(joined("recovery", choices=(RETRY, SKIP, ABORT)), NOON)
    case.give_up("somebody cancelled it", NOON + MINUTE)
    (answer,) = case.answers
    assert answer.message.decision is SKIP
    assert answer.message.note == "somebody cancelled it; use_fallback was decided, which is not on offer here"
    assert case.roster.entries[0].note.startswith("skip: use_fallback was decided")


def test_who_comes_after_the_end_and_leaves_before_the_next_page_is_on_record_there() -> None:
    case = fresh()
    case.join(joined("one"), NOON)
    resolved(case, RETRY)
    case.join(joined("two"), NOON + 2 * MINUTE)
    case.join(joined("three"), NOON + 2 * MINUTE)
    case.leave(SubscriberLeft(workflow_id="two", is_healed=True), NOON + 3 * MINUTE)
    assert case.later is not None
    later = case.later
    assert [entry.state.value for entry in later.roster.entries] == ["left", "waiting"]
    assert kinds(later) == [EventKind.OPENED, EventKind.JOINED, EventKind.JOINED, EventKind.LEFT]
    later.leave(SubscriberLeft(workflow_id="three", is_healed=False), NOON + 3 * MINUTE)
    assert later.due_at == NOON + 3 * MINUTE + GRACE


def test_an_amendment_that_follows_a_decided_escalation_opens_none() -> None:
    case = fresh()
    case.join(joined("one"), NOON)
    resolved(case, SKIP)
    case.join(joined("amendment", replaces="one"), NOON + 2 * MINUTE)
    assert case.later is None


# Who waited has a deadline, and goes on without an answer then, whether or not it says so.


def test_past_its_deadline_nobody_is_asked_for_who_waited_and_nothing_is_offered() -> None:
    case = fresh()
    case.join(joined("recovery", deadline=NOON + 30 * MINUTE), NOON)
    assert case.due_at == NOON + 30 * MINUTE
    assert case.next_step == "whoever waits goes on by itself at 2026-11-23 12:30 UTC"
    case.let_time_pass(NOON + 30 * MINUTE)
    (entry,) = case.roster.entries
    assert (entry.state.value, entry.note) == ("following", "went on without an answer")
    assert (case.roster.choices, case.opened.record.level, kinds(case)[-1]) == ((), "team_lead", EventKind.WENT_ON)
    case.let_time_pass(NOON + 100 * HOUR)
    assert case.opened.record.level == "team_lead"
    with pytest.raises(Refused, match="nobody offers retry, since whoever is concerned has gone on"):
        case.change(Resolve(by="anna", decision=RETRY), NOON + HOUR)
    case.leave(SubscriberLeft(workflow_id="recovery", is_healed=True), NOON + HOUR)
    assert case.is_resolved


def test_others_who_wait_longer_are_still_asked_for() -> None:
    case = fresh()
    case.join(joined("recovery", deadline=NOON + 30 * MINUTE, choices=(RETRY, SKIP)), NOON)
    case.join(joined("other", deadline=NOON + 3 * HOUR, choices=(RETRY, ABORT)), NOON)
    assert case.due_at == NOON + 30 * MINUTE
    case.let_time_pass(NOON + 30 * MINUTE)
    assert (case.roster.choices, case.due_at) == ((RETRY, ABORT), NOON + HOUR)
    assert case.next_step == "engineering manager is asked at 2026-11-23 13:00 UTC"
    case.let_time_pass(NOON + HOUR)
    assert case.opened.record.level == "engineering_manager"
    assert resolved(case, RETRY) == {"other": RETRY, "recovery": None}


def test_who_takes_the_place_of_one_that_went_on_offers_what_it_can_do() -> None:
    case = fresh()
    case.join(joined("recovery", deadline=NOON + 30 * MINUTE), NOON)
    case.let_time_pass(NOON + 30 * MINUTE)
    amendment = joined("amendment", choices=(RETRY, SKIP), is_waiting=False, replaces="recovery")
    case.join(amendment, NOON + 31 * MINUTE)
    assert [entry.subscriber.workflow_id for entry in case.roster.entries] == ["amendment"]
    assert case.roster.choices == (RETRY, SKIP)
    with pytest.raises(Refused, match="nobody offers abort, since what it was about is over; there are retry, skip"):
        case.change(Resolve(by="anna", decision=ABORT), NOON + HOUR)


def test_where_everybody_has_left_a_decision_is_nobodys() -> None:
    case = fresh()
    case.join(joined("recovery"), NOON)
    case.leave(SubscriberLeft(workflow_id="recovery", is_healed=False), NOON)
    with pytest.raises(Refused, match="nobody offers retry, since nobody is concerned any more; without a decision"):
        case.change(Resolve(by="anna", decision=RETRY), NOON)
    case.take(Resolve(by="anna"), NOON)
    assert case.is_resolved


def test_what_nobody_waits_for_cannot_be_put_off() -> None:
    with pytest.raises(Refused, match="nobody waits for an answer, so that nobody else is asked"):
        only_told().change(Snooze(by="anna", minutes=30), NOON)


def test_what_a_case_knows_survives_its_run() -> None:
    case = only_told()
    again = Case(EscalationStart(**case.to_record()), case.escalation_id)
    assert again.to_record() == case.to_record()
