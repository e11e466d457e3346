"""What an activity's exception becomes in a history."""

import pytest
import requests
from jira import JIRAError
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput

from devsync.runtime.activity_errors import ErrorTranslation


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


async def translated(error: Exception) -> ApplicationError:
    async def attempt() -> None:
        arguments = ExecuteActivityInput(fn=attempt, args=[], executor=None, headers={})
        await ErrorTranslation().intercept_activity(Raises(error)).execute_activity(arguments)

    with pytest.raises(ApplicationError) as raised:
        await ActivityEnvironment().run(attempt)
    return raised.value


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
