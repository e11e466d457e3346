"""From an exception of a client library to a `Failure`: by type, status, headers and API code, never by words."""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import requests
from github.GithubException import GithubException, RateLimitExceededException
from jira.exceptions import JIRAError
from slack_sdk.errors import SlackApiError

from devsync.domain.errors import ErrorCategory, Failure
from devsync.runtime import graphql_errors
from devsync.runtime.graphql_errors import GraphQLRefused
from devsync.runtime.server_hints import retry_after
from devsync.settings.problems import ConfigError
from devsync.storage.connection import DatabaseUnavailable, StorageError

SECONDARY_LIMIT_WAIT = timedelta(seconds=60)
"""GitHub: without a hint, wait at least a minute after a secondary limit (docs, "rate limits for the REST API")."""


class MalformedAnswer(Exception):
    """A service answered with success and without what was asked for: an empty, cut or foreign body."""

    def __init__(self, service: str, operation: str, what: str) -> None:
        super().__init__(f"{service} answered {operation} with {what}")
        self.service = service


class CredentialsRefused(Exception):
    """A service did not know us, whatever status it answered with. `how` is what it did: "refused the login"."""

    def __init__(self, service: str, how: str) -> None:
        super().__init__(f"{service} {how}")


_CREDENTIAL_CURES = {
    "github": "check GITHUB_TOKEN or the GitHub App (`python starter.py doctor` tells what they may do)",
    "jira": "check JIRA_EMAIL and JIRA_API_TOKEN (Cloud) or JIRA_PAT (Data Center);"
    " `python starter.py doctor` tells what they may do",
    "slack": "check SLACK_BOT_TOKEN (`python starter.py doctor` tells what it may do)",
}

_SLACK_CREDENTIALS = {
    "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope",
    "no_permission", "org_login_required",
}  # fmt: skip
_SLACK_CHANNEL = {
    "channel_not_found", "not_in_channel", "is_archived", "restricted_action", "cant_update_message",
    "message_not_found", "thread_not_found", "ekm_access_denied", "posting_to_general_channel_denied",
}  # fmt: skip
_SLACK_CONTENT = {
    "msg_too_long", "invalid_blocks", "msg_blocks_too_long", "invalid_blocks_format", "no_text",
    "too_many_attachments", "invalid_arguments", "metadata_too_large",
}  # fmt: skip
# May have half-succeeded, by Slack's own description of `fatal_error` and `internal_error`.
_SLACK_UNKNOWN_OUTCOME = {"internal_error", "fatal_error", "service_unavailable", "request_timeout"}


def classify(error: BaseException, service: str, now: datetime) -> Failure:
    """What kind of failure this is. An exception of a type that no row knows is a `system` failure, retryable."""
    for kind, rule in _RULES:
        if isinstance(error, kind):
            return rule(error, service, now)
    return Failure(
        category=ErrorCategory.SYSTEM,
        message=f"{service}: {type(error).__name__}: {first_line(error)}",
        is_retryable=True,
    )


def from_status(service: str, status: int, headers: Mapping[str, str], detail: str, now: datetime) -> Failure:
    """The common rule for HTTP: 401/403 credentials, 404/410/4xx ours, 429 throttling, 5xx theirs."""
    hint = retry_after(headers, now)
    text = f"{service} answered {status}{f' ({detail})' if detail else ''}"
    code = str(status)
    if status == 429:
        return Failure(
            category=ErrorCategory.RATE_LIMITING, message=text, is_retryable=True,
            retry_after=hint, is_expected=True, code=code,
        )  # fmt: skip
    if status in {401, 403}:
        return Failure(
            category=ErrorCategory.AUTHENTICATION,
            message=f"{text}: {_CREDENTIAL_CURES.get(service, 'check the credentials')}",
            is_retryable=False,
            code=code,
        )
    if status >= 500:
        return Failure(
            category=ErrorCategory.EXTERNAL_SERVICE, message=text, is_retryable=True,
            retry_after=hint, may_have_taken_effect=True, code=code,
        )  # fmt: skip
    return Failure(
        category=ErrorCategory.DATA_COLLECTION if service in {"github", "jira"} else ErrorCategory.DISTRIBUTION,
        message=text,
        is_retryable=False,
        code=code,
    )


def first_line(error: BaseException, limit: int = 200) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:limit]


def _github(error: GithubException, service: str, now: datetime) -> Failure:
    headers = {str(name): str(value) for name, value in (error.headers or {}).items()}
    status = int(error.status)
    if isinstance(error, RateLimitExceededException):
        return Failure(
            category=ErrorCategory.RATE_LIMITING,
            message=f"{service} limits our rate (status {status})",
            is_retryable=True,
            retry_after=retry_after(headers, now) or SECONDARY_LIMIT_WAIT,
            is_expected=True,
            code=str(status),
        )
    message = error.data.get("message", "") if isinstance(error.data, dict) else ""
    return from_status(service, status, headers, str(message)[:120], now)


def _jira(error: JIRAError, service: str, now: datetime) -> Failure:
    if error.status_code is None:
        return _network(error, service, now)
    headers = dict(error.response.headers) if error.response is not None else {}
    return from_status(service, int(error.status_code), headers, _jira_words(error), now)


def _jira_words(error: JIRAError) -> str:
    """JIRA's own error messages; never the whole body, which may be an HTML page."""
    try:
        body = error.response.json() if error.response is not None else None
    except ValueError:
        return ""
    if not isinstance(body, dict):
        return ""
    words = body.get("errorMessages")
    # The container's errors have a `message`, those of a resource never do.
    return str(words[0] if isinstance(words, list) and words else body.get("message") or "")[:120]


def _refused_credentials(error: BaseException, service: str, _now: datetime) -> Failure:
    return Failure(
        category=ErrorCategory.AUTHENTICATION,
        message=f"{error}: {_CREDENTIAL_CURES.get(service, 'check the credentials')}",
        is_retryable=False,
        code="credentials",
    )


def _slack(error: SlackApiError, service: str, now: datetime) -> Failure:
    response: Any = error.response
    status = int(getattr(response, "status_code", 0) or 0)
    headers = dict(getattr(response, "headers", None) or {})
    data = getattr(response, "data", None)
    code = str(data.get("error", "")) if isinstance(data, dict) else ""
    if status == 429 or code in {"ratelimited", "rate_limited"}:
        return from_status(service, 429, headers, code, now)
    if code in _SLACK_CREDENTIALS:
        needed = data.get("needed") if isinstance(data, dict) else None
        wants = f", it needs the scope {needed}" if needed else ""
        return Failure(
            category=ErrorCategory.AUTHENTICATION,
            message=f"slack answered {code}{wants}: {_CREDENTIAL_CURES['slack']}",
            is_retryable=False,
            code=code,
        )
    if code in _SLACK_CHANNEL or code in _SLACK_CONTENT:
        cure = "; invite the app to the channel, or correct the team file" if code in _SLACK_CHANNEL else ""
        return Failure(
            category=ErrorCategory.DISTRIBUTION if code in _SLACK_CHANNEL else ErrorCategory.FORMATTING,
            message=f"slack answered {code}{cure}",
            is_retryable=False,
            code=code,
        )
    if code in _SLACK_UNKNOWN_OUTCOME or status >= 500:
        return from_status(service, max(status, 500), headers, code, now)
    if code:
        return Failure(
            category=ErrorCategory.DISTRIBUTION,
            message=f"slack answered {code}",
            is_retryable=False,
            code=code,
        )
    return _malformed(MalformedAnswer(service, "a call", f"status {status} and no JSON"), service, now)


def _malformed(error: BaseException, service: str, _now: datetime) -> Failure:
    return Failure(
        category=ErrorCategory.EXTERNAL_SERVICE,
        message=str(error) if isinstance(error, MalformedAnswer) else f"{service} answered with no valid JSON",
        is_retryable=True,
        may_have_taken_effect=True,
        code="malformed",
    )


def _refused(error: BaseException, service: str, _now: datetime) -> Failure:
    return Failure(
        category=ErrorCategory.NETWORK,
        message=f"{service} cannot be reached ({type(error).__name__})",
        is_retryable=True,
        code="unreachable",
    )


def _network(error: BaseException, service: str, _now: datetime) -> Failure:
    return Failure(
        category=ErrorCategory.NETWORK,
        message=f"the connection to {service} broke ({type(error).__name__})",
        is_retryable=True,
        may_have_taken_effect=True,
        code="network",
    )


def _timeout(_error: BaseException, service: str, _now: datetime) -> Failure:
    return Failure(
        category=ErrorCategory.NETWORK,
        message=f"{service} did not answer in time",
        is_retryable=True,
        may_have_taken_effect=True,
        code="timeout",
    )


def _misconfigured(error: BaseException, _service: str, _now: datetime) -> Failure:
    return Failure(category=ErrorCategory.CONFIGURATION, message=str(error), is_retryable=False, code="configuration")


def _database(error: BaseException, _service: str, _now: datetime) -> Failure:
    return Failure(category=ErrorCategory.DATABASE, message=first_line(error), is_retryable=True, code="unavailable")


def _storage(error: BaseException, _service: str, _now: datetime) -> Failure:
    return Failure(category=ErrorCategory.DATABASE, message=first_line(error), is_retryable=False, code="storage")


_Rule = Callable[[Any, str, datetime], Failure]

# The first row whose type matches decides: subclasses stand above their bases.
_RULES: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], _Rule], ...] = (
    (ConfigError, _misconfigured),
    (DatabaseUnavailable, _database),
    (StorageError, _storage),
    (MalformedAnswer, _malformed),
    (CredentialsRefused, _refused_credentials),
    (GraphQLRefused, graphql_errors.failure_of),
    (GithubException, _github),
    (JIRAError, _jira),
    (SlackApiError, _slack),
    (requests.exceptions.ConnectTimeout, _refused),
    (requests.exceptions.Timeout, _timeout),
    (requests.exceptions.JSONDecodeError, _malformed),
    (requests.exceptions.RequestException, _network),
    (aiohttp.ClientConnectorError, _refused),
    (aiohttp.ContentTypeError, _malformed),
    ((asyncio.TimeoutError, TimeoutError), _timeout),
    (aiohttp.ClientError, _network),
    (ConnectionRefusedError, _refused),
    (ConnectionError, _network),
    (json.JSONDecodeError, _malformed),
)
