"""What callers give that cannot be is refused where they give it, in words that name it."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest

import devsync
from devsync.api.contexts import NOT_UNDERSTOOD, context_of
from devsync.settings.problems import ConfigError

LONG = "x" * 201
NOWHERE: Final = devsync.Connection(program="checks", temporal_address="127.0.0.1:1")


@pytest.fixture(scope="module")
def handler() -> Iterator[devsync.ChangelogErrorHandler]:
    handler = devsync.ChangelogErrorHandler(connection=NOWHERE)
    yield handler
    handler.close()


@pytest.fixture(scope="module")
def manager(handler: devsync.ChangelogErrorHandler) -> devsync.ChangelogRecoveryWorkflowManager:
    return devsync.ChangelogRecoveryWorkflowManager(NOWHERE)


Handler = devsync.ChangelogErrorHandler
Manager = devsync.ChangelogRecoveryWorkflowManager
Call = Callable[[Any], Any]


def nothing(*_: Any) -> None:
    return None


def step(**arguments: Any) -> devsync.WorkflowStep:
    return devsync.WorkflowStep(**{"step_id": "one", "name": "One", "action": nothing, **arguments})


class Own(devsync.RecoveryWorkflow):
    def can_handle(self, error_context: devsync.ErrorContext) -> bool:
        return True

    async def build_steps(self, error_context: devsync.ErrorContext) -> list[devsync.WorkflowStep]:
        return []


class WithoutItsBase(Own):
    def __init__(self) -> None:
        """Forgets it."""


class WithoutTime(Own):
    time_limit = timedelta()


OF_A_HANDLER: list[tuple[Call, type[Exception], str]] = [
    (lambda one: asyncio.run(one.handle_error("lost")), TypeError, "error must be of type Exception"),
    (lambda one: asyncio.run(one.handle_error(ValueError(), "github")), TypeError, "context must be a dict"),
    (lambda one: one.register_fallback_data_source("", nothing), ValueError, "service is empty"),
    (lambda one: one.register_fallback_data_source(LONG, nothing), ValueError, "service has 201 characters; write 200"),
    (lambda one: one.register_fallback_data_source("billing", "copy"), TypeError, "callback must be a function"),
    (lambda one: one.register_fallback_data_source("billing", lambda a, b: a), TypeError, r"callback takes \(a, b\)"),
    (lambda one: one.register_operation("billing", " ", nothing), ValueError, "operation is empty"),
    (lambda one: one.register_operation(7, "fetch", nothing), TypeError, "service must be a text, not 7"),
    (lambda one: one.performance_monitor(""), ValueError, "operation is empty"),
    (lambda one: one.performance_monitor("fetch", ""), ValueError, "service is empty"),
    (lambda one: one.get_circuit_breaker(None), TypeError, "service must be a text"),
    (lambda one: one.get_circuit_breaker("billing").record_failure("late"), TypeError, "error must be of type"),
    (lambda one: one.get_error_statistics(24), TypeError, "a window is a timedelta"),
    (lambda one: one.get_error_statistics(timedelta(hours=-1)), ValueError, "window"),
]


@pytest.mark.parametrize(("call", "kind", "words"), OF_A_HANDLER)
def test_a_handler_refuses(
    handler: devsync.ChangelogErrorHandler, call: Call, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        call(handler)


OF_A_MANAGER: list[tuple[Call, type[Exception], str]] = [
    (lambda one: one.register_workflow("invoices"), TypeError, "workflow must be of type RecoveryWorkflow"),
    (lambda one: one.register_workflow(WithoutItsBase()), TypeError, "call super"),
    (lambda one: one.register_workflow(WithoutTime("own", "Own")), ValueError, "the time_limit of own is no time"),
    (lambda one: asyncio.run(one.execute_recovery({})), TypeError, "error_context must be of type ErrorContext"),
    (lambda one: one.get_recent_executions(0), ValueError, "limit is 0; write 1 to 1000"),
    (lambda one: one.get_recent_executions("all"), TypeError, "limit must be of type int"),
]


@pytest.mark.parametrize(("call", "kind", "words"), OF_A_MANAGER)
def test_a_manager_refuses(
    manager: devsync.ChangelogRecoveryWorkflowManager, call: Call, kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        call(manager)


MADE: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: devsync.Connection(program="Night Report"), ValueError, "program 'Night Report' is no name"),
    (lambda: devsync.Connection(temporal_address=7233), TypeError, "temporal_address must be of type str"),  # type: ignore[arg-type]
    (lambda: Handler(connection="localhost:7233"), TypeError, "connection must be of type Connection"),  # type: ignore[arg-type]
    (lambda: Handler(connection=devsync.Connection(database_url="mysql://db")), ConfigError, "write postgresql://"),
    (lambda: Handler(monitoring_callback="log"), TypeError, "monitoring callback must be a function"),  # type: ignore[arg-type]
    (lambda: Handler(recover_within=30), TypeError, "recover_within must be of type timedelta"),  # type: ignore[arg-type]
    (lambda: Handler(recover_within=timedelta()), ValueError, "recover_within is no time"),
    (lambda: Handler(thresholds={}), TypeError, "thresholds must be of type Thresholds"),  # type: ignore[arg-type]
    (lambda: devsync.Thresholds(generation_time_seconds=float("nan")), ValueError, "generation_time_seconds"),
    (lambda: devsync.CircuitBreaker("github", {}), TypeError, "config must be of type CircuitBreakerConfig"),  # type: ignore[arg-type]
    (lambda: devsync.CircuitBreakerConfig(failure_threshold=-1), ValueError, "failure_threshold"),
    (lambda: devsync.ChangelogMonitoringIntegration({}), TypeError, "of type ChangelogMonitoringConfig"),  # type: ignore[arg-type]
    (lambda: devsync.Fallback({}, as_of="today"), TypeError, "as_of must be of type datetime"),  # type: ignore[arg-type]
    (lambda: step(step_id=""), ValueError, "step_id is empty"),
    (lambda: step(action="copy"), TypeError, 'the action of "one" must be a function'),
    (lambda: step(timeout=30), TypeError, 'the timeout of "one" must be of type timedelta'),
    (lambda: step(timeout=timedelta()), ValueError, '"one" needs a timeout'),
    (lambda: step(attempts=0), ValueError, "attempts of 1 at least"),
    (lambda: step(dependencies="copy"), TypeError, r'dependencies of "one" is a text; write \["copy"\]'),
    (lambda: Own("", "Own"), ValueError, "workflow_id is empty"),
]


@pytest.mark.parametrize(("make", "kind", "words"), MADE)
def test_it_cannot_be_made(make: Callable[[], Any], kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        make()


def test_a_name_is_the_same_whatever_blanks_are_around_it(handler: devsync.ChangelogErrorHandler) -> None:
    assert handler.get_circuit_breaker(" billing ") is handler.get_circuit_breaker("billing")


class Undecided:
    """As arrays are: nobody can say whether it is true."""

    def __bool__(self) -> bool:
        raise ValueError("ambiguous")

    def __str__(self) -> str:
        return "neither"


@pytest.mark.parametrize(
    ("context", "words"),
    [
        ({"category": "nonsense"}, "category 'nonsense' is none of data_collection, "),
        ({"severity": 3}, "severity 3 is none of low, medium, high, critical"),
        ({"iso_week": "2026-W60"}, "iso_week: "),
        ({"service": "github", "repository": "ledger"}, "repository 'ledger' is no owner/name"),
        ({"service": {"name": "github"}}, "service must be a text"),
        ({"operation": LONG}, "operation has 201 characters"),
        ({"service": "github", "repository": Undecided()}, "repository 'neither' is no owner/name"),
    ],
)
def test_what_of_a_context_is_not_understood_is_told_and_stops_nothing(
    context: dict[str, Any], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "devsync.api"):
        known = context_of(ValueError("lost"), context)
    (told,) = known.metadata[NOT_UNDERSTOOD].values()
    assert told.startswith(words)
    assert words in caplog.text


def test_a_context_of_the_programs_own_words_is_understood() -> None:
    said = {"service": "billing", "customer": 7, "at": datetime.now(UTC), "severity": "high", "iso_week": "2026-W47"}
    assert NOT_UNDERSTOOD not in context_of(ValueError("lost"), said).metadata
