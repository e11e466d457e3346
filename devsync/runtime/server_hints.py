"""Reads a server's own word on when to come back, in every form that GitHub, JIRA and Slack use."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """The hint in the headers of a refusal or an error, or None. Header names may have any case.

    The first of these that says something:

    - `Retry-After`, seconds or an HTTP date (RFC 9110, 10.2.3). Zero is waited for no longer than the rest says.
    - `X-RateLimit-Reset` when a limit is used up: epoch seconds (GitHub), or an ISO 8601 time (JIRA Cloud, whose
      `X-RateLimit-Remaining` may count another limit than the one that `RateLimit-Reason` names).
    - `RateLimit: "policy";r=0;t=30` (IETF draft "RateLimit header fields", JIRA Cloud's quotas).
    - `X-RateLimit-Interval-Seconds`: when JIRA Data Center fills an empty bucket again.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    hints = (
        _seconds_or_date(lower.get("retry-after", ""), now),
        _reset(lower.get("x-ratelimit-reset", ""), now) if _is_used_up(lower) else None,
        _quota(lower.get("ratelimit", "")),
        _seconds(lower.get("x-ratelimit-interval-seconds", "")) if lower.get("x-ratelimit-remaining") == "0" else None,
    )
    told = [hint for hint in hints if hint is not None]
    return next((hint for hint in told if hint), told[0] if told else None)


def _is_used_up(headers: Mapping[str, str]) -> bool:
    return headers.get("x-ratelimit-remaining") == "0" or "ratelimit-reason" in headers


def _quota(value: str) -> timedelta | None:
    """The longest wait of the policies that have nothing left."""
    waits = [_seconds(found[1]) for found in _EMPTY_QUOTA.finditer(value)]
    return max((wait for wait in waits if wait is not None), default=None)


_EMPTY_QUOTA = re.compile(r";\s*r=0\s*;\s*t=(\d+)")


def _seconds(value: str) -> timedelta | None:
    try:
        return max(timedelta(seconds=float(value)), timedelta())
    except (ValueError, OverflowError):
        return None


def _seconds_or_date(value: str, now: datetime) -> timedelta | None:
    value = value.strip()
    seconds = _seconds(value)
    if seconds is not None:
        return seconds
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
