"""Each library's own table behind the table of classification: its error codes, states and numbers, one by one."""

import errno
from datetime import UTC, datetime

import pytest
from temporalio.exceptions import TimeoutType
from temporalio.service import RPCStatusCode

from devsync.domain.errors import ErrorCategory
from devsync.runtime.classification import classify
from devsync.runtime.failures import database, machine, mail, slack, temporal
from devsync.runtime.failures.graphql import BY_REFUSAL, Refusal
from devsync.runtime.failures.http import BY_STATUS
from tests.runtime import errors_of_libraries as made

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize("code", list(slack.BY_CODE))
def test_a_code_of_slack_is_of_its_kind(code: str) -> None:
    failure = classify(made.slack(code), "slack", NOW)
    assert failure.is_retryable is (slack.BY_CODE[code].is_retryable)
    assert failure.category is slack.BY_CODE[code].category
    assert code in failure.message


@pytest.mark.parametrize("state", list(database.BY_STATE))
def test_a_state_of_postgresql_is_of_its_kind(state: str) -> None:
    full = state.ljust(5, "0")
    failure = classify(made.sqlalchemy(made.postgres(full)), "local", NOW)
    verdict = database.BY_STATE[state]
    assert (failure.category, failure.is_retryable, failure.code) == (verdict.category, verdict.is_retryable, full)


@pytest.mark.parametrize("number", list(machine.BY_ERRNO), ids=errno.errorcode.get)
def test_an_errno_is_of_its_kind(number: int) -> None:
    failure = classify(made.system(number), "github", NOW)
    verdict = machine.BY_ERRNO[number]
    assert (failure.category, failure.is_retryable, failure.counts_for_breaker) == (
        verdict.category,
        verdict.is_retryable,
        verdict.counts_for_breaker,
    )


def test_whatever_a_server_answers_has_a_row() -> None:
    for status in range(100, 600):
        assert any(status in statuses for statuses, _ in BY_STATUS)
        assert classify(made.github(status), "github", NOW).code == str(status)
        assert classify(made.requests_status(status), "webhook", NOW).category is not ErrorCategory.DATA_COLLECTION
    for code in range(-1, 600):
        assert any(code in codes for codes, _ in mail.BY_CODE)
    assert set(BY_REFUSAL) == set(Refusal)
    assert set(temporal.BY_TIMEOUT) == set(TimeoutType)
    for status_ in RPCStatusCode:
        assert classify(made.rpc(status_), "local", NOW).code == status_.name.lower()
