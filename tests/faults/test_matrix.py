"""Every fault of the matrix on the wire: an activity, its real client, and the failure that Temporal is told."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from sandbox.faults import Fault, FaultKind
from sandbox.postgres import PostgresServer
from tests.faults.callers import Caller, caller
from tests.faults.matrix import APIS, ROWS, Row
from tests.servers import new_database


@pytest.fixture(scope="session")
async def callers(postgres: PostgresServer) -> AsyncIterator[dict[str, Caller]]:
    async with AsyncExitStack() as stack:
        yield {api: await stack.enter_async_context(caller(api, postgres.url(new_database(postgres)))) for api in APIS}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.api}: {row.name}")
async def test_a_fault_becomes_the_failure_that_the_matrix_says(callers: dict[str, Caller], row: Row) -> None:
    failed = await callers[row.api].attempt(row.fault)
    if row.expected is None:
        assert failed is None
        return
    assert failed is not None
    failure, expected = failed.failure, row.expected
    found = (failure.category, failure.code, failure.severity, failure.is_retryable, failure.counts_for_breaker)
    assert found == expected[:5], failure
    assert failure.fingerprint
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


def test_every_kind_of_fault_is_in_the_matrix() -> None:
    assert {row.fault.kind for row in ROWS if isinstance(row.fault, Fault)} == set(FaultKind)
