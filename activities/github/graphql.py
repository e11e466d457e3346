"""The GraphQL road to a repository's week: its three lists in one request a page, in pages that fit.

A stored page is one request's answer with the cursors of all lists, so that a retry goes on where the road stopped.
"""

import json
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import requests
from github.GithubException import GithubException
from temporalio import activity

from activities.clients.github import PAGE_SIZE, GitHubClient
from activities.collection import Collection, PageResult, unique
from activities.github.mapping import instant
from activities.github.nodes import commit_of_node, pull_request_of_node, release_of_node
from activities.github.query import QUERY
from activities.github.rest import RELEASE_DRAFT_TIME, utc
from devsync.domain.changelog.collected import Commit, PullRequest, Release, RepositoryData
from devsync.domain.changelog.window import Window
from devsync.runtime.classification import MalformedAnswer
from devsync.runtime.failures.graphql import GraphQLRefused, Refusal

GRAPHQL = "graphql"

SMALLEST_PAGE = 5
"""Below that a page is not what GitHub chokes on."""

GROW_AFTER = 4
"""This many pages in a row must have gone through before a larger one is tried again."""

_GATEWAY_STATUSES = {502, 504}
"""GitHub's answers to a query that takes longer than 10 s."""

Json = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """Where each list stands: "" before its first page, None once it is read, else the cursor to go on from."""

    pulls: str | None = ""
    commits: str | None = ""
    releases: str | None = ""
    head: str = ""
    """The commit that the commits are paged from."""
    size: int = PAGE_SIZE

    @property
    def is_end(self) -> bool:
        return self.pulls is None and self.commits is None and self.releases is None

    @property
    def is_smallest(self) -> bool:
        return self.size // 2 < SMALLEST_PAGE

    def as_text(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))


class GraphQLRoad:
    """One attempt at one repository. `calls` counts its HTTP calls, `name_now` says what GitHub calls it.

    `rest_follows`: where this road fails, REST is asked, and only what REST says counts against GitHub.
    """

    name = GRAPHQL

    def __init__(
        self, client: GitHubClient, collection: Collection, repository: str, window: Window, *, rest_follows: bool
    ) -> None:
        self._client = client
        self._collection = collection
        self._repository = repository
        self._window = window
        self._rest_follows = rest_follows
        self._seen: set[str] = set()
        self._went_through = 0
        self.name_now = repository
        self.default_branch = ""
        self.head = ""
        self.calls = 0

    def collect(self) -> RepositoryData:
        pages = self._collection.read_all(GRAPHQL, Place().as_text(), self._fetch)
        for page in pages:
            self.name_now = page["name"]
            self.default_branch = page["branch"] or self.default_branch
            self.head = page["head"] or self.head
        return data_of(self._repository, self.default_branch, pages)

    def _fetch(self, cursor: str) -> PageResult:
        page, following = self._ask(Place(**json.loads(cursor)))
        return PageResult(entries=[page], next_cursor=None if following.is_end else following.as_text())

    def _ask(self, place: Place) -> tuple[Json, Place]:
        """The page from there and the place after it, in a page of half the size where the last was too heavy."""
        while True:
            self.calls += 1
            reading = partial(self._page, place)
            try:
                page, following = self._client.graphql(
                    self._repository,
                    QUERY,
                    self._variables(place),
                    self._collection.beat,
                    reading,
                    partial(self._is_excused, place),
                )
            except (GraphQLRefused, GithubException, requests.Timeout) as error:
                self._went_through = 0
                if not is_too_heavy(error) or place.is_smallest:
                    raise
                smaller = place.size // 2
                activity.logger.info("%s: pages of %d from now on (%s)", self._collection.unit, smaller, error)
                place = replace(place, size=smaller)
                continue
            return page, replace(following, size=self._next_size(place.size))

    def _is_excused(self, place: Place, error: Exception) -> bool:
        """Whether the failure is no evidence against GitHub: of a large page it says that the page is too large."""
        return self._rest_follows or (is_too_heavy(error) and not place.is_smallest)

    def _next_size(self, size: int) -> int:
        self._went_through += 1
        if size == PAGE_SIZE or self._went_through < GROW_AFTER:
            return size
        self._went_through = 0
        return min(size * 2, PAGE_SIZE)

    def _variables(self, place: Place) -> Json:
        owner, _, name = self._repository.partition("/")
        return {
            "owner": owner,
            "name": name,
            "since": utc(self._window.start),
            "until": utc(self._window.end),
            "size": place.size,
            "withPulls": place.pulls is not None,
            "pullsAfter": place.pulls or None,
            "withBranch": place.commits is not None and not place.head,
            "withHead": place.commits is not None and bool(place.head),
            "head": place.head or None,
            "commitsAfter": place.commits or None,
            "withReleases": place.releases is not None,
            "releasesAfter": place.releases or None,
        }

    def _page(self, place: Place, data: Json) -> tuple[Json, Place]:
        """What one answer holds in the product's words, and where the next one begins."""
        repository = _object(data, "repository")
        page: Json = {"name": _text(repository, "nameWithOwner"), "branch": "", "head": ""}
        following = place
        if place.pulls is not None:
            nodes, after = self._connection(repository, "pullRequests", place.pulls)
            merged = [pull_request_of_node(node) for node in nodes if instant(node, "mergedAt") in self._window]
            page["pulls"] = _dumped(merged)
            following = replace(following, pulls=_unless(_is_older(nodes, "updatedAt", self._window.start), after))
        if place.commits is not None:
            commits, after, branch, head = self._commits(repository, place)
            page |= {"commits": commits, "branch": branch, "head": head}
            following = replace(following, commits=after, head=head)
        if place.releases is not None:
            nodes, after = self._connection(repository, "releases", place.releases)
            published = [node for node in nodes if node.get("publishedAt") and not node.get("isDraft")]
            inside = [release_of_node(node) for node in published if instant(node, "publishedAt") in self._window]
            page["releases"] = _dumped(inside)
            oldest = self._window.start - RELEASE_DRAFT_TIME
            following = replace(following, releases=_unless(_is_older(nodes, "createdAt", oldest), after))
        return page, following

    def _commits(self, repository: Json, place: Place) -> tuple[list[Json], str | None, str, str]:
        """The page, the cursor after it, the default branch's name and its head; nothing of an empty repository."""
        if place.head:
            branch, target = "", _object(repository, "object")
        else:
            reference = repository.get("defaultBranchRef")
            if reference is None:  # the schema allows it: no branch, no commit
                return [], None, "", ""
            branch, target = _text(reference, "name"), _object(reference, "target")
        nodes, after = self._connection(target, "history", place.commits or "")
        return _dumped([commit_of_node(node) for node in nodes]), after, branch, _text(target, "oid")

    def _connection(self, parent: Json, name: str, asked_after: str) -> tuple[list[Json], str | None]:
        """A page's nodes and the cursor of the next, None after the last one.

        Raises MalformedAnswer for nulls that the schema does not have and for a cursor that does not advance: it
        would be asked for ever.
        """
        connection = _object(parent, name)
        information, nodes = _object(connection, "pageInfo"), connection.get("nodes")
        if not isinstance(nodes, list) or not all(isinstance(node, dict) for node in nodes):
            raise MalformedAnswer("github", "a GraphQL query", f"a null among the nodes of {name}")
        if not information.get("hasNextPage"):
            return nodes, None
        after = _text(information, "endCursor")
        if after == asked_after or f"{name} {after}" in self._seen:
            raise MalformedAnswer("github", "a GraphQL query", f"a cursor of {name} that does not advance")
        self._seen.add(f"{name} {after}")
        return nodes, after


def data_of(repository: str, default_branch: str, pages: list[Json]) -> RepositoryData:
    """What those pages hold, of either road: each has entries of one list or more."""
    return RepositoryData(
        repository=repository,
        default_branch=default_branch,
        pull_requests=unique(_read(pages, "pulls", PullRequest), key=lambda pull: pull.number),
        commits=unique(_read(pages, "commits", Commit), key=lambda commit: commit.sha),
        releases=unique(_read(pages, "releases", Release), key=lambda release: release.tag),
    )


def is_too_heavy(error: Exception) -> bool:
    """Whether a smaller page may go through; of what the road raises itself, that even the smallest did not."""
    if isinstance(error, GraphQLRefused):
        # An error without a known type is what GitHub calls "something went wrong": mostly its own time-out.
        return error.refusal in (Refusal.TOO_MUCH, Refusal.FAILED)
    if isinstance(error, GithubException):
        return error.status in _GATEWAY_STATUSES
    return isinstance(error, requests.ReadTimeout)


def _is_older(nodes: list[Json], name: str, than: Any) -> bool:
    """Whether a list that is ordered by that time, newest first, has left the window."""
    return bool(nodes) and instant(nodes[-1], name) < than


def _unless(is_enough: bool, after: str | None) -> str | None:
    return None if is_enough else after


def _object(parent: Json, name: str) -> Json:
    found = parent.get(name)
    if not isinstance(found, dict):
        raise MalformedAnswer("github", "a GraphQL query", f"no {name}")
    return found


def _text(parent: Json, name: str) -> str:
    found = parent.get(name)
    if not isinstance(found, str) or not found:
        raise MalformedAnswer("github", "a GraphQL query", f"no {name}")
    return found


def _dumped(models: list[Any]) -> list[Json]:
    return [model.model_dump(mode="json") for model in models]


def _read(pages: list[Json], name: str, kind: type[Any]) -> Any:
    return (kind.model_validate(entry) for page in pages for entry in page.get(name, ()))
