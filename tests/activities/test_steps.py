"""Healing many units at once: each ends healed or not, whatever its threads meet."""

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.steps import Heal, Tally, age, heal_each, named
from devsync.contracts.activities import COLLECT_REPOSITORY
from devsync.contracts.artifacts import INLINE_BUDGET, INLINE_LIMIT, ArtifactRef
from devsync.contracts.collection import UnitCollected
from devsync.contracts.recovery import FailedUnit, StepRequest, StepResult
from devsync.domain.breaker.refusals import CircuitOpen
from devsync.domain.errors import ErrorCategory, Failure
from devsync.runtime.classification import MalformedAnswer

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
OUTCOMES = ("healed", "nothing", "malformed", "late", "refused")


def unit(name: str, *, probes: int = 0) -> FailedUnit:
    failure = Failure(category=ErrorCategory.NETWORK, message="away", is_retryable=True, code="network")
    if probes:
        failure = failure.model_copy(update={"retry_at": NOW, "probes_allowed": probes})
    return FailedUnit(unit=name, service="github", failure=failure)


def collected(name: str) -> UnitCollected:
    artifact = ArtifactRef(digest="0" * 64, size=1, kind="collected")
    return UnitCollected(unit=name, artifact=artifact, api_calls=1, collected_at=NOW)


def meet(outcome: str, name: str) -> UnitCollected | None:
    if outcome == "malformed":
        raise MalformedAnswer("github", "GET /x", "an empty body")
    if outcome == "late":
        raise TimeoutError
    if outcome == "refused":
        raise CircuitOpen("github", NOW + timedelta(minutes=5), "its circuit breaker is open", 2)
    return collected(name) if outcome == "healed" else None


def heal(outcomes: Sequence[str], *, probes: int = 0) -> tuple[list[FailedUnit], Tally, set[str]]:
    units = [unit(f"github:acme/{number}", probes=probes) for number in range(len(outcomes))]
    by_unit = dict(zip((one.unit for one in units), outcomes, strict=True))
    asked: set[str] = set()

    def work(one: FailedUnit, _until: datetime) -> UnitCollected | None:
        asked.add(one.unit)
        return meet(by_unit[one.unit], one.unit)

    return units, run(units, work), asked


def run(units: Sequence[FailedUnit], work: Heal, time: timedelta = timedelta(minutes=1)) -> Tally:
    request = StepRequest(
        step="again",
        team="payments",
        iso_week="2026-W47",
        service="github",
        phase="collect",
        units=tuple(units),
        until=datetime.now(UTC) + time,
    )
    tally: Tally = ActivityEnvironment().run(
        lambda: heal_each(request, work, COLLECT_REPOSITORY, at_once=3, probes_first=True)
    )
    return tally


def answer(units: list[FailedUnit], tally: Tally) -> StepResult | Exception:
    try:
        result: StepResult = ActivityEnvironment().run(lambda: tally.result("asked again", units))
    except Exception as error:
        return error
    return result


@given(st.lists(st.sampled_from(OUTCOMES), max_size=8), st.integers(0, 3))
def test_what_is_healed_and_what_still_fails_are_the_units_that_were_given(outcomes: list[str], probes: int) -> None:
    units, tally, asked = heal(outcomes, probes=probes)
    result = answer(units, tally)
    errors = {outcome for outcome in outcomes if outcome not in ("healed", "nothing")}
    if isinstance(result, Exception):
        assert len(errors) == 1
        assert not {"healed", "nothing", "refused"} & set(outcomes)
        return
    healed = {one.unit for one in result.healed}
    still_failed = {one.unit for one in units} - healed
    assert set(result.failures) <= still_failed
    silent = still_failed - set(result.failures)
    assert all(outcomes[int(name.rpartition("/")[2])] == "nothing" for name in silent)
    assert asked <= {one.unit for one in units}


def test_probes_go_first_and_a_refused_one_spares_the_rest_a_call() -> None:
    units, tally, asked = heal(["refused", "healed", "healed"], probes=1)
    assert asked == {units[0].unit}
    assert set(tally.failures) == {one.unit for one in units}
    assert {failure.probes_allowed for failure in tally.failures.values()} == {2}


def test_a_probe_that_fails_for_itself_does_not_hold_up_the_rest() -> None:
    _, tally, asked = heal(["malformed", "healed", "healed"], probes=1)
    assert (len(asked), len(tally.healed)) == (3, 2)


def test_alike_failures_have_the_fingerprint_of_the_operation_that_failed_at_first() -> None:
    _, tally, _ = heal(["malformed", "malformed"])
    (fingerprint,) = {failure.fingerprint for failure in tally.failures.values()}
    assert fingerprint


def test_work_that_is_handed_back_ends_the_step() -> None:
    def hand_back(_unit: FailedUnit, _until: datetime) -> UnitCollected | None:
        raise ApplicationError("the worker shuts down", type="HandedBack")

    with pytest.raises(ApplicationError, match="shuts down"):
        run([unit("github:a/b")], hand_back)


def test_what_is_not_done_in_time_has_failed_and_the_rest_counts() -> None:
    slow = threading.Event()

    def work(one: FailedUnit, _until: datetime) -> UnitCollected | None:
        if one.unit.endswith("0"):
            slow.wait(30)
        return collected(one.unit)

    units = [unit(f"github:acme/{number}") for number in range(3)]
    began = datetime.now(UTC)
    tally = run(units, work, timedelta(seconds=1))
    slow.set()
    assert datetime.now(UTC) - began < timedelta(seconds=1), "its answer comes in time"
    assert list(tally.healed) == ["github:acme/1", "github:acme/2"]
    assert {name: failure.code for name, failure in tally.failures.items()} == {"github:acme/0": "timeout"}


def test_no_more_than_so_many_work_at_once() -> None:
    running, most, lock = 0, 0, threading.Lock()
    gate = threading.Event()

    def work(one: FailedUnit, _until: datetime) -> UnitCollected | None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        gate.wait(0.05)
        with lock:
            running -= 1
        return collected(one.unit)

    units = [unit(f"github:acme/{number}") for number in range(9)]
    tally = run(units, work)
    assert (most, len(tally.healed)) == (3, 9)


def test_a_stand_in_that_failed_is_told_but_is_no_news_of_the_source() -> None:
    units, tally, _ = heal(["malformed", "healed"])
    result: StepResult = ActivityEnvironment().run(lambda: tally.result_of_stand_in("read the mirrors", units))
    assert result.failures == {}
    assert result.message == (
        "read the mirrors: github:acme/1, but not github:acme/0; github answered GET /x with an empty body"
    )


def test_what_is_too_much_to_carry_while_the_store_is_away_is_left_out_the_largest_first() -> None:
    sizes = [INLINE_LIMIT - 4] * 20 + [400]
    units = [unit(f"github:acme/{number}") for number in range(len(sizes))]
    tally = Tally({one.unit: carried(one.unit, size) for one, size in zip(units, sizes, strict=True)})
    result = answer(units, tally)
    assert isinstance(result, StepResult)
    assert sum(one.artifact.inline_size for one in result.healed) <= INLINE_BUDGET
    assert result.healed[-1].unit == units[-1].unit, "the small one stays"
    assert {failure.category for failure in result.failures.values()} == {ErrorCategory.DATABASE}
    assert len(result.healed) + len(result.failures) == len(units)


def carried(name: str, characters: int) -> UnitCollected:
    artifact = ArtifactRef.of_inline(b"x" * (characters // 4 * 3), size=1, kind="collected")
    return collected(name).model_copy(update={"artifact": artifact})


@pytest.mark.parametrize(
    ("old", "words"),
    [
        (timedelta(), "0 min"),
        (timedelta(minutes=59), "59 min"),
        (timedelta(hours=5), "5 h"),
        (timedelta(days=3), "3 days"),
    ],
)
def test_ages_are_told_in_one_unit(old: timedelta, words: str) -> None:
    assert age(NOW - old, NOW) == words


def test_many_units_are_told_by_their_number() -> None:
    assert named(["a", "b"]) == "a, b"
    assert named("abcd") == "4 units"
