"""Every fault of the matrix on the wire: an activity, its real client and gate, and what Temporal is told of it."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from devsync.domain.breaker import AdmissionKind, Breaker, BreakerRecord, Outcome, State, admission
from devsync.runtime.breaker.ledger import Report
from sandbox.faults import Fault, FaultKind
from sandbox.postgres import PostgresServer
from tests.faults.callers import RULES, caller
from tests.faults.matrix import APIS, ROWS, Row
from tests.faults.meetings import Meetings, now
from tests.servers import new_database

every_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.api}: {row.name}")


@pytest.fixture(scope="session")
async def meetings(postgres: PostgresServer) -> AsyncIterator[Meetings]:
    async with AsyncExitStack() as stack:
        yield Meetings(
            {api: await stack.enter_async_context(caller(api, postgres.url(new_database(postgres)))) for api in APIS}
        )


@every_row
async def test_a_fault_becomes_the_failure_that_the_matrix_says(meetings: Meetings, row: Row) -> None:
    failed = (await meetings.of(row)).failed
    if row.expected is None:
        assert failed is None
        return
    assert failed is not None
    failure, expected = failed.failure, row.expected
    found = (failure.category, failure.code, failure.severity, failure.is_retryable, failure.counts_for_breaker)
    assert found == expected[:5], failure
    assert failure.fingerprint or expected.pauses
    if not expected.is_retryable:
        assert (failed.delay, failed.error.non_retryable) == (None, True)
        return
    assert failed.delay is not None
    low, high = _bounds(expected.hint_seconds)
    assert low <= failed.delay.total_seconds() <= high


def _bounds(hint_seconds: int) -> tuple[float, float]:
    """Of the second attempt's wait. A date is told in whole seconds, and a moment before it is read."""
    if not hint_seconds:
        return 0, 1
    return hint_seconds - 2, hint_seconds + min(hint_seconds / 2, 15)


@every_row
async def test_the_gate_counts_each_faulty_call_as_the_matrix_says(meetings: Meetings, row: Row) -> None:
    report = (await meetings.of(row)).report
    counted = {
        Outcome.FAILURE: report.outcomes.failures,
        Outcome.IGNORED: report.outcomes.ignored,
        Outcome.THROTTLED: report.outcomes.throttled,
    }
    expected = Counter({row.expected.outcome: row.faulty_calls} if row.expected else {})
    expected[Outcome.IGNORED] += row.excused_calls
    assert +Counter(counted) == +expected
    assert (report.pause is not None) is (row.expected is not None and row.expected.pauses)


@every_row
async def test_a_breaker_that_hears_of_it_again_and_again_opens_when_the_matrix_says(
    meetings: Meetings, row: Row
) -> None:
    report = (await meetings.of(row)).report
    service = row.api.partition(" ")[0]
    breaker = Breaker(BreakerRecord.fresh(service, RULES.breaker(service), now()))
    assert _opened_after(breaker, report) == row.opens_after(breaker.config.failure_threshold)
    if report.pause is not None:
        assert row.expected is not None
        breaker.pause(*report.pause, now())
        kind, until = admission(breaker.standing, now())
        assert (breaker.standing.state, kind) == (State.CLOSED, AdmissionKind.PAUSED)
        assert until is not None
        assert row.expected.hint_seconds - 60 <= (until - now()).total_seconds() <= row.expected.hint_seconds + 1


def _opened_after(breaker: Breaker, report: Report) -> int:
    """This many such attempts, at most as many as open one by a failure each; 0: it is closed still."""
    for attempts in range(1, breaker.config.failure_threshold + 1):
        breaker.record(report.outcomes, report.generation, now())
        if breaker.standing.state is State.OPEN:
            return attempts
    return 0


OUR_MISTAKES = {"401", "403", "404", "422", "no such channel", "too many blocks"}
"""The last two are Slack's 404 and 422: it answers them with 200."""


@pytest.mark.parametrize(
    "row", [row for row in ROWS if row.name in OUR_MISTAKES], ids=lambda row: f"{row.api}: {row.name}"
)
async def test_whatever_we_ask_wrongly_however_often_opens_no_gate(meetings: Meetings, row: Row) -> None:
    caller, gate = meetings.prepared(row)
    times = gate.config.failure_threshold + 1
    for _ in range(times):
        assert await caller.attempt(row.fault) is not None
    assert gate.ruling().admission.kind is AdmissionKind.CALL
    report = gate.report()
    assert report is not None
    assert (report.outcomes.ignored, report.outcomes.failures) == (times, 0)


@pytest.mark.parametrize("row", [row for row in ROWS if row.name == "503"], ids=lambda row: row.api)
async def test_a_service_that_is_ill_opens_the_gate_and_is_not_called_any_more(meetings: Meetings, row: Row) -> None:
    caller, gate = meetings.prepared(row)
    for _ in range(gate.config.failure_threshold):
        await caller.attempt(row.fault)
    asked = len(caller.sandbox.log.select())
    refused = await caller.attempt(row.fault)
    assert refused is not None
    assert (refused.failure.code, refused.error.non_retryable) == ("circuit_open", True)
    assert len(caller.sandbox.log.select()) == asked


@pytest.mark.parametrize("row", [row for row in ROWS if row.expected and row.expected.pauses], ids=lambda row: row.api)
async def test_a_service_that_asks_for_an_hour_is_left_alone_from_then_on(meetings: Meetings, row: Row) -> None:
    caller, gate = meetings.prepared(row)
    await caller.attempt(row.fault)
    asked = len(caller.sandbox.log.select())
    again = await caller.attempt(row.fault)
    assert again is not None
    assert again.failure.code == "service_paused"
    assert len(caller.sandbox.log.select()) == asked
    assert gate.ruling().admission.kind is AdmissionKind.PAUSED


def test_every_kind_of_fault_is_in_the_matrix() -> None:
    assert {row.fault.kind for row in ROWS if isinstance(row.fault, Fault)} == set(FaultKind)
