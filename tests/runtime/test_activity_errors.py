"""What an activity's exception becomes in a history, and what is told to the records."""

import json
import logging
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import requests
from jira import JIRAError
from temporalio.api.failure.v1 import Failure
from temporalio.common import RetryPolicy
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCStatusCode
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from devsync.contracts.errors import ErrorRecord
from devsync.contracts.policies import Jitter
from devsync.contracts.recovery import StepResult
from devsync.domain.errors import ErrorCategory, ErrorSeverity
from devsync.domain.errors import Failure as Classified
from devsync.runtime.activity_errors import ErrorTranslation, ToldAlready, to_application_error
from devsync.runtime.declared_retry import HEADER
from tests.runtime import errors_of_libraries as made


def jira_error() -> JIRAError:
    """As JIRA's library raises it: its text has all headers and the whole body."""
    answer = requests.Response()
    answer.status_code = 502
    answer.headers["Set-Cookie"] = "JSESSIONID=the-session"
    answer._content = b"<html>" + b"a long page " * 500
    return JIRAError("Bad Gateway", status_code=502, url="https://jira.acme.dev/rest/api/2/search", response=answer)


class Raises(ActivityInboundInterceptor):
    def __init__(self, error: Exception) -> None:
        self._error = error

    async def execute_activity(self, input: ExecuteActivityInput) -> None:  # noqa: A002
        raise self._error


async def translated(
    error: Exception, translation: ErrorTranslation | None = None, *, jitter: str = "", **info: Any
) -> ApplicationError:
    """What a history gets of an activity that raised `error`; `info` is what the activity knows of itself."""
    headers = {HEADER: DataConverter.default.payload_converter.to_payload(jitter)} if jitter else {}

    async def attempt() -> None:
        arguments = ExecuteActivityInput(fn=attempt, args=[], executor=None, headers=headers)
        await (translation or ErrorTranslation()).intercept_activity(Raises(error)).execute_activity(arguments)

    environment = ActivityEnvironment()
    environment.info = replace(environment.info, **info)
    with pytest.raises(ApplicationError) as raised:
        await environment.run(attempt)
    return raised.value


def failure_in(error: ApplicationError) -> Classified:
    found = error.details[0]
    assert isinstance(found, Classified)
    return found


class Answers(ActivityInboundInterceptor):
    def __init__(self, answer: object) -> None:
        self._answer = answer

    async def execute_activity(self, input: ExecuteActivityInput) -> object:  # noqa: A002
        return self._answer


async def test_what_a_step_could_not_heal_is_an_error_of_each_unit() -> None:
    """It answers, since others it could; to the records each failure is one."""
    kept: list[ErrorRecord] = []
    failures = {
        unit: Classified(
            category=ErrorCategory.EXTERNAL_SERVICE, message=f"503 at {unit}, token s3cr3t-token", code="503",
            is_retryable=True, fingerprint="f",
        )
        for unit in ("github:acme/api", "github:acme/web")
    }  # fmt: skip
    answer = StepResult(failures=failures, message="asked again: 503, token s3cr3t-token")
    translation = ErrorTranslation(keep=kept.append, secrets=["s3cr3t-token"])

    async def attempt() -> StepResult:
        arguments = ExecuteActivityInput(fn=attempt, args=[], executor=None, headers={})
        told: StepResult = await translation.intercept_activity(Answers(answer)).execute_activity(arguments)
        return told

    environment = ActivityEnvironment()
    environment.info = replace(
        environment.info, activity_type="github.collect_again", activity_id="5", workflow_id="recovery:payments:x"
    )
    told = await environment.run(attempt)
    assert [(one.activity_id, one.operation, one.team, one.code) for one in kept] == [
        ("5 github:acme/api", "collect_again", "payments", "503"),
        ("5 github:acme/web", "collect_again", "payments", "503"),
    ]
    assert "s3cr3t-token" not in f"{kept} {told}"
    assert told.failures.keys() == failures.keys()


async def test_a_history_keeps_the_type_and_the_place_of_a_cause_and_none_of_the_answer() -> None:
    error = jira_error()
    assert "the-session" in str(error), "the library's own text tells everything"
    failure = Failure()
    converter = DataConverter.default
    converter.failure_converter.to_failure(await translated(error), converter.payload_converter, failure)
    assert failure.cause.application_failure_info.type == "JIRAError"
    assert failure.cause.message == "JiraError HTTP 502 url: https://jira.acme.dev/rest/api/2/search"
    assert "execute_activity" in failure.cause.stack_trace
    assert "the-session" not in str(failure)
    assert "a long page" not in str(failure)


async def test_a_cause_of_a_cause_is_told_too() -> None:
    outer = RuntimeError("outer")
    outer.__cause__ = jira_error()
    cause = (await translated(outer)).__cause__
    assert isinstance(cause, ApplicationError)
    assert isinstance(cause.__cause__, ApplicationError)
    assert (cause.message, cause.__cause__.type) == ("outer", "JIRAError")


async def test_what_is_classified_already_passes_unchanged() -> None:
    known = ApplicationError("known", type="data_collection")
    assert await translated(known) is known


POLICY = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(minutes=1)
)


async def test_what_was_classified_by_the_activity_itself_gets_its_weight_and_fingerprint() -> None:
    found = Classified(category=ErrorCategory.CONFIGURATION, message="no team", is_retryable=True)
    error = to_application_error(found, timedelta(seconds=7))
    again = await translated(error, activity_type="local.find_due_week")
    assert failure_in(again).fingerprint
    assert failure_in(again).severity is ErrorSeverity.HIGH, "without a week there is no edition"
    assert (again.type, again.next_retry_delay) == ("configuration", timedelta(seconds=7))


async def test_a_refusal_of_temporals_own_is_classified_too() -> None:
    assert failure_in(await translated(made.rpc(RPCStatusCode.UNAVAILABLE))).category is ErrorCategory.SYSTEM


@pytest.mark.parametrize(
    ("activity_type", "severity"),
    [
        ("slack.find_part", ErrorSeverity.MEDIUM),
        ("slack.send_part", ErrorSeverity.HIGH),
        ("slack.of_another_program", ErrorSeverity.MEDIUM),
    ],
)
async def test_an_operation_that_people_see_fail_weighs_more(activity_type: str, severity: ErrorSeverity) -> None:
    raised = await translated(made.slack("channel_not_found"), activity_type=activity_type)
    assert failure_in(raised).severity is severity


@pytest.mark.parametrize(
    ("hint", "jitter", "low", "high"),
    [
        ("", "", 0, 4),
        ("", Jitter.NONE, None, None),
        ("30", "", 30, 45),
        ("30", Jitter.NONE, 30, 30),
        ("8", Jitter.FULL, 8, 12),
        ("3600", "", 3600, 3615),
    ],
)
async def test_the_wait_before_the_third_attempt_is_the_servers_or_full_jitter(
    hint: str, jitter: str, low: float | None, high: float | None
) -> None:
    error = made.jira(503, "", {"Retry-After": hint} if hint else {})
    raised = await translated(error, jitter=jitter, attempt=3, retry_policy=POLICY)
    if low is None or high is None:
        assert raised.next_retry_delay is None
    else:
        assert raised.next_retry_delay is not None
        assert low <= raised.next_retry_delay.total_seconds() <= high


async def test_what_is_hopeless_asks_for_no_wait() -> None:
    raised = await translated(made.github(404), retry_policy=POLICY)
    assert (raised.non_retryable, raised.next_retry_delay) == (True, None)


# The records.


async def test_each_failed_attempt_is_told_with_what_names_it() -> None:
    kept: list[ErrorRecord] = []
    names: dict[str, Any] = {
        "activity_type": "github.collect_repository",
        "activity_id": "7",
        "attempt": 3,
        "workflow_id": "changelog:payments:2026-W47",
        "workflow_run_id": "the-run",
    }
    raised = await translated(made.github(503), ErrorTranslation(keep=kept.append), **names)
    (record,) = kept
    assert (record.run_id, record.activity_id, record.attempt) == ("the-run", "7", 3)
    assert (record.team, record.service, record.operation) == ("payments", "github", "collect_repository")
    assert (record.category, record.severity, record.code) == ("external_service", "medium", "503")
    assert (record.fingerprint, record.message) == (failure_in(raised).fingerprint, "github answered 503")


async def test_work_that_was_handed_back_is_no_error() -> None:
    kept: list[ErrorRecord] = []
    await translated(ApplicationError("the worker shuts down", type="HandedBack"), ErrorTranslation(keep=kept.append))
    assert kept == []


async def test_a_secret_that_a_service_quotes_stays_in_this_process() -> None:
    kept: list[ErrorRecord] = []
    translation = ErrorTranslation(keep=kept.append, secrets=["NjY2MDE3Mzk0"])
    raised = await translated(made.jira(400, "the header NjY2MDE3Mzk0 is wrong"), translation)
    cause = made.jira(500)
    cause.url = "https://jira.acme.dev/?token=NjY2MDE3Mzk0"
    told = [
        raised.message,
        str(raised.__cause__),
        kept[0].message,
        str((await translated(cause, translation)).__cause__),
    ]
    assert "NjY2MDE3Mzk0" not in json.dumps([*told, failure_in(raised).model_dump(mode="json")])
    assert "[redacted]" in raised.message


@pytest.mark.parametrize(
    ("category", "is_logged"), [(ErrorCategory.EXTERNAL_SERVICE, False), (ErrorCategory.SYSTEM, True)]
)
def test_the_log_has_a_traceback_only_of_a_mistake_of_ours(
    category: ErrorCategory, is_logged: bool, caplog: pytest.LogCaptureFixture
) -> None:
    log, told_already = logging.getLogger("temporalio.activity"), ToldAlready()
    log.addFilter(told_already)
    try:
        raise to_application_error(Classified(category=category, message="it failed", is_retryable=True), None)
    except ApplicationError:
        log.warning("Completing activity as failed", exc_info=True)
        log.info("attempt 1 failed: it failed")
    finally:
        log.removeFilter(told_already)
    assert ("Completing activity as failed" in caplog.text) is is_logged
