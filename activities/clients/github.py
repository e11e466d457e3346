"""GitHub's REST lists, its GraphQL endpoint and conditional requests, one request a call, by PyGithub's requester.

PyGithub's own retries, sleeps and throttles are off: Temporal owns every retry. Its lazy objects are not used, since
reading a missing field of theirs makes a call. Of the requester, three habits are kept away from us:
`graphql_query` raises a GithubException 400 for whatever stands in `errors[]`; a 304 or an empty 200 is None, hence
zero results; and after a 301 (a renamed repository) it asks the new path *without the query*, so that the answer
is the first page of something else.

Each call passes the breaker's gate once, with the reading of its answer inside: an answer that cannot be read is a
failure of the call that brought it. So the methods take what shall be read from an answer, `read`.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

from github import Github
from github.GithubException import GithubException
from github.Requester import Requester

from activities.clients.beats import Beat
from activities.clients.github_access import GitHubTokens, HeldToken
from activities.clients.github_answers import Answer
from activities.clients.github_moves import Moved, requesters_that_tell_moves
from activities.clients.pool import ClientPool
from devsync.runtime.breaker.calls import UNGATED, Call, CallGate, Excuses
from devsync.runtime.classification import MalformedAnswer
from devsync.runtime.failures.graphql import refused

T = TypeVar("T")

PAGE_SIZE = 100
"""The largest page that GitHub's lists give."""

_BY_ID = re.compile(r"(?:/api/v3)?(/repositories/\d+)(?:/|\Z)")


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


class _Request(NamedTuple):
    verb: str
    path: str
    """Empty: the GraphQL endpoint."""
    parameters: dict[str, str] | None = None
    headers: dict[str, str] | None = None
    document: dict[str, Any] | None = None
    excuses: Excuses | None = None
    """Which failures of it say nothing of GitHub."""

    @property
    def operation(self) -> str:
        return f"{self.verb} {self.path}" if self.path else "a GraphQL query"


class _Line(NamedTuple):
    """One connection with the token that its next request carries."""

    requester: Requester
    token: HeldToken


class GitHubClient:
    """`read_timeout` bounds each wait for bytes: threads cannot be interrupted, so it also bounds a shutdown.

    Every method raises what PyGithub and requests raise, MalformedAnswer for a success that is not what was asked
    for, what `read` raises, ConfigError where the credentials cannot be used, CircuitOpen and ServicePaused where the
    gate lets no call through.
    """

    def __init__(
        self,
        *,
        base_url: str,
        tokens: GitHubTokens,
        concurrency: int,
        read_timeout: timedelta,
        gate: CallGate = UNGATED,
    ) -> None:
        self._tokens = tokens
        self.concurrency = concurrency
        """Calls at once in this process."""

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
            self._pool = ClientPool(build, concurrency, gate)

    def list_page(
        self,
        repository: str,
        name: str,
        parameters: dict[str, str],
        page: int,
        beat: Beat,
        read: Callable[[Page], T],
    ) -> T:
        """One page (from 1) of a repository's list, such as `pulls`. Raises RepositoryMoved for a renamed one."""
        asked = {**parameters, "per_page": str(PAGE_SIZE), "page": str(page)}
        request = _Request("GET", f"/repos/{repository}/{name}", asked)

        def read_page(answer: Answer) -> T:
            body = answer.json(request.operation)
            if not isinstance(body, list) or not all(isinstance(entry, dict) for entry in body):
                raise MalformedAnswer("github", request.operation, "something that is no list")
            return read(Page(body, answer.has_next, answer.headers.get("etag")))

        return self._ask(repository, request, beat, read_page)

    def probe(
        self,
        repository: str,
        path: str,
        parameters: dict[str, str],
        beat: Beat,
        read: Callable[[Probed], T],
        *,
        etag: str = "",
        accept: str = "",
    ) -> T:
        """Asks whether a resource still is what `etag` names; without one, just what it is now."""
        named = {"If-None-Match": etag, "Accept": accept}
        request = _Request("GET", path, parameters, {name: value for name, value in named.items() if value})

        def read_probe(answer: Answer) -> T:
            return read(Probed(answer.status == 304, answer.headers.get("etag"), answer.text, answer.has_next))

        return self._ask(repository, request, beat, read_probe)

    def graphql(
        self,
        repository: str,
        query: str,
        variables: dict[str, Any],
        beat: Beat,
        read: Callable[[dict[str, Any]], T],
        excuses: Excuses | None = None,
    ) -> T:
        """The `data` of an answer without errors. Raises GraphQLRefused for one with any, partial data or not."""
        request = _Request("POST", "", document={"query": query, "variables": variables}, excuses=excuses)

        def read_data(answer: Answer) -> T:
            body = answer.json(request.operation)
            if isinstance(body, dict) and body.get("errors"):
                raise refused(body["errors"], answer.headers)
            if not isinstance(body, dict) or not isinstance(body.get("data"), dict):
                raise MalformedAnswer("github", request.operation, "neither data nor errors")
            return read(body["data"])

        return self._ask(repository, request, beat, read_data)

    def _ask(self, repository: str, request: _Request, beat: Beat, read: Callable[[Answer], T]) -> T:
        """One call; a second one only where the token turned out to have ended before its time."""
        token = self._tokens.token_for(repository, beat)
        try:
            return self._call(token, request, beat, read)
        except GithubException as error:
            if error.status != 401 or not self._tokens.is_replaced(repository, token, beat):
                raise
        token = self._tokens.token_for(repository, beat)
        return self._call(token, request, beat, read)

    def _call(self, token: str, request: _Request, beat: Beat, read: Callable[[Answer], T]) -> T:
        with self._pool.lend(beat) as (line, gate):
            line.token.value = token
            with _through(gate, request):
                try:
                    return read(_asked_for(_sent(line, request), request))
                except Moved as redirect:  # an answer like any other; what it means is a question of its own
                    moved = redirect
            raise RepositoryMoved(_name_of_moved(line, gate, moved)) from None


def _sent(line: _Line, request: _Request) -> Answer:
    url = request.path or line.requester.graphql_url
    headers = dict(request.headers or {})
    return Answer(*line.requester.requestJson(request.verb, url, request.parameters, headers, request.document))


def _through(gate: CallGate, request: _Request) -> Call:
    if request.excuses is None:
        return gate.call(request.operation)
    return gate.excused_call(request.operation, request.excuses)


def _asked_for(answer: Answer, request: _Request) -> Answer:
    if answer.accepted().status == 304 and "If-None-Match" not in (request.headers or {}):
        raise MalformedAnswer("github", request.operation, "304 Not Modified, though no copy was named")
    return answer


def _name_of_moved(line: _Line, gate: CallGate, moved: Moved) -> str:
    """What the repository behind a redirect is called now; one more call, since it leads to a number."""
    found = _BY_ID.match(moved.path)
    if found is None:
        raise MalformedAnswer("github", "a request", f"a redirect to {moved.path}, which is no repository")
    request = _Request("GET", found[1])
    with gate.call(request.operation):
        name: str = _sent(line, request).accepted().field("full_name", str, request.operation)
        if "/" not in name:
            raise MalformedAnswer("github", request.operation, "a repository without a name")
        return name
