"""GitHub's REST lists, its GraphQL endpoint and conditional requests, one request a call, by PyGithub's requester.

PyGithub's own retries, sleeps and throttles are off: Temporal owns every retry. Its lazy objects are not used, since
reading a missing field of theirs makes a call. Of the requester, three habits are kept away from us:
`graphql_query` raises a GithubException 400 for whatever stands in `errors[]`; a 304 or an empty 200 is None, hence
zero results; and after a 301 (a renamed repository) it asks the new path *without the query*, so that the answer
is the first page of something else.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from github import Github
from github.Requester import Requester

from activities.clients.github_access import GitHubTokens, HeldToken
from activities.clients.github_moves import Moved, requesters_that_tell_moves
from activities.clients.pool import ClientPool
from devsync.runtime.classification import MalformedAnswer
from devsync.runtime.graphql_errors import refused

PAGE_SIZE = 100
"""The largest page that GitHub's lists give."""

_NEXT = re.compile(r'<[^>]+>;\s*rel="next"')
_BY_ID = re.compile(r"(?:/api/v3)?(/repositories/\d+)(?:/|\Z)")

WhileWaiting = Callable[[], None]


class Page(NamedTuple):
    entries: list[dict[str, Any]]
    has_next: bool
    etag: str | None = None


class Probed(NamedTuple):
    """The answer to a conditional request. `text` is the body, empty where nothing has changed.

    `has_next` holds for a 304 as well: a full last page keeps its entity tag when another page comes to follow it.
    """

    is_unchanged: bool
    etag: str | None
    text: str
    has_next: bool


class RepositoryMoved(Exception):
    """The repository was renamed or transferred: GitHub redirects its old name to `new_name`."""

    def __init__(self, new_name: str) -> None:
        super().__init__(f"the repository is {new_name} now")
        self.new_name = new_name


class _Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    text: str


class _Line(NamedTuple):
    """One connection with the token that its next request carries."""

    requester: Requester
    token: HeldToken


class GitHubClient:
    """`read_timeout` bounds each wait for bytes: threads cannot be interrupted, so it also bounds a shutdown.

    Every method raises what PyGithub and requests raise, MalformedAnswer for a success that is not what was asked
    for, and ConfigError where the credentials cannot be used.
    """

    def __init__(self, *, base_url: str, tokens: GitHubTokens, concurrency: int, read_timeout: timedelta) -> None:
        self._tokens = tokens

        def build() -> _Line:
            token = HeldToken()
            client = Github(
                base_url=base_url.rstrip("/"),
                auth=token,
                timeout=max(1, int(read_timeout.total_seconds())),
                retry=None,
                seconds_between_requests=None,
                seconds_between_writes=None,
                per_page=PAGE_SIZE,
                user_agent="devsync-changelog",
            )
            return _Line(client.requester, token)

        with requesters_that_tell_moves():
            self._pool = ClientPool(build, concurrency)

    def list_page(
        self, repository: str, name: str, parameters: dict[str, str], page: int, while_waiting: WhileWaiting
    ) -> Page:
        """One page (from 1) of a repository's list, such as `pulls`. Raises RepositoryMoved for a renamed one."""
        path = f"/repos/{repository}/{name}"
        asked = {**parameters, "per_page": str(PAGE_SIZE), "page": str(page)}
        answer = self._ask(repository, "GET", path, while_waiting, parameters=asked)
        body = _json(answer, f"GET {path}")
        if not isinstance(body, list) or not all(isinstance(entry, dict) for entry in body):
            raise MalformedAnswer("github", f"GET {path}", "something that is no list")
        return Page(body, _has_next(answer), answer.headers.get("etag"))

    def probe(
        self,
        repository: str,
        path: str,
        parameters: dict[str, str],
        while_waiting: WhileWaiting,
        *,
        etag: str = "",
        accept: str = "",
    ) -> Probed:
        """Asks whether a resource still is what `etag` names; without one, just what it is now."""
        named = {"If-None-Match": etag, "Accept": accept}
        headers = {name: value for name, value in named.items() if value}
        answer = self._ask(repository, "GET", path, while_waiting, parameters=parameters, headers=headers)
        return Probed(answer.status == 304, answer.headers.get("etag"), answer.text, _has_next(answer))

    def graphql(self, repository: str, query: str, variables: dict[str, Any], while_waiting: WhileWaiting) -> Any:
        """The `data` of an answer without errors. Raises GraphQLRefused for one with any, partial data or not."""
        answer = self._ask(repository, "POST", "", while_waiting, document={"query": query, "variables": variables})
        body = _json(answer, "a GraphQL query")
        if isinstance(body, dict) and body.get("errors"):
            raise refused(body["errors"], answer.headers)
        if not isinstance(body, dict) or not isinstance(body.get("data"), dict):
            raise MalformedAnswer("github", "a GraphQL query", "neither data nor errors")
        return body["data"]

    def _ask(
        self,
        repository: str,
        verb: str,
        path: str,
        while_waiting: WhileWaiting,
        *,
        parameters: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        document: dict[str, Any] | None = None,
    ) -> _Answer:
        """One request; a second one only where the token turned out to have ended before its time."""
        token = self._tokens.token_for(repository, while_waiting)
        answer = self._send(token, verb, path, while_waiting, parameters, headers, document)
        if answer.status == 401 and self._tokens.is_replaced(repository, token):
            token = self._tokens.token_for(repository, while_waiting)
            answer = self._send(token, verb, path, while_waiting, parameters, headers, document)
        if answer.status >= 400:
            raise Requester.createException(answer.status, dict(answer.headers), _error_body(answer))
        if answer.status == 304 and "If-None-Match" not in (headers or {}):
            raise MalformedAnswer("github", f"{verb} {path}", "304 Not Modified, though no copy was named")
        return answer

    def _send(
        self,
        token: str,
        verb: str,
        path: str,
        while_waiting: WhileWaiting,
        parameters: dict[str, str] | None,
        headers: dict[str, str] | None,
        document: dict[str, Any] | None,
    ) -> _Answer:
        with self._pool.lend(while_waiting) as line:
            line.token.value = token
            url = path or line.requester.graphql_url
            try:
                return _Answer(*line.requester.requestJson(verb, url, parameters, dict(headers or {}), document))
            except Moved as moved:
                raise RepositoryMoved(_name_of_moved(line.requester, moved)) from None


def _name_of_moved(requester: Requester, moved: Moved) -> str:
    """What the repository behind a redirect is called now; one more request, since it leads to a number."""
    found = _BY_ID.match(moved.path)
    if found is None:
        raise MalformedAnswer("github", "a request", f"a redirect to {moved.path}, which is no repository")
    answer = _Answer(*requester.requestJson("GET", found[1]))
    if answer.status >= 400:
        raise Requester.createException(answer.status, dict(answer.headers), _error_body(answer))
    body = _json(answer, f"GET {found[1]}")
    name = body.get("full_name") if isinstance(body, dict) else None
    if not isinstance(name, str) or "/" not in name:
        raise MalformedAnswer("github", f"GET {found[1]}", "a repository without a name")
    return name


def _has_next(answer: _Answer) -> bool:
    return bool(_NEXT.search(answer.headers.get("link", "")))


def _json(answer: _Answer, operation: str) -> Any:
    """Raises MalformedAnswer for an empty body or one that is no JSON."""
    try:
        return json.loads(answer.text)
    except ValueError as error:
        what = "no valid JSON" if answer.text else "an empty body"
        raise MalformedAnswer("github", operation, what) from error


def _error_body(answer: _Answer) -> dict[str, Any]:
    try:
        body = json.loads(answer.text)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
