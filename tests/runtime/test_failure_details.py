"""What a failure tells beside its class: the wait, the cure, whether it took effect, and what it keeps quiet."""

import errno
import smtplib
from datetime import UTC, datetime, timedelta

import pytest
import requests
from temporalio.service import RPCStatusCode

from devsync.domain.errors import ErrorCategory, ErrorContext, ErrorSeverity
from devsync.runtime.classification import assess, classify
from devsync.runtime.failures.http import SECONDARY_LIMIT_WAIT
from devsync.settings.problems import ConfigError
from devsync.storage.content import ContentDamaged
from tests.runtime import errors_of_libraries as made

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def test_githubs_own_wait_is_a_minute_where_it_gives_no_hint() -> None:
    assert classify(made.github(429), "github", NOW).retry_after == SECONDARY_LIMIT_WAIT
    hinted = made.github(403, "", {"Retry-After": "30"})
    assert classify(hinted, "github", NOW).retry_after == timedelta(seconds=30)


def test_an_ill_service_may_give_a_hint_and_a_refusal_never_does() -> None:
    hint = {"Retry-After": "120"}
    assert classify(made.jira(503, "", hint), "jira", NOW).retry_after == timedelta(minutes=2)
    assert classify(made.jira(404, "", hint), "jira", NOW).retry_after is None


def test_a_limit_of_jira_tells_its_reason() -> None:
    limit = made.jira(429, "", {"RateLimit-Reason": "jira-burst-based", "Retry-After": "5"})
    assert "jira-burst-based" in classify(limit, "jira", NOW).message


def test_our_own_4xx_is_a_matter_of_what_the_service_is_for() -> None:
    assert classify(made.requests_status(404), "github", NOW).category is ErrorCategory.DATA_COLLECTION
    assert classify(made.requests_status(404), "calendar", NOW).category is ErrorCategory.DATA_COLLECTION
    assert classify(made.requests_status(404), "webhook", NOW).category is ErrorCategory.DISTRIBUTION


@pytest.mark.parametrize(
    ("error", "may_have"),
    [
        (made.requests_connection(made.new_connection(ConnectionRefusedError())), False),
        (requests.ConnectTimeout(), False),
        (requests.ReadTimeout(), True),
        (made.github(502), True),
        (made.github(422), False),
        (made.slack("fatal_error"), True),
        (made.slack("ratelimited"), False),
        (smtplib.SMTPDataError(451, b"later"), False),
        (smtplib.SMTPServerDisconnected("gone"), True),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_was_sent_and_not_answered_may_have_taken_effect(error: Exception, may_have: bool) -> None:
    assert classify(error, "slack", NOW).may_have_taken_effect is may_have


def test_the_message_of_what_a_person_can_mend_names_the_cure() -> None:
    for error, cure in (
        (made.github(401), "GITHUB_TOKEN"),
        (made.github(404), "team file"),
        (made.system(errno.EMFILE), "ulimit -n"),
        (made.system(errno.ENOSPC), "free space"),
        (made.template("{% if %}"), "line 1"),
        (made.postgres("42P01"), "db upgrade"),
        (made.rpc(RPCStatusCode.UNAVAILABLE), "TEMPORAL_ADDRESS"),
        (ContentDamaged("x"), "backup"),
    ):
        assert cure in classify(error, "github", NOW).message


def test_no_secret_and_no_page_gets_into_a_message() -> None:
    page = made.github(502, "<html>\n" + "page " * 500)
    assert len(classify(page, "github", NOW).message) < 200
    token = RuntimeError("GET https://x:ghp_16C7e42F292c6912E7710c838347Ae178B4a@github.com failed")
    assert "ghp_" not in classify(token, "github", NOW).message
    problems = ConfigError([f"config/teams/team-{number}.yaml:1: is wrong" for number in range(100)])
    assert len(classify(problems, "local", NOW).message.encode()) <= 600


def test_a_context_adds_what_classification_cannot_know() -> None:
    alone = classify(made.github(503), "github", NOW)
    context = ErrorContext(error=made.github(503), service="github", operation="collect", critical=True)
    weighed = assess(context, NOW)
    assert (alone.severity, alone.fingerprint) == (ErrorSeverity.MEDIUM, "")
    assert weighed.severity is ErrorSeverity.HIGH
    assert weighed.fingerprint
    assert weighed.model_copy(update={"severity": ErrorSeverity.MEDIUM, "fingerprint": ""}) == alone
