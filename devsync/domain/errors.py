"""The words for what goes wrong: categories, severities, and one failure as classification sees it."""

from datetime import datetime, timedelta
from enum import StrEnum

from devsync.domain.model import Model


class ErrorCategory(StrEnum):
    DATA_COLLECTION = "data_collection"
    DATA_PROCESSING = "data_processing"
    FORMATTING = "formatting"
    DISTRIBUTION = "distribution"
    CONFIGURATION = "configuration"
    AUTHENTICATION = "authentication"
    RATE_LIMITING = "rate_limiting"
    NETWORK = "network"
    DATABASE = "database"
    EXTERNAL_SERVICE = "external_service"
    SYSTEM = "system"


class Failure(Model):
    """One failure, classified: what the retry decision and the reader of a gap need.

    `message` is one sentence with the cure where there is one, without secrets or addresses with credentials.
    """

    category: ErrorCategory
    message: str
    is_retryable: bool
    retry_after: timedelta | None = None
    """The server's own hint, a floor for the next attempt."""
    is_expected: bool = False
    """Throttling and the like: logged quietly."""
    may_have_taken_effect: bool = False
    """A write was sent and its outcome is unknown."""
    code: str = ""
    """HTTP status or the API's own error code: `503`, `channel_not_found`."""
    retry_at: datetime | None = None
    """Of `circuit_open` and `service_paused`: the instant before which no call will be made."""
