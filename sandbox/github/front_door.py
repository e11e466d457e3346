"""What GitHub does before and after every API call: the caller, the hourly limit, the headers of every answer."""

from __future__ import annotations

import itertools
from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from sandbox.github.access import CALLER, Access, Caller, Refusal
from sandbox.github.answers import Moved, error, not_found
from sandbox.github.limits import HourlyLimit, Limits

_GRAPHQL = "/graphql"
_LIMIT_DOCUMENTATION = "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api"
_SCOPES = "read:org, repo"


def front_door(access: Access, limits: Limits, is_public: Callable[[web.Request], bool]) -> Middleware:
    """Lets known callers through, and everybody to pages for people; counts all but 304s and /rate_limit.

    GraphQL counts its own points, and words the limit itself.
    """
    numbers = itertools.count(1)

    @web.middleware
    async def receive(request: web.Request, handler: Handler) -> web.StreamResponse:
        if is_public(request):
            return await handler(request)
        is_graphql = request.path == _GRAPHQL
        try:
            caller = request[CALLER] = access.identify(request)
            _check_road(request, caller)
            limit = limits.of(caller.name, "graphql" if is_graphql else "core")
            response = await (handler(request) if is_graphql else _within_limit(request, handler, limit))
            limit.write_headers(response.headers)
            if caller.name == "user":
                response.headers["X-OAuth-Scopes"] = _SCOPES
        except Refusal as refusal:
            response = refusal.as_response()
        response.headers["X-GitHub-Media-Type"] = f"github.{'v4' if is_graphql else 'v3'}; format=json"
        response.headers["X-GitHub-Request-Id"] = f"5A4D:{next(numbers):06X}:1F2E3D:4C5B6A"
        return response

    return receive


def _check_road(request: web.Request, caller: Caller) -> None:
    """An app speaks for itself only to /app and its installations; all else it asks as an installation."""
    parts = request.path.strip("/").split("/")
    is_of_app = parts[0] == "app" or (parts[0] == "repos" and parts[3:] == ["installation"])
    if is_of_app and not caller.is_app:
        raise Refusal(401, "A JSON web token could not be decoded")
    if caller.is_app and not is_of_app:
        raise Refusal(403, "Resource not accessible by integration")


async def _within_limit(request: web.Request, handler: Handler, limit: HourlyLimit) -> web.StreamResponse:
    is_free = request.path == "/rate_limit"
    if not is_free and not limit.remaining:
        return error(403, "API rate limit exceeded for user ID 1.", documentation_url=_LIMIT_DOCUMENTATION)
    try:
        response = await handler(request)
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
        response = not_found()
    except Moved as moved:
        response = moved.as_response()
    if not is_free and response.status != 304:
        limit.count()
    return response
