"""What stands for each unit, whatever comes in whatever order; and what people are asked by it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devsync.domain.errors import ErrorCategory, ErrorSeverity, Failure
from devsync.domain.recovery import asking
from devsync.domain.recovery.decision import Decision
from devsync.domain.recovery.healing import Healing, RecoveryOutcome
from devsync.domain.recovery.plan import Escalates, Need

UNITS = ("a", "b", "c")
news = st.lists(st.tuples(st.sampled_from((*UNITS, "stranger")), st.booleans()), max_size=12)


def healing(*, live: str = "", stand_in: str = "") -> Healing:
    made = Healing(UNITS)
    for unit in stand_in:
        assert made.take(unit, is_live=False)
    for unit in live:
        assert made.take(unit, is_live=True)
    return made


@given(news)
def test_every_unit_is_at_one_place_and_never_gets_worse(events: list[tuple[str, bool]]) -> None:
    made = Healing(UNITS)
    for unit, is_live in events:
        before = (made.live, made.standing_in)
        is_better = made.take(unit, is_live=is_live)
        assert sorted((*made.live, *made.standing_in, *made.missing)) == list(UNITS)
        assert set(before[0]) <= set(made.live)
        assert set(before[0]) | set(before[1]) <= set(made.live) | set(made.standing_in)
        assert is_better == (before != (made.live, made.standing_in))
    assert set(made.live) == {unit for unit, is_live in events if is_live} & set(UNITS)
    assert set(made.missing) == set(UNITS) - {unit for unit, _ in events}


@given(news)
def test_the_outcome_says_what_stands(events: list[tuple[str, bool]]) -> None:
    made = Healing(UNITS)
    for unit, is_live in events:
        made.take(unit, is_live=is_live)
    assert (made.outcome is RecoveryOutcome.HEALED) == (made.live == UNITS)
    assert (made.outcome is RecoveryOutcome.FAILED) == (made.missing == UNITS)
    assert (made.outcome in {RecoveryOutcome.HEALED, RecoveryOutcome.STAND_IN}) == (not made.missing)


def test_a_later_stand_in_does_not_replace_the_first() -> None:
    made = healing(stand_in="a")
    assert not made.take("a", is_live=False)
    assert made.take("a", is_live=True)
    assert not made.take("a", is_live=False)
    assert made.live == ("a",)


def test_stand_ins_that_are_left_out_leave_gaps() -> None:
    made = healing(live="a", stand_in="b")
    assert made.outcome is RecoveryOutcome.PARTIAL
    assert made.leave_out_stand_ins() == ("b",)
    assert made.missing == ("b", "c")


@pytest.mark.parametrize(
    ("made", "needed"),
    [
        (healing(live="abc"), {Need.MISSING: False, Need.STAND_IN: False, Need.NEVER: False}),
        (healing(live="ab", stand_in="c"), {Need.MISSING: False, Need.STAND_IN: True, Need.NEVER: False}),
        (healing(live="ab"), {Need.MISSING: True, Need.STAND_IN: True, Need.NEVER: False}),
    ],
)
def test_people_are_needed_for_what_is_missing_or_not_live(made: Healing, needed: dict[Need, bool]) -> None:
    assert {ask: asking.is_needed(ask, made) for ask in Need} == needed


def test_what_stands_in_can_be_used_only_where_something_does() -> None:
    nothing, something = healing(), healing(stand_in="a")
    assert Decision.USE_FALLBACK not in asking.choices(nothing)
    assert set(asking.choices(something)) == set(Decision)
    assert asking.default_decision(Escalates(), nothing) is Decision.SKIP
    assert asking.default_decision(Escalates(), something) is Decision.USE_FALLBACK
    assert asking.default_decision(Escalates(default=Decision.ABORT), nothing) is Decision.ABORT


def failure(category: ErrorCategory, severity: ErrorSeverity = ErrorSeverity.LOW) -> Failure:
    return Failure(category=category, message="", is_retryable=False, severity=severity)


def test_a_cause_is_shared_where_the_service_itself_is_ill() -> None:
    down, own = failure(ErrorCategory.NETWORK), failure(ErrorCategory.DATA_COLLECTION)
    assert asking.is_shared([down], is_one_place=True, answers_others=False)
    assert not asking.is_shared([down], is_one_place=False, answers_others=False)
    assert not asking.is_shared([down], is_one_place=True, answers_others=True)
    assert not asking.is_shared([down, own], is_one_place=True, answers_others=False)


def test_a_gap_is_no_small_matter() -> None:
    low, critical = failure(ErrorCategory.NETWORK), failure(ErrorCategory.NETWORK, ErrorSeverity.CRITICAL)
    assert asking.severity([low], healing(stand_in="abc")) is ErrorSeverity.LOW
    assert asking.severity([low], healing(stand_in="ab")) is ErrorSeverity.MEDIUM
    assert asking.severity([low, critical], healing()) is ErrorSeverity.CRITICAL


def test_a_call_that_an_open_breaker_refused_weighs_as_the_outage_that_it_keeps_us_from() -> None:
    """Whether a unit's last failure is the outage or the refusal is chance; people hear of it either way."""
    refused = failure(ErrorCategory.EXTERNAL_SERVICE).model_copy(
        update={"retry_at": datetime(2026, 11, 30, tzinfo=UTC)}
    )
    throttled = refused.model_copy(update={"category": ErrorCategory.RATE_LIMITING})
    assert asking.severity([refused], healing(stand_in="abc")) is ErrorSeverity.MEDIUM
    assert asking.severity([throttled], healing(stand_in="abc")) is ErrorSeverity.LOW


def test_retries_while_people_are_asked_grow_to_half_an_hour() -> None:
    waits = [asking.wait_before_retry(number) for number in (0, 1, 2, 3, 50)]
    assert waits == [timedelta(minutes=minutes) for minutes in (5, 10, 20, 30, 30)]
