"""What an escalation's message offers: what makes sense in its state, and no more."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from devsync.contracts.escalation import Acknowledge, EscalationStart, EscalationView, Snooze
from devsync.contracts.notifications import Notice
from devsync.contracts.people import Pressed, Resolve
from devsync.domain.answers import Deed
from devsync.domain.escalation.machine import State
from devsync.domain.model import Model
from devsync.domain.recovery.decision import Decision
from devsync.domain.refusal import Refused
from tests.workflows.escalation_stage import HOUR, MINUTE, joined
from workflows.escalation.case import PRESSES_KEPT, Case
from workflows.escalation.story import notice_of, title_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
PAGE = "page-of-today"


def waiting(*workflows: str, **subscriber: Any) -> Case:
    case = Case(EscalationStart(), "escalation:service:github", PAGE)
    for workflow in workflows or ("recovery",):
        case.join(joined(workflow, **subscriber), NOON)
    return case


def notice(case: Case) -> Notice:
    record = case.opened.record
    view = EscalationView(
        escalation_id=case.escalation_id,
        page=PAGE,
        service="github",
        failure=case.opened.opening.request.failure,
        record=record,
        next_step=case.next_step,
        **case.on_offer,
        subscribers=case.roster.entries,
    )
    return notice_of(view.model_copy(update={"title": title_of(view)}), record, case.roster.next_deadline)


def said(case: Case) -> list[str]:
    return [offer.answer.says for offer in notice(case).offers]


def pressed(number: int, page: str = PAGE) -> Pressed:
    return Pressed(page=page, id=f"press-{number}")


def test_all_that_those_who_wait_offer_can_be_pressed() -> None:
    case = waiting(choices=(Decision.RETRY, Decision.SKIP))
    snoozes = ["snooze:15", "snooze:60", "snooze:240", "snooze:1440"]
    assert said(case) == ["acknowledge", "resolve:retry", "resolve:skip", *snoozes]
    offered = notice(case).offers
    assert {offer.answer.workflow_id for offer in offered} == {"escalation:service:github"}
    assert {offer.answer.run_id for offer in offered} == {PAGE}


def test_what_leaves_something_out_is_asked_twice_and_says_what_follows() -> None:
    confirmed = {offer.answer.argument: offer.confirm for offer in notice(waiting()).offers if offer.confirm}
    assert confirmed == {
        "skip": "go on without: a named gap",
        "abort": "end the edition; nothing is posted",
    }


@pytest.mark.parametrize(
    ("message", "is_gone"),
    [(Acknowledge(by="anna"), Deed.ACKNOWLEDGE), (Snooze(by="anna", minutes=5), Deed.SNOOZE)],
)
def test_what_is_so_already_is_not_offered(message: Model, is_gone: Deed) -> None:
    case = waiting()
    case.take(message, NOON)
    assert is_gone not in {offer.answer.deed for offer in notice(case).offers}


def test_where_nobody_waits_nobody_is_asked_later() -> None:
    assert said(waiting(choices=(Decision.RETRY,), is_waiting=False)) == ["acknowledge", "resolve:retry"]


def test_nothing_is_offered_once_it_is_over() -> None:
    case = waiting()
    case.take(Resolve(by="anna", decision=Decision.RETRY), NOON)
    assert said(case) == []


def test_a_press_counts_once_whatever_has_happened_in_between() -> None:
    case = waiting()
    message = Acknowledge(by="anna", pressed=pressed(1))
    assert case.take(message, NOON).state is State.ACKNOWLEDGED
    case.let_time_pass(NOON + 4 * HOUR)
    assert case.opened.record.state is State.FIRING
    with pytest.raises(Refused, match="this press was taken already"):
        case.take(message, NOON + 4 * HOUR)
    assert case.take(Acknowledge(by="anna", pressed=pressed(2)), NOON + 4 * HOUR).state is State.ACKNOWLEDGED


def test_a_refused_press_may_be_repeated() -> None:
    case = waiting(choices=(Decision.SKIP,))
    message = Resolve(by="anna", decision=Decision.RETRY, pressed=pressed(1))
    with pytest.raises(Refused, match="nobody offers retry"):
        case.take(message, NOON)
    case.join(joined("another", choices=(Decision.RETRY,)), NOON)
    case.take(message, NOON)
    assert [answer.entry.subscriber.workflow_id for answer in case.answers] == ["another"]


def test_a_button_of_an_earlier_page_is_over_with_it() -> None:
    case = waiting()
    with pytest.raises(Refused, match="of an earlier page, which is over"):
        case.take(Acknowledge(by="anna", pressed=pressed(1, "page-of-yesterday")), NOON)


def test_presses_are_carried_into_the_next_run_and_bounded() -> None:
    case = waiting()
    for number in range(2 * PRESSES_KEPT):
        case.take(Acknowledge(by="anna", pressed=pressed(number)), NOON)
        case.let_time_pass(NOON + (number + 1) * timedelta(hours=5) + MINUTE)
        case.record = case.opened.record.model_copy(update={"state": State.FIRING})
    carried = EscalationStart.model_validate(case.to_record())
    assert len(carried.presses) == PRESSES_KEPT
    again = Case(carried, case.escalation_id, PAGE)
    with pytest.raises(Refused, match="taken already"):
        again.take(Acknowledge(by="anna", pressed=pressed(2 * PRESSES_KEPT - 1)), NOON)
