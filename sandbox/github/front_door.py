"""What GitHub does before and after every API call: the token, the hourly limit, conditional requests, headers."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from sandbox.service import Clock, Credentials

_DOCUMENTATION = "https://docs.github.com/rest"
_LIMIT_DOCUMENTATION = f"{_DOCUMENTATION}/overview/rate-limits-for-the-rest-api"
_WINDOW = timedelta(hours=1)
_SCOPES = "read:org, repo"


class HourlyLimit:
    """The primary rate limit of one token and resource: a fixed window that begins with its first request."""

    def __init__(self, resource: str, limit: int, clock: Clock) -> None:
        self.resource = resource
        self.limit = limit
        self._clock = clock
        self._used = 0
        self._resets_at: datetime | None = None

    @property
    def used(self) -> int:
        self._roll()
        return self._used

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)

    @property
    def reset(self) -> int:
        """Epoch seconds; an hour from now while nothing was used."""
        self._roll()
        return int((self._resets_at or self._clock() + _WINDOW).timestamp())

    def count(self, points: int = 1) -> None:
        self._roll()
        if self._resets_at is None:
            self._resets_at = self._clock() + _WINDOW
        self._used += points

    def as_json(self) -> dict[str, int]:
        return {"limit": self.limit, "used": self.used, "remaining": self.remaining, "reset": self.reset}

    def _roll(self) -> None:
        if self._resets_at is not None and self._clock() >= self._resets_at:
            self._used, self._resets_at = 0, None


def base_url(request: web.Request) -> str:
    """The URL that the client believes the API to have: PyGithub refuses to follow any other."""
    return f"{request.scheme}://{request.host}"


def error(status: int, message: str, **more: object) -> web.Response:
    body = {"message": message, **more, "documentation_url": _DOCUMENTATION, "status": str(status)}
    return web.json_response(body, status=status)


def not_found() -> web.Response:
    return error(404, "Not Found")


def invalid(resource: str, field: str, message: str) -> web.Response:
    details = [{"resource": resource, "field": field, "code": "custom", "message": message}]
    return error(422, "Validation Failed", errors=details)


def answer(
    request: web.Request,
    body: bytes,
    digests: Iterable[bytes],
    *,
    link: str = "",
    last_modified: datetime | None = None,
) -> web.Response:
    """A 200 with its validators, or the 304 that the client's own validators allow."""
    tag = hashlib.blake2b(digest_size=20)
    for digest in digests:
        tag.update(digest)
    etag = f'W/"{tag.hexdigest()}"'
    headers = {"ETag": etag, "Cache-Control": "private, max-age=60, s-maxage=60", "Vary": "Accept, Authorization"}
    if last_modified is not None:
        headers["Last-Modified"] = format_datetime(last_modified.astimezone(UTC), usegmt=True)
    if link:
        headers["Link"] = link
    if _is_known_to_client(request, etag, last_modified):
        return web.Response(status=304, headers=headers)
    return web.Response(body=body, headers=headers, content_type="application/json", charset="utf-8")


def front_door(
    credentials: Credentials, core: HourlyLimit, graphql: HourlyLimit, is_public: Callable[[web.Request], bool]
) -> Middleware:
    """Lets only the one known token through, except to pages for people; counts all but 304s and /rate_limit.

    GraphQL counts its own points, and words the limit itself.
    """
    numbers = itertools.count(1)

    @web.middleware
    async def receive(request: web.Request, handler: Handler) -> web.StreamResponse:
        if is_public(request):
            return await handler(request)
        response = _refusal(request, credentials)
        is_graphql = request.path == "/graphql"
        if response is None:
            limit = graphql if is_graphql else core
            response = await (handler(request) if is_graphql else _within_limit(request, handler, limit))
            _add_limit_headers(response, limit)
        response.headers["X-GitHub-Media-Type"] = f"github.{'v4' if is_graphql else 'v3'}; format=json"
        response.headers["X-GitHub-Request-Id"] = f"5A4D:{next(numbers):06X}:1F2E3D:4C5B6A"
        return response

    return receive


def _refusal(request: web.Request, credentials: Credentials) -> web.StreamResponse | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if not token:
        return error(401, "Requires authentication")
    if scheme.lower() not in ("token", "bearer") or token.strip() != credentials.github_token:
        return error(401, "Bad credentials")
    return None


async def _within_limit(request: web.Request, handler: Handler, limit: HourlyLimit) -> web.StreamResponse:
    is_free = request.path == "/rate_limit"
    if not is_free and not limit.remaining:
        message = "API rate limit exceeded for user ID 1."
        body = {"message": message, "documentation_url": _LIMIT_DOCUMENTATION, "status": "403"}
        return web.json_response(body, status=403)
    try:
        response = await handler(request)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
        response = not_found()
    if not is_free and response.status != 304:
        limit.count()
    return response


def _add_limit_headers(response: web.StreamResponse, limit: HourlyLimit) -> None:
    response.headers["X-OAuth-Scopes"] = _SCOPES
    response.headers["X-RateLimit-Limit"] = str(limit.limit)
    response.headers["X-RateLimit-Remaining"] = str(limit.remaining)
    response.headers["X-RateLimit-Reset"] = str(limit.reset)
    response.headers["X-RateLimit-Used"] = str(limit.used)
    response.headers["X-RateLimit-Resource"] = limit.resource


def _is_known_to_client(request: web.Request, etag: str, last_modified: datetime | None) -> bool:
    known = request.headers.get("If-None-Match")
    if known is not None:
        # If-Modified-Since does not count beside If-None-Match (RFC 9110, 13.1.3); tags compare weakly.
        tags = [tag.strip().removeprefix("W/") for tag in known.split(",")]
        return "*" in tags or etag.removeprefix("W/") in tags
    since = request.headers.get("If-Modified-Since")
    if since is None or last_modified is None:
        return False
    try:
        return last_modified.replace(microsecond=0) <= parsedate_to_datetime(since)
    except ValueError:
        return False


def json_answer(request: web.Request, value: object) -> web.Response:
    """A single object that is rendered for this request."""
    body = orjson.dumps(value)
    return answer(request, body, [body])
