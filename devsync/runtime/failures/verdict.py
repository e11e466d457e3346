"""A verdict: what kind of failure something is, as data, and the verdicts that many libraries share."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from devsync.domain.errors import ErrorCategory, ErrorSeverity, Failure

_LONGEST_CHAIN = 20


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Everything of a `Failure` but the words that differ from one to the next."""

    category: ErrorCategory
    says: str
    """The message; `{service}`, `{code}` and what else `failure` is given stand in braces."""
    code: str = ""
    severity: ErrorSeverity = ErrorSeverity.MEDIUM
    is_retryable: bool = False
    counts_for_breaker: bool = False
    may_have_taken_effect: bool = False
    is_expected: bool = False

    def failure(
        self,
        service: str,
        *,
        category: ErrorCategory | None = None,
        code: str = "",
        retry_after: timedelta | None = None,
        **words: Any,
    ) -> Failure:
        return Failure(
            category=category or self.category,
            message=self.says.format(service=service, code=code or self.code, **words),
            code=code or self.code,
            severity=self.severity,
            is_retryable=self.is_retryable,
            counts_for_breaker=self.counts_for_breaker,
            may_have_taken_effect=self.may_have_taken_effect,
            is_expected=self.is_expected,
            retry_after=retry_after,
        )


class Rule(Protocol):
    """Finds the failure where more than the type of an exception decides."""

    def __call__(self, error: Any, service: str, now: datetime, /) -> Failure: ...


UNREACHABLE = Verdict(
    category=ErrorCategory.NETWORK,
    says="{service} cannot be reached ({type})",
    code="unreachable",
    is_retryable=True,
    counts_for_breaker=True,
)
"""Nothing was sent."""
NAME_UNKNOWN = Verdict(
    category=ErrorCategory.NETWORK,
    says="the host name of {service} is not known here ({type}): check its address, and this machine's DNS",
    code="dns",
    is_retryable=True,
    counts_for_breaker=True,
)
UNTRUSTED = Verdict(
    category=ErrorCategory.NETWORK,
    says="{service} shows a certificate that is not trusted here: check its address, and this machine's authorities"
    " (SSL_CERT_FILE, REQUESTS_CA_BUNDLE)",
    code="certificate",
    severity=ErrorSeverity.HIGH,
    is_retryable=True,
    counts_for_breaker=True,
)
BROKEN = Verdict(
    category=ErrorCategory.NETWORK,
    says="the connection to {service} broke ({type})",
    code="network",
    is_retryable=True,
    counts_for_breaker=True,
    may_have_taken_effect=True,
)
TIMED_OUT = Verdict(
    category=ErrorCategory.NETWORK,
    says="{service} did not answer in time",
    code="timeout",
    is_retryable=True,
    counts_for_breaker=True,
    may_have_taken_effect=True,
)
MALFORMED = Verdict(
    category=ErrorCategory.EXTERNAL_SERVICE,
    says="{service} answered with no valid JSON",
    code="malformed",
    is_retryable=True,
    counts_for_breaker=True,
    may_have_taken_effect=True,
)
BAD_ADDRESS = Verdict(
    category=ErrorCategory.CONFIGURATION,
    says="the address of {service} cannot be used ({type}): correct it in the environment or the team file",
    code="address",
    severity=ErrorSeverity.HIGH,
)


def chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was raised from or while handling, outermost first, each once.

    urllib3 keeps a cause in `reason`, SQLAlchemy in `orig`, requests as its first argument.
    """
    waiting, seen = [error], set[int]()
    while waiting and len(seen) < _LONGEST_CHAIN:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        kept = (getattr(current, "reason", None), getattr(current, "orig", None), *current.args[:1])
        behind = (current.__cause__, current.__context__, *kept)
        waiting += [one for one in behind if isinstance(one, BaseException)]


def first_line(error: BaseException, limit: int = 200) -> str:
    """An error in one line. Client libraries put whole answers behind the first one."""
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:limit]
