"""Whether the next step runs, for how long, and the sentence that says why not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from devsync.domain.errors import ErrorCategory
from devsync.domain.recovery.climbing import Situation, time_for, why_skipped
from devsync.domain.recovery.plan import PlanStep, StepRecord, StepState

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def step(**values: Any) -> PlanStep:
    return PlanStep.model_validate({"id": "next", "activity": "local.use_cached", "timeout": MINUTE} | values)


def record(name: str, state: StepState, **facts: str) -> StepRecord:
    return StepRecord(id=name, activity="a.b", state=state, started_at=NOW, duration=MINUTE, facts=facts)


def situation(*past: StepRecord, **values: Any) -> Situation:
    known = {"past": past, "categories": (ErrorCategory.NETWORK,), "time_left": 10 * MINUTE}
    return Situation.model_validate(known | values)


GOOD, BAD = record("a", StepState.SUCCEEDED, indicator="minor"), record("a", StepState.FAILED)


@pytest.mark.parametrize(
    ("next_step", "known", "why"),
    [
        (step(), situation(), ""),
        (step(), situation(time_left=timedelta(0)), "no time is left until the deadline"),
        (step(depends_on=["a"]), situation(GOOD), ""),
        (step(depends_on=["a"]), situation(record("a", StepState.RESOLVED)), ""),
        (step(depends_on=["a"]), situation(BAD), "it depends on a, which failed"),
        (step(depends_on=["a"]), situation(record("a", StepState.TIMED_OUT)), "it depends on a, which timed out"),
        (step(depends_on=["a"]), situation(record("a", StepState.SKIPPED)), "it depends on a, which was skipped"),
        (step(depends_on=["a"]), situation(), "it depends on a, which did not run"),
        (step(when={"category": ["network"]}), situation(), ""),
        (
            step(when={"category": ["database", "system"]}),
            situation(),
            "it is for database or system; what is left failed with network",
        ),
        (step(when={"outcome": {"a": ["failed"]}}), situation(BAD), ""),
        (
            step(when={"outcome": {"a": ["failed", "timed_out"]}}),
            situation(GOOD),
            "it runs when a failed or timed_out; it succeeded",
        ),
        (step(when={"fact": {"indicator": ["minor"]}}), situation(GOOD), ""),
        (
            step(when={"fact": {"indicator": ["major", "critical"]}}),
            situation(GOOD),
            "it runs when indicator is major or critical; it is minor",
        ),
        (
            step(when={"fact": {"indicator": ["major"]}}),
            situation(),
            "it runs when indicator is major; nobody has found out",
        ),
        (step(when={"not_fact": {"indicator": ["none"]}}), situation(), ""),
        (step(when={"not_fact": {"indicator": ["major"]}}), situation(GOOD), ""),
        (
            step(when={"not_fact": {"indicator": ["minor"]}}),
            situation(GOOD),
            "it does not run when indicator is minor",
        ),
        (step(when={"time_left": 10 * MINUTE}), situation(), ""),
        (
            step(when={"time_left": 11 * MINUTE}),
            situation(),
            "it needs 0:11:00 until the deadline, and 0:10:00 are left",
        ),
    ],
)
def test_a_step_runs_or_says_why_not(next_step: PlanStep, known: Situation, why: str) -> None:
    assert why_skipped(next_step, known) == why


def test_the_latest_word_on_a_fact_counts() -> None:
    assert situation(GOOD, record("b", StepState.SUCCEEDED, indicator="none")).facts == {"indicator": "none"}


@pytest.mark.parametrize(
    ("left", "is_last", "time"),
    [
        (3 * MINUTE, False, MINUTE),
        (MINUTE, False, MINUTE / 2),
        (MINUTE, True, MINUTE),
        (MINUTE / 2, True, MINUTE / 2),
        (-MINUTE, True, 0 * MINUTE),
    ],
)
def test_a_step_has_its_own_time_or_half_of_what_is_left_and_the_last_one_all(
    left: timedelta, is_last: bool, time: timedelta
) -> None:
    assert time_for(step(), NOW, NOW + left, is_last=is_last) == time
