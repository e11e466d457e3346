"""The words for what goes wrong: categories, severities, actions, and one failure as classification sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from devsync.domain.fingerprint import fingerprint
from devsync.domain.model import Model


class ErrorCategory(StrEnum):
    """What kind of thing went wrong; recovery plans are chosen by it."""

    DATA_COLLECTION = "data_collection"
    """We asked a source for something that it does not have, or does not show us."""
    DATA_PROCESSING = "data_processing"
    """What was stored or received is not what it should be."""
    FORMATTING = "formatting"
    """A template, or a message that its channel does not take."""
    DISTRIBUTION = "distribution"
    """A channel or a recipient that cannot be reached in this way."""
    CONFIGURATION = "configuration"
    """A file, a variable or an address that an operator wrote."""
    AUTHENTICATION = "authentication"
    """Credentials that are wrong, expired, or not allowed to."""
    RATE_LIMITING = "rate_limiting"
    """We are asked to come back later: expected, and never a reason to blame the service."""
    NETWORK = "network"
    """No connection, a broken one, or no answer in time."""
    DATABASE = "database"
    """PostgreSQL: away, not migrated, or it refused."""
    EXTERNAL_SERVICE = "external_service"
    """The service itself failed: a 5xx, or an answer that is none."""
    SYSTEM = "system"
    """This machine, this process, Temporal, or a mistake of ours."""


class ErrorSeverity(StrEnum):
    """How bad it is, from `low` (recorded, nobody is told) to `critical`."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for `low` to 3 for `critical`: texts do not sort by badness."""
        return list(ErrorSeverity).index(self)

    def raised(self, levels: int) -> ErrorSeverity:
        """This many levels worse, `critical` at most."""
        return list(ErrorSeverity)[min(self.rank + levels, ErrorSeverity.CRITICAL.rank)]


class RecoveryAction(StrEnum):
    """What was done about a failure."""

    RETRY = "retry"
    FALLBACK = "fallback"
    SKIP = "skip"
    ESCALATE = "escalate"
    ABORT = "abort"
    CIRCUIT_BREAK = "circuit_break"


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
    severity: ErrorSeverity = ErrorSeverity.MEDIUM
    counts_for_breaker: bool = False
    """The service itself is ill (time-out, network, 5xx, malformed answer): not so our own 4xx, nor throttling."""
    fingerprint: str = ""
    """Alike failures have the same one: made of category, service, operation and the message without its values."""
    retry_at: datetime | None = None
    """Of `circuit_open` and `service_paused`: the instant before which no call will be made."""
    probes_allowed: int = 0
    """With `retry_at`: how many calls may be tried then, before the rest."""
    is_open_ended: bool = False
    """With `retry_at`, which is then but a time to look again: calls are refused until an operator allows them."""


@dataclass(frozen=True, kw_only=True)
class ErrorContext:
    """An error and the work that it stopped. Stays in its process: an exception does not travel."""

    error: BaseException
    service: str
    """Whose call or work it was: `github`, `slack`, `local`, or a program's own word."""
    operation: str = ""
    category: ErrorCategory | None = None
    """None: found by classification. A program that knows better says so."""
    severity: ErrorSeverity | None = None
    """Likewise."""
    team_id: str = ""
    user_facing: bool = False
    """People see at once that it failed: one level more severe."""
    critical: bool = False
    """Nothing goes on without it: one level more severe."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What else a program knows of it: repository, date range, …"""


def assessed(failure: Failure, context: ErrorContext) -> Failure:
    """The failure as it weighs in its context, with its fingerprint.

    What the context states wins over what classification found. What is expected (throttling, an open breaker) heals
    by waiting and is never made worse than it is. Refused calls are alike whatever their breaker opened for: that was
    another failure, with a fingerprint of its own.
    """
    category = context.category or failure.category
    was_called = failure.retry_at is None
    found = failure.severity if failure.is_expected else failure.severity.raised(context.user_facing + context.critical)
    return failure.model_copy(
        update={
            "category": category,
            "severity": context.severity or found,
            "fingerprint": fingerprint(
                category.value,
                context.service,
                context.operation,
                failure.message if was_called else failure.code,
                code=failure.code,
            ),
        }
    )


class RecoveryResult(Model):
    """How a recovery, or one step of it, ended."""

    success: bool
    action_taken: RecoveryAction
    message: str
    retry_after: timedelta | None = None
    """With an unsuccessful one: when the next try may help."""
    fallback_data: Any = None
    """Real data of the same source and window that stands in; never invented."""
    escalation_required: bool = False
    metadata: Mapping[str, Any] = {}
