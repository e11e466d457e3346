"""What both kinds of JIRA share: the running site, its paging, and the answers before any resource is reached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from aiohttp import web

from sandbox.jira import catalogue, jql
from sandbox.jira.errors import BAD_PAYLOAD, JiraError, container_response
from sandbox.jira.shapes import Shapes
from sandbox.service import Clock, Credentials
from sandbox.world import Issue, Project, World


@dataclass(slots=True)
class JiraSite:
    """One running site. `timezone` is that of the API user: set it, and JQL dates and every time follow."""

    world: World
    credentials: Credentials
    clock: Clock
    timezone: str = "UTC"

    @property
    def account_id(self) -> str:
        return catalogue.account_id(self.credentials.jira_email)

    def shapes(self, request: web.Request) -> Shapes:
        return Shapes(self.world, base_url(request), ZoneInfo(self.timezone))

    def search(self, text: str, *, allow_unbounded: bool = False) -> list[Issue]:
        asked = jql.Site(self.world, ZoneInfo(self.timezone), self.clock(), self.account_id)
        return jql.search(text, asked, allow_unbounded=allow_unbounded)


SITE: Final = web.AppKey("jira_site", JiraSite)


@web.middleware
async def errors(request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
    """Errors as JSON, whether a resource raised them or none was found."""
    try:
        response: web.StreamResponse = await handler(request)
    except JiraError as error:
        return error.response()
    except web.HTTPNotFound:
        return container_response(404, f"null for uri: {request.url}")
    except web.HTTPMethodNotAllowed as error:
        return container_response(405, "HTTP 405 Method Not Allowed", {"Allow": error.headers["Allow"]})
    return response


def base_url(request: web.Request) -> str:
    """As the client wrote it, so that links lead back through whatever proxy it used."""
    return f"{request.scheme}://{request.host}"


def projects_by_key(world: World) -> list[Project]:
    return [world.projects[key] for key in sorted(world.projects)]


def field_names(request: web.Request) -> list[str]:
    """`fields` may be repeated, comma-separated, or both."""
    return [name.strip() for value in request.query.getall("fields", []) for name in value.split(",")]


def page(request: web.Request, rows: Sequence[Any], *, default: int, most: int | None = None) -> dict[str, Any]:
    """A `startAt` page of Atlassian's `PageBean` shape."""
    try:
        start = int(request.query.get("startAt", 0))
        size = int(request.query.get("maxResults", default))
    except ValueError:
        raise JiraError(400, BAD_PAYLOAD) from None
    size = max(0, min(size, most or size))
    return {
        "startAt": start,
        "maxResults": size,
        "total": len(rows),
        "isLast": start + size >= len(rows),
        "values": list(rows[start : start + size]),
    }
