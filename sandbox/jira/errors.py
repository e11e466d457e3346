"""Errors as JIRA Cloud words them: clients match on these texts, so they are kept in one place."""

from __future__ import annotations

from aiohttp import web

ISSUE_NOT_FOUND = "Issue does not exist or you do not have permission to see it."
UNBOUNDED = "Unbounded JQL queries are not allowed here. Please add a search restriction to your query."
SEARCH_REMOVED = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. "
    "A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046"
)
BAD_PAYLOAD = "Invalid request payload. Refer to the REST API documentation and try again."
UNAUTHENTICATED = "Client must be authenticated to access this resource."


class JiraError(Exception):
    """An answer other than 200, with the messages of its `ErrorCollection`."""

    def __init__(self, status: int, *messages: str) -> None:
        super().__init__("; ".join(messages))
        self.status = status
        self.messages = messages

    def response(self) -> web.Response:
        return web.json_response({"errorMessages": list(self.messages), "errors": {}}, status=self.status)


class JqlError(JiraError):
    """JQL that Cloud refuses with 400, never ignores."""

    def __init__(self, *messages: str) -> None:
        super().__init__(400, *messages)


def container_response(status: int, message: str, headers: dict[str, str] | None = None) -> web.Response:
    """The shape of errors that come from the servlet container, before any resource is reached."""
    return web.json_response({"message": message, "status-code": status}, status=status, headers=headers)
