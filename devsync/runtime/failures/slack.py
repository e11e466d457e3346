"""Slack's failures: by the error code in its JSON, by status where a proxy answered in its place.

Source of the codes: the error lists of chat.postMessage, chat.update, conversations.* and "Rate limits".
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from devsync.domain.errors import ErrorCategory, ErrorSeverity, Failure
from devsync.runtime.failures.answers import MalformedAnswer, malformed, wrong_credentials
from devsync.runtime.failures.http import THROTTLED, from_status
from devsync.runtime.failures.verdict import Verdict
from devsync.runtime.server_hints import retry_after

if TYPE_CHECKING:
    from slack_sdk.errors import SlackApiError

_CREDENTIALS = Verdict(category=ErrorCategory.AUTHENTICATION, says="", severity=ErrorSeverity.HIGH)
_CHANNEL = Verdict(
    category=ErrorCategory.DISTRIBUTION,
    says="slack answered {code}; invite the app to the channel, or correct the team file",
)
_CONTENT = Verdict(category=ErrorCategory.FORMATTING, says="slack answered {code}")
_ILL = Verdict(
    category=ErrorCategory.EXTERNAL_SERVICE,
    says="slack answered {code}",
    is_retryable=True,
    counts_for_breaker=True,
    may_have_taken_effect=True,
)
"""By Slack's own description of `fatal_error` and `internal_error`, half of it may have happened."""
_OTHER = Verdict(category=ErrorCategory.DISTRIBUTION, says="slack answered {code}")

BY_CODE: Mapping[str, Verdict] = {
    **dict.fromkeys(("ratelimited", "rate_limited", "message_limit_exceeded"), THROTTLED),
    **dict.fromkeys(
        (
            "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired", "missing_scope",
            "no_permission", "org_login_required", "not_allowed_token_type", "access_denied", "accesslimited",
        ),
        _CREDENTIALS,
    ),
    **dict.fromkeys(
        (
            "channel_not_found", "not_in_channel", "is_archived", "restricted_action", "cant_update_message",
            "message_not_found", "thread_not_found", "ekm_access_denied", "posting_to_general_channel_denied",
        ),
        _CHANNEL,
    ),
    **dict.fromkeys(
        (
            "msg_too_long", "invalid_blocks", "msg_blocks_too_long", "invalid_blocks_format", "no_text",
            "too_many_attachments", "invalid_arguments", "metadata_too_large",
        ),
        _CONTENT,
    ),
    **dict.fromkeys(("internal_error", "fatal_error", "service_unavailable", "request_timeout"), _ILL),
}  # fmt: skip
"""A code that stands in no row is Slack's refusal of what we asked for."""


def slack(error: "SlackApiError", service: str, now: datetime) -> Failure:
    response: Any = error.response
    # Where a body was no JSON, slack-sdk gives aiohttp's answer instead of its own.
    status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0))
    headers = dict(getattr(response, "headers", None) or {})
    data = getattr(response, "data", None)
    code = str(data.get("error") or "") if isinstance(data, dict) else ""
    if status == 429 or BY_CODE.get(code) is THROTTLED:
        return THROTTLED.failure(service, detail=code or "429", retry_after=retry_after(headers, now))
    if not code:
        if status >= 400:
            return from_status(service, status, headers, "", now)
        return malformed(MalformedAnswer(service, "a call", f"status {status} and no JSON"), service, now)
    verdict = BY_CODE.get(code, _OTHER)
    if verdict is _CREDENTIALS:
        needed = data.get("needed") if isinstance(data, dict) else None
        wants = f", it needs the scope {needed}" if needed else ""
        return wrong_credentials(f"slack answered {code}{wants}", service, code=code)
    if status >= 500:
        return from_status(service, status, headers, code, now)
    return verdict.failure(service, code=code)
