"""Reads a server's own word on when to come back, in every form that GitHub, JIRA and Slack use."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """The hint in a response's headers, or None. Header names may have any case.

    `Retry-After` in seconds or as an HTTP date (RFC 9110, 10.2.3); else, when the primary limit is used up,
    `X-RateLimit-Reset` as epoch seconds (GitHub) or as an ISO 8601 time (JIRA Cloud).
    """
    lower = {name.lower(): value for name, value in headers.items()}
    if "retry-after" in lower:
        hint = _seconds_or_date(lower["retry-after"], now)
        if hint is not None:
            return hint
    if lower.get("x-ratelimit-remaining") == "0" and "x-ratelimit-reset" in lower:
        return _reset(lower["x-ratelimit-reset"], now)
    return None


def _seconds_or_date(value: str, now: datetime) -> timedelta | None:
    value = value.strip()
    try:
        return max(timedelta(seconds=float(value)), timedelta())
    except (ValueError, OverflowError):
        pass
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(at - now, timedelta())


def _reset(value: str, now: datetime) -> timedelta | None:
    try:
        at = datetime.fromtimestamp(float(value), UTC)
    except (ValueError, OverflowError, OSError):
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            return None
        if at.tzinfo is None:
            at = at.replace(tzinfo=UTC)
    return max(at - now, timedelta())
