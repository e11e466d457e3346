"""What GitHub's GraphQL says when it answers 200 and did not do what was asked: `errors[]`, by type and code.

Any error in an answer fails the whole request, also beside data: GitHub sends partial data with what it could not
read as null, and a week without its forbidden part would look complete.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from devsync.domain.errors import ErrorCategory, ErrorSeverity, Failure
from devsync.runtime.failures.verdict import Verdict
from devsync.runtime.server_hints import retry_after

UNHINTED_WAIT = timedelta(minutes=1)
"""GitHub: without a hint, wait at least a minute (docs, "rate limits for the GraphQL API")."""


class Refusal(StrEnum):
    """Why GraphQL refused, as far as that decides what to do next."""

    TOO_MUCH = "too_much"
    """The page was too heavy: a smaller one may go through."""
    RATE_LIMITED = "rate_limited"
    """GraphQL's own points are used up; REST counts apart."""
    NOT_FOUND = "not_found"
    FORBIDDEN = "forbidden"
    UNKNOWN_FIELD = "unknown_field"
    """This server's schema lacks what we ask for: an older GitHub Enterprise Server."""
    FAILED = "failed"
    """Something went wrong there; the same request may work later."""


_BY_CODE: Mapping[str, Refusal] = {
    "MAX_NODE_LIMIT_EXCEEDED": Refusal.TOO_MUCH,
    "RESOURCE_LIMITS_EXCEEDED": Refusal.TOO_MUCH,
    "EXCESSIVE_PAGINATION": Refusal.TOO_MUCH,
    "TIMEOUT": Refusal.TOO_MUCH,
    "RATE_LIMITED": Refusal.RATE_LIMITED,
    "RATE_LIMIT": Refusal.RATE_LIMITED,
    "graphql_rate_limit": Refusal.RATE_LIMITED,
    "NOT_FOUND": Refusal.NOT_FOUND,
    "FORBIDDEN": Refusal.FORBIDDEN,
    "INSUFFICIENT_SCOPES": Refusal.FORBIDDEN,
    "undefinedField": Refusal.UNKNOWN_FIELD,
    "undefinedType": Refusal.UNKNOWN_FIELD,
    "argumentNotAccepted": Refusal.UNKNOWN_FIELD,
    "argumentLiteralsIncompatible": Refusal.UNKNOWN_FIELD,
    "variableMismatch": Refusal.UNKNOWN_FIELD,
}
"""By `errors[].type`, or by `errors[].extensions.code` where validation refused the query."""

_ORDER = (
    Refusal.RATE_LIMITED, Refusal.TOO_MUCH, Refusal.UNKNOWN_FIELD, Refusal.FORBIDDEN, Refusal.NOT_FOUND, Refusal.FAILED,
)  # fmt: skip
"""Which of several errors decides: what a wait or a smaller page heals comes first."""


class GraphQLRefused(Exception):
    """GraphQL answered with `errors[]`. `code` is GitHub's own word for the deciding one, or empty."""

    def __init__(self, refusal: Refusal, code: str, headers: Mapping[str, str]) -> None:
        super().__init__(f"github's GraphQL answered {code or 'an error without a type'}")
        self.refusal = refusal
        self.code = code
        self.headers = headers


def refused(errors: Any, headers: Mapping[str, str]) -> GraphQLRefused:
    """The exception for an answer's `errors`. An error whose type nobody knows counts as `FAILED`."""
    found = [_known(error) for error in errors] if isinstance(errors, list) else []
    refusal, code = min(found or [(Refusal.FAILED, "")], key=lambda one: _ORDER.index(one[0]))
    return GraphQLRefused(refusal, code, headers)


def failure_of(error: GraphQLRefused, service: str, now: datetime) -> Failure:
    """How a refusal is classified where no other road takes over."""
    hint = (retry_after(error.headers, now) or UNHINTED_WAIT) if error.refusal is Refusal.RATE_LIMITED else None
    return BY_REFUSAL[error.refusal].failure(service, code=error.code, retry_after=hint, words=str(error))


BY_REFUSAL: Mapping[Refusal, Verdict] = {
    Refusal.RATE_LIMITED: Verdict(
        category=ErrorCategory.RATE_LIMITING,
        says="{service} limits our GraphQL points ({code})",
        severity=ErrorSeverity.LOW,
        is_retryable=True,
        is_expected=True,
    ),
    # Ours, in a way: a smaller page goes through, and nothing else of the service is ill.
    Refusal.TOO_MUCH: Verdict(category=ErrorCategory.EXTERNAL_SERVICE, says="{words}", is_retryable=True),
    Refusal.FAILED: Verdict(
        category=ErrorCategory.EXTERNAL_SERVICE, says="{words}", is_retryable=True, counts_for_breaker=True
    ),
    Refusal.NOT_FOUND: Verdict(
        category=ErrorCategory.DATA_COLLECTION,
        says="{words}: correct the team file, or give the credentials access to the repository",
    ),
    Refusal.FORBIDDEN: Verdict(
        category=ErrorCategory.AUTHENTICATION,
        says="{words}: give the credentials access (`python starter.py doctor` tells what is missing), or set"
        " github.api: rest",
        severity=ErrorSeverity.HIGH,
    ),
    Refusal.UNKNOWN_FIELD: Verdict(
        category=ErrorCategory.CONFIGURATION,
        says="{words}: this server's GraphQL is too old for our query; set github.api: rest in the team file",
        severity=ErrorSeverity.HIGH,
    ),
}


def _known(error: Any) -> tuple[Refusal, str]:
    if not isinstance(error, dict):
        return Refusal.FAILED, ""
    extensions = error.get("extensions")
    codes = [error.get("type"), extensions.get("code") if isinstance(extensions, dict) else None]
    for code in codes:
        if isinstance(code, str) and code in _BY_CODE:
            return _BY_CODE[code], code
    return Refusal.FAILED, str(codes[0] or "")
