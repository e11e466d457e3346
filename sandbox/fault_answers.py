"""The answers of a broken service, in its own words: error bodies by wording, proxies' HTML pages, rate limits.

A wording is `github`, `slack`, `jira cloud` or `jira data-center`.

Sources: GitHub's "Best practices" and "Rate limits for the REST API" (403 secondary limit, 429), Atlassian's "Rate
limiting" (Cloud: 429 with RateLimit-Reason), "Improving instance stability with rate limiting" (Data Center), Slack's
"Rate limits" and error lists. No independent recording of a JIRA or Slack 429 body was found: those follow the pages.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus

import orjson
from aiohttp import web

from sandbox.faults import Fault, FaultKind

_GITHUB_MESSAGES = {
    401: "Bad credentials",
    403: "Resource not accessible by personal access token",
    404: "Not Found",
    410: "This feature is disabled",
    422: "Validation Failed",
    500: "Server Error",
    502: "Server Error",
    503: "Service Unavailable",
}
_JIRA_MESSAGES = {
    400: "The request is invalid.",
    401: "Client must be authenticated to access this resource.",
    403: "You do not have permission to perform this operation.",
    404: "The requested resource was not found.",
    500: "Internal server error",
    503: "The service is temporarily unavailable.",
}
_SLACK_ERRORS = {
    401: "invalid_auth",
    403: "access_denied",
    429: "ratelimited",
    500: "internal_error",
    503: "service_unavailable",
}
_SECONDARY_LIMIT_DOCUMENT = (
    "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits"
)


def error_answer(wording: str, status: int) -> web.Response:
    """An error with a JSON body as the service words it; an unknown status takes HTTP's own phrase."""
    body: dict[str, object]
    if wording == "github":
        message = _GITHUB_MESSAGES.get(status, _phrase(status))
        body = {"message": message, "documentation_url": "https://docs.github.com/rest", "status": str(status)}
    elif wording.startswith("jira") and status == 401:
        # From the servlet container, in both kinds: no resource is reached.
        body = {"message": _JIRA_MESSAGES[401], "status-code": 401}
    elif wording.startswith("jira"):
        body = {"errorMessages": [_JIRA_MESSAGES.get(status, _phrase(status))], "errors": {}}
    elif wording == "slack":
        body = {"ok": False, "error": _SLACK_ERRORS.get(status, "fatal_error")}
    else:
        body = {"error": _phrase(status)}
    return _json(status, body)


def graphql_answer(fault: Fault, now: datetime) -> web.Response | None:
    """Where GitHub's GraphQL words a failure in another way than its REST API; None elsewhere.

    A time-out is a 502 with `errors`, the primary limit a 200 with them; neither has data.
    """
    if fault.kind is FaultKind.STATUS and fault.status in (502, 504):
        message = (
            "Something went wrong while executing your query. This may be the result of a timeout, or it could be a "
            "GitHub bug. Please include `0000:0000:0000` when reporting this issue."
        )
        return _json(fault.status, {"data": None, "errors": [{"message": message}]})
    if fault.kind is FaultKind.RATE_LIMIT:
        message = "API rate limit exceeded for user ID 1."
        response = _json(200, {"errors": [{"type": "RATE_LIMITED", "message": message}]})
        _use_up_limit(response, "graphql", fault, now)
        return response
    return None


def html_answer(status: int) -> web.Response:
    """The page of a load balancer that found nothing behind it."""
    title = f"{status} {_phrase(status)}"
    page = (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
        "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    return web.Response(status=status, text=page, content_type="text/html")


def malformed_answer() -> web.Response:
    return web.Response(status=200, body=b'{"ok": true, "items": [{"id": 1,,}', content_type="application/json")


def empty_answer() -> web.Response:
    return web.Response(status=200, body=b"", content_type="application/json")


def rate_limit_answer(wording: str, fault: Fault, now: datetime) -> web.Response:
    """429 with Retry-After. GitHub's primary limit is used up with it; JIRA Cloud names the reason and the minute.

    Data Center tells its token bucket. Its Retry-After may be 0: another node has the next token already.
    """
    if wording == "github":
        body: dict[str, object] = {
            "message": "API rate limit exceeded for user ID 1.",
            "documentation_url": ("https://docs.github.com/rest/overview/rate-limits-for-the-rest-api"),
            "status": "429",
        }
        response = _json(429, body)
        _use_up_limit(response, "core", fault, now)
    elif wording == "jira data-center":
        response = _json(429, {"message": "Rate limit exceeded."})
        response.headers["X-RateLimit-Limit"] = "70"
        response.headers["X-RateLimit-Remaining"] = "0"
        response.headers["X-RateLimit-FillRate"] = "5"
        response.headers["X-RateLimit-Interval-Seconds"] = "1"
    elif wording == "jira cloud":
        response = _json(429, {"errorMessages": ["Rate limit exceeded."], "errors": {}})
        response.headers["RateLimit-Reason"] = "jira-burst-based"
        response.headers["X-RateLimit-Limit"] = "100"
        response.headers["X-RateLimit-Remaining"] = "0"
        response.headers["X-RateLimit-NearLimit"] = "true"
        response.headers["X-RateLimit-Reset"] = _minute(now, fault.retry_after_seconds)
    else:
        response = error_answer(wording, 429)
    response.headers["Retry-After"] = _retry_after(fault, now)
    return response


def secondary_limit_answer(fault: Fault, now: datetime) -> web.Response:
    """GitHub's 403: the primary limit has plenty left, so only the body and Retry-After tell."""
    body: dict[str, object] = {
        "message": (
            "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. "
            "If you reach out to GitHub Support for help, please include the request ID 0000:0000:0000."
        ),
        "documentation_url": _SECONDARY_LIMIT_DOCUMENT,
    }
    response = _json(403, body)
    response.headers["Retry-After"] = _retry_after(fault, now)
    return response


def _use_up_limit(response: web.Response, resource: str, fault: Fault, now: datetime) -> None:
    response.headers["X-RateLimit-Limit"] = "5000"
    response.headers["X-RateLimit-Remaining"] = "0"
    response.headers["X-RateLimit-Reset"] = str(int(now.timestamp()) + fault.retry_after_seconds)
    response.headers["X-RateLimit-Resource"] = resource


def _minute(now: datetime, seconds: int) -> str:
    """As Atlassian writes it, `2026-11-25T14:05Z`: the first minute after the wait, the present one after none."""
    end = now.astimezone(UTC) + timedelta(seconds=seconds)
    return f"{end + timedelta(minutes=1, microseconds=-1) if seconds else end:%Y-%m-%dT%H:%MZ}"


def _retry_after(fault: Fault, now: datetime) -> str:
    if fault.retry_after_as_date:
        return format_datetime(now + timedelta(seconds=fault.retry_after_seconds), usegmt=True)
    return str(fault.retry_after_seconds)


def _json(status: int, body: dict[str, object]) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json", charset="utf-8")


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
