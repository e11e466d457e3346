"""The page of an issue, behind the links of the changelog; open to all, since a browser has no token here."""

from collections.abc import Callable
from typing import Any, Final

from aiohttp import web

from sandbox.jira import catalogue
from sandbox.jira.site import JiraSite
from sandbox.web_page import no_such_page, object_page
from sandbox.world import Issue

BROWSE: Final = "/browse/"


def issue_pages(site: Callable[[web.Request], JiraSite]) -> Any:
    """The middleware that answers for them, before anybody asks for credentials."""

    @web.middleware
    async def show(request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
        if not request.path.startswith(BROWSE):
            answer: web.StreamResponse = await handler(request)
            return answer
        found = catalogue.find_issue(site(request).world, request.path.removeprefix(BROWSE))
        return _page(found) if found else no_such_page()

    return show


def _page(issue: Issue) -> web.Response:
    assignee = issue.assignee.name if issue.assignee else "nobody"
    text = f"{issue.issue_type} · {issue.status} · assigned to {assignee}\n\n{issue.description}"
    return object_page(issue.project_key, f"{issue.key} {issue.summary}", text)
