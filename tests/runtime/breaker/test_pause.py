"""A hint beyond the declared maximum pauses the service; what Temporal is told is a failure that is waited for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from devsync.domain.breaker import BreakerConfig, Mode, Standing
from devsync.domain.errors import Failure
from devsync.runtime.activity_errors import ErrorTranslation
from devsync.runtime.breaker.gate import Gate
from devsync.runtime.breaker.pause import PauseForLongHints
from tests.runtime.errors_of_libraries import github

MAXIMUM = timedelta(minutes=1)


class Raises(ActivityInboundInterceptor):
    def __init__(self, error: Exception) -> None:
        self._error = error

    async def execute_activity(self, input: ExecuteActivityInput) -> None:  # noqa: A002
        raise self._error


async def attempt(gate: Gate, error: Exception, policy: RetryPolicy | None = None) -> ApplicationError:
    """What Temporal hears of an attempt that ends so, through the interceptors in the worker's order.

    tests/e2e/test_breaker.py has the real one.
    """

    async def collect() -> None:
        inner = ErrorTranslation().intercept_activity(Raises(error))
        arguments = ExecuteActivityInput(fn=collect, args=[], executor=None, headers={})
        await PauseForLongHints(gate).intercept_activity(inner).execute_activity(arguments)

    environment = ActivityEnvironment()
    environment.info = replace(
        environment.info,
        activity_type="github.collect_repository",
        retry_policy=policy or RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=MAXIMUM),
    )
    with pytest.raises(ApplicationError) as raised:
        await environment.run(collect)
    return raised.value


def gate_of(**standing: Any) -> Gate:
    gate = Gate("github", BreakerConfig())
    now = datetime.now(UTC)
    gate.learn(Standing(service="github", generation=1, changed_at=now, probes_allowed=5, **standing), None)
    return gate


def throttled(seconds: float) -> Exception:
    return github(429, headers={"Retry-After": f"{seconds:g}"})


@pytest.mark.parametrize("status", [429, 503])
async def test_a_hint_of_an_hour_pauses_the_service_and_spends_no_attempt(status: int) -> None:
    gate, began = gate_of(), datetime.now(UTC)
    told = await attempt(gate, github(status, headers={"Retry-After": "3600"}))
    failure = told.details[0]
    assert isinstance(failure, Failure)
    assert failure.code == "service_paused"
    assert failure.retry_at is not None
    assert timedelta(hours=1) <= failure.retry_at - began < timedelta(hours=1, seconds=10)
    assert told.non_retryable
    assert told.category is ApplicationErrorCategory.BENIGN
    assert isinstance(told.__cause__, ApplicationError)
    assert isinstance(told.__cause__.__cause__, ApplicationError)
    assert told.__cause__.__cause__.type == "GithubException", "what the service said is still to be seen"
    report = gate.report()
    assert report is not None
    assert report.pause is not None


@pytest.mark.parametrize("seconds", [30, MAXIMUM.total_seconds()])
async def test_a_hint_up_to_the_maximum_is_a_delay(seconds: float) -> None:
    gate = gate_of()
    told = await attempt(gate, throttled(seconds))
    assert told.next_retry_delay is not None
    assert timedelta(seconds=seconds) <= told.next_retry_delay <= timedelta(seconds=seconds + 15)
    assert gate.road is not None


async def test_where_no_maximum_is_declared_temporals_own_counts() -> None:
    policy = RetryPolicy(initial_interval=timedelta(seconds=1))
    assert (await attempt(gate_of(), throttled(99), policy)).next_retry_delay is not None
    assert (await attempt(gate_of(), throttled(101), policy)).details[0].code == "service_paused"


async def test_where_an_operator_lets_all_calls_through_the_hint_stays_a_delay() -> None:
    told = await attempt(gate_of(mode=Mode.DISABLED), throttled(3600))
    assert told.next_retry_delay is not None
    assert told.next_retry_delay >= timedelta(hours=1)


async def test_what_no_repetition_heals_pauses_nothing() -> None:
    gate = gate_of()
    told = await attempt(gate, github(404, headers={"Retry-After": "3600"}))
    assert told.details[0].code == "404"
    assert gate.road is not None


async def test_what_is_classified_already_passes_unchanged() -> None:
    known = ApplicationError("handed back", type="HandedBack")
    assert await attempt(gate_of(), known) is known
