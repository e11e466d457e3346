"""HTTP failures: by status and header, for every library that speaks it; by type where there was no answer."""

import socket
import ssl
from collections.abc import Container, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from devsync.domain.errors import ErrorCategory, ErrorSeverity, Failure
from devsync.runtime.failures.answers import wrong_credentials
from devsync.runtime.failures.foreign import Foreign, Kinds, is_one_of
from devsync.runtime.failures.verdict import (
    BROKEN,
    NAME_UNKNOWN,
    TIMED_OUT,
    UNREACHABLE,
    UNTRUSTED,
    Verdict,
    chain,
)
from devsync.runtime.server_hints import retry_after

if TYPE_CHECKING:
    import aiohttp
    import httpx
    import requests
    from github.GithubException import GithubException
    from jira.exceptions import JIRAError

SECONDARY_LIMIT_WAIT = timedelta(seconds=60)
"""GitHub: without a hint, wait at least a minute after a secondary limit (docs, "rate limits for the REST API")."""

_DETAIL_CHARACTERS = 120

THROTTLED = Verdict(
    category=ErrorCategory.RATE_LIMITING,
    says="{service} limits our rate ({detail})",
    code="429",
    severity=ErrorSeverity.LOW,
    is_retryable=True,
    is_expected=True,
)
NOT_FOUND = Verdict(
    category=ErrorCategory.DATA_COLLECTION,
    says="{service} answered {status}{detail}: correct the team file, or give the credentials access",
)
"""404 may as well mean that our credentials lack the right: services hide what one may not see."""
REFUSED = Verdict(category=ErrorCategory.DATA_COLLECTION, says="{service} answered {status}{detail}")

# The first row that holds the status decides.
BY_STATUS: tuple[tuple[Container[int], Verdict], ...] = (
    ({401, 403}, Verdict(category=ErrorCategory.AUTHENTICATION, says="", severity=ErrorSeverity.HIGH)),
    ({404, 410, 451}, NOT_FOUND),
    (
        {407},
        Verdict(
            category=ErrorCategory.CONFIGURATION,
            says="the proxy before {service} wants credentials: put them into HTTPS_PROXY",
            severity=ErrorSeverity.HIGH,
        ),
    ),
    (
        {408},
        Verdict(
            category=ErrorCategory.NETWORK,
            says="{service} gave our request up as too slow (408)",
            is_retryable=True,
            counts_for_breaker=True,
        ),
    ),
    ({429}, THROTTLED),
    (range(400, 500), REFUSED),
    (
        range(500, 600),
        Verdict(
            category=ErrorCategory.EXTERNAL_SERVICE,
            says="{service} answered {status}{detail}",
            is_retryable=True,
            counts_for_breaker=True,
            may_have_taken_effect=True,
        ),
    ),
    (
        range(1000),
        Verdict(
            category=ErrorCategory.EXTERNAL_SERVICE,
            says="{service} answered {status}, which is no answer to what was asked",
            is_retryable=True,
            counts_for_breaker=True,
            may_have_taken_effect=True,
        ),
    ),
)

_BRINGS_TO_PEOPLE = {"slack", "email", "webhook"}
"""Services that take an edition out; the others give what it is made of."""


def from_status(service: str, status: int, headers: Mapping[str, str], detail: str, now: datetime) -> Failure:
    """What an answer with this status means. `detail` is the service's own word for it, or empty."""
    verdict = next(verdict for statuses, verdict in BY_STATUS if status in statuses)
    told = f" ({detail})" if detail else ""
    if verdict.category is ErrorCategory.AUTHENTICATION:
        return wrong_credentials(f"{service} answered {status}{told}", service, code=str(status))
    if verdict is THROTTLED:
        return THROTTLED.failure(service, detail=detail or "429", retry_after=retry_after(headers, now))
    return verdict.failure(
        service,
        category=refusal(service) if verdict.category is ErrorCategory.DATA_COLLECTION else None,
        code=str(status),
        retry_after=retry_after(headers, now) if verdict.is_retryable else None,
        status=status,
        detail=told,
    )


def refusal(service: str) -> ErrorCategory:
    """What cannot be had from the service, or brought to it, because we ask for the wrong thing."""
    return ErrorCategory.DISTRIBUTION if service in _BRINGS_TO_PEOPLE else ErrorCategory.DATA_COLLECTION


def github(error: "GithubException", service: str, now: datetime) -> Failure:
    """PyGithub tells a limit by words in the message, and calls a 429 a plain error: both are asked again here."""
    headers = {str(name).lower(): str(value) for name, value in (error.headers or {}).items()}
    status, body = int(error.status), error.data if isinstance(error.data, dict) else {}
    if status == 429 or (status == 403 and _is_limit(headers, body)):
        hint = retry_after(headers, now) or SECONDARY_LIMIT_WAIT
        return THROTTLED.failure(service, detail=str(status), code=str(status), retry_after=hint)
    return from_status(service, status, headers, str(body.get("message") or "")[:_DETAIL_CHARACTERS], now)


def _is_limit(headers: Mapping[str, str], body: Mapping[str, Any]) -> bool:
    """GitHub's 403 is a lack of rights unless it says when to come back, or names its page on limits."""
    names_the_limits = "rate-limit" in str(body.get("documentation_url") or "")
    return "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0" or names_the_limits


def jira(error: "JIRAError", service: str, now: datetime) -> Failure:
    if error.status_code is None:
        return BROKEN.failure(service, type=type(error).__name__)
    headers = dict(error.response.headers) if error.response is not None else {}
    reason = {name.lower(): value for name, value in headers.items()}.get("ratelimit-reason", "")
    return from_status(service, int(error.status_code), headers, reason or _jira_words(error), now)


def _jira_words(error: "JIRAError") -> str:
    """JIRA's own error messages; never the whole body, which may be an HTML page."""
    try:
        body = error.response.json() if error.response is not None else None
    except ValueError:
        return ""
    if not isinstance(body, dict):
        return ""
    words = body.get("errorMessages")
    # The container's errors have a `message`, those of a resource never do.
    return str(words[0] if isinstance(words, list) and words else body.get("message") or "")[:_DETAIL_CHARACTERS]


def requests_status(error: "requests.HTTPError", service: str, now: datetime) -> Failure:
    if error.response is None:
        return BROKEN.failure(service, type=type(error).__name__)
    return from_status(service, error.response.status_code, error.response.headers, "", now)


def httpx_status(error: "httpx.HTTPStatusError", service: str, now: datetime) -> Failure:
    return from_status(service, error.response.status_code, error.response.headers, "", now)


def aiohttp_status(error: "aiohttp.ClientResponseError", service: str, now: datetime) -> Failure:
    if not error.status:
        return BROKEN.failure(service, type=type(error).__name__)
    headers = {str(name): str(value) for name, value in (error.headers or {}).items()}
    return from_status(service, error.status, headers, "", now)


def connection(error: BaseException, service: str, _now: datetime) -> Failure:
    """A connection that was not made, or broke: what lies below the library's exception tells which."""
    causes = list(chain(error))
    for kinds, verdict in BELOW:
        if any(is_one_of(cause, kinds) for cause in causes):
            return verdict.failure(service, type=type(error).__name__)
    return BROKEN.failure(service, type=type(error).__name__)


# The first row that fits one of the causes decides.
BELOW: tuple[tuple[Kinds, Verdict], ...] = (
    (ssl.SSLCertVerificationError, UNTRUSTED),
    (Foreign("aiohttp", "ClientConnectorCertificateError"), UNTRUSTED),
    (socket.gaierror, NAME_UNKNOWN),
    (Foreign("urllib3.exceptions", "NameResolutionError"), NAME_UNKNOWN),
    (Foreign("aiohttp", "ClientConnectorDNSError"), NAME_UNKNOWN),
    (ConnectionRefusedError, UNREACHABLE),
    (Foreign("urllib3.exceptions", "NewConnectionError", "ConnectTimeoutError", "ProxyError"), UNREACHABLE),
    (Foreign("httpx", "ConnectError"), UNREACHABLE),
    (Foreign("aiohttp", "ClientConnectorError"), UNREACHABLE),
    (TimeoutError, TIMED_OUT),
    (Foreign("urllib3.exceptions", "ReadTimeoutError"), TIMED_OUT),
    (Foreign("httpx", "TimeoutException"), TIMED_OUT),
)
