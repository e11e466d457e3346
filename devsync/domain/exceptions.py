"""What programs raise to say which part of their work went wrong (docs/python-api.md).

They are words for a category, no more: one that was raised `from` the error of a library is classified by that error,
which knows better.
"""

from datetime import timedelta
from typing import ClassVar

from devsync.domain.errors import ErrorCategory, ErrorSeverity


class ChangelogError(Exception):
    """The base of all of them; by itself a mistake of the program."""

    category: ClassVar[ErrorCategory] = ErrorCategory.SYSTEM
    severity: ClassVar[ErrorSeverity] = ErrorSeverity.MEDIUM
    is_retryable: ClassVar[bool] = True
    """Whether the same again may succeed."""


class DataCollectionError(ChangelogError):
    """A source did not give what was asked for."""

    category = ErrorCategory.DATA_COLLECTION


class DataProcessingError(ChangelogError):
    """What a source gave is not what it should be."""

    category = ErrorCategory.DATA_PROCESSING
    is_retryable = False


class FormattingError(ChangelogError):
    """It could not be rendered."""

    category = ErrorCategory.FORMATTING
    is_retryable = False


class DistributionError(ChangelogError):
    """It could not be brought to a channel."""

    category = ErrorCategory.DISTRIBUTION


class ConfigurationError(ChangelogError):
    """What an operator wrote cannot be used."""

    category = ErrorCategory.CONFIGURATION
    severity = ErrorSeverity.HIGH
    is_retryable = False


class AuthenticationError(ChangelogError):
    """Credentials that are wrong, expired, or not allowed to."""

    category = ErrorCategory.AUTHENTICATION
    severity = ErrorSeverity.HIGH
    is_retryable = False


class RateLimitError(ChangelogError):
    """A service asks for patience; `retry_after` is how long, where it said so."""

    category = ErrorCategory.RATE_LIMITING
    severity = ErrorSeverity.LOW

    def __init__(self, *words: object, retry_after: timedelta | None = None) -> None:
        super().__init__(*words)
        self.retry_after = retry_after


class NetworkError(ChangelogError):
    """No connection, a broken one, or no answer in time."""

    category = ErrorCategory.NETWORK


class DatabaseError(ChangelogError):
    """A database of the program's own failed."""

    category = ErrorCategory.DATABASE
    severity = ErrorSeverity.HIGH


class ExternalServiceError(ChangelogError):
    """The service itself failed."""

    category = ErrorCategory.EXTERNAL_SERVICE
