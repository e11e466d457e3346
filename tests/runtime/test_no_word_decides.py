"""No word in a message decides what a failure is: a name that contains a keyword fools nothing."""

import errno
import smtplib
from datetime import UTC, datetime
from typing import Any

import pytest

from devsync.domain.errors import ErrorCategory
from devsync.runtime.classification import MalformedAnswer, classify
from devsync.settings.problems import ConfigError
from devsync.storage.connection import DatabaseUnavailable
from tests.runtime import errors_of_libraries as made

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

DATA, DISTRIBUTION, LOGIN = ErrorCategory.DATA_COLLECTION, ErrorCategory.DISTRIBUTION, ErrorCategory.AUTHENTICATION
CONFIGURATION, DATABASE = ErrorCategory.CONFIGURATION, ErrorCategory.DATABASE
EXTERNAL, SYSTEM = ErrorCategory.EXTERNAL_SERVICE, ErrorCategory.SYSTEM

WORDS = [
    "author not found", "unauthorized", "rate limit exceeded", "timeout", "connection refused", "503",
    "disk full", "no space left on device", "invalid_auth", "ratelimited", "Bad credentials", "permission denied",
    "api rate limit exceeded for the author", "you have exceeded a secondary rate limit",
]  # fmt: skip


@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize(
    ("make", "category", "is_retryable"),
    [
        (lambda words: made.github(422, words), DATA, False),
        (lambda words: made.github(403, words), LOGIN, False),
        (lambda words: made.github(404, words), DATA, False),
        (lambda words: made.github(500, words), EXTERNAL, True),
        (lambda words: made.jira(400, words), DATA, False),
        (lambda words: made.slack("channel_not_found", detail=words), DISTRIBUTION, False),
        (lambda words: smtplib.SMTPDataError(554, words.encode()), DISTRIBUTION, False),
        (lambda words: MalformedAnswer("github", words, words), EXTERNAL, True),
        (RuntimeError, SYSTEM, True),
        (lambda words: made.system(errno.EACCES, f"/{words}"), SYSTEM, False),
        (DatabaseUnavailable, DATABASE, True),
        (lambda words: ConfigError([words]), CONFIGURATION, False),
    ],
)
def test_a_name_with_a_keyword_in_it_fools_nothing(
    make: Any, category: ErrorCategory, is_retryable: bool, words: str
) -> None:
    failure = classify(make(words), "github", NOW)
    assert (failure.category, failure.is_retryable) == (category, is_retryable)
