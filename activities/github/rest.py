"""The REST road to a repository's week: three lists, 100 entries a page, no call per pull request."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from github.GithubException import GithubException

from activities.clients.github import GitHubClient, Page, RepositoryMoved
from activities.collection import Collection, PageResult, unique
from activities.github.mapping import commit_of, instant, pull_request_of, release_of
from devsync.domain.changelog.collected import Commit, PullRequest, Release, RepositoryData
from devsync.domain.changelog.window import Window
from devsync.domain.model import Model
from devsync.storage.collected import Validator

REST = "rest"

RELEASE_DRAFT_TIME = timedelta(days=90)
"""Releases are listed by creation; one published in the window may have been a draft for this long."""

PARTS = ("pulls", "commits", "releases")
"""The lists, as GitHub's paths and our stored pages call them."""

_CALLS_OF_A_MOVE = 2
"""The redirect, and the question what the repository is called now."""


class _Read(NamedTuple):
    """What one answer holds in the product's words; `is_enough`: the pages behind it lie outside the window."""

    page: Page
    entries: Sequence[Model]
    is_enough: bool = False


class RestRoad:
    """One attempt at one repository. `calls` counts its HTTP calls, `name_now` says what GitHub calls it."""

    name = REST

    def __init__(self, client: GitHubClient, collection: Collection, repository: str, window: Window) -> None:
        self._client = client
        self._collection = collection
        self._repository = repository
        self._window = window
        self.name_now = repository
        self.calls = 0

    def collect(self) -> RepositoryData:
        return RepositoryData(
            repository=self._repository,
            pull_requests=self._pull_requests(),
            commits=self._commits(),
            releases=self._releases(),
        )

    def validators(self) -> tuple[Validator, ...]:
        """The entity tags of the pages that show every later change; see `memory`. Empty where one lacks."""
        last = max((page for part, page in self._collection.etags if part == "commits"), default=1)
        asked = [("pulls", 1), ("commits", 1), ("commits", last), ("releases", 1)]
        found = [
            Validator(
                path=f"/repos/{self.name_now}/{part}",
                parameters={**self._parameters(part), "per_page": "100", "page": str(page)},
                etag=self._collection.etags.get((part, page)) or "",
                is_last=(part, page) == ("commits", last),
            )
            for part, page in dict.fromkeys(asked)
        ]
        return tuple(found) if all(validator.etag for validator in found) else ()

    def _pull_requests(self) -> tuple[PullRequest, ...]:
        """Newest update first, until updates lie before the window: the list has no `since`.

        One that is updated while we page may hide a neighbour; its squash commit still tells of it.
        """

        def read(page: Page) -> _Read:
            merged = [
                pull_request_of(entry)
                for entry in page.entries
                if entry.get("merged_at") and instant(entry, "merged_at") in self._window
            ]
            reaches_back = bool(page.entries) and instant(page.entries[-1], "updated_at") < self._window.start
            return _Read(page, merged, is_enough=reaches_back)

        found = self._read_all("pulls", read)
        return unique((PullRequest.model_validate(entry) for entry in found), key=lambda pull: pull.number)

    def _commits(self) -> tuple[Commit, ...]:
        """The default branch's commits; GitHub filters by committer date."""

        found = self._read_all("commits", lambda page: _Read(page, [commit_of(entry) for entry in page.entries]))
        return unique((Commit.model_validate(entry) for entry in found), key=lambda commit: commit.sha)

    def _releases(self) -> tuple[Release, ...]:
        def read(page: Page) -> _Read:
            published = [entry for entry in page.entries if entry.get("published_at")]
            inside = [release_of(entry) for entry in published if instant(entry, "published_at") in self._window]
            oldest = self._window.start - RELEASE_DRAFT_TIME
            reaches_back = bool(page.entries) and instant(page.entries[-1], "created_at") < oldest
            return _Read(page, inside, is_enough=reaches_back)

        found = self._read_all("releases", read)
        return unique((Release.model_validate(entry) for entry in found), key=lambda release: release.tag)

    def _read_all(self, part: str, read: Callable[[Page], _Read]) -> list[dict[str, Any]]:
        def fetch(cursor: str) -> PageResult:
            found = self._page(part, cursor, read)
            has_next = found.page.has_next and not found.is_enough
            return PageResult(
                entries=[entry.model_dump(mode="json") for entry in found.entries],
                next_cursor=str(int(cursor) + 1) if has_next else None,
                etag=found.page.etag,
            )

        return self._collection.read_all(part, "1", fetch)

    def _page(self, part: str, cursor: str, read: Callable[[Page], _Read]) -> _Read:
        self.calls += 1
        try:
            return self._client.list_page(
                self.name_now, part, self._parameters(part), int(cursor), self._collection.beat, read
            )
        except RepositoryMoved as moved:
            if moved.new_name == self.name_now:
                raise
            self.name_now = moved.new_name
            self.calls += _CALLS_OF_A_MOVE - 1
            return self._page(part, cursor, read)
        except GithubException as error:
            if part == "commits" and error.status == 409:  # GitHub's word for a repository without any commit
                return _Read(Page(entries=[], has_next=False), [])
            raise

    def _parameters(self, part: str) -> dict[str, str]:
        if part == "pulls":
            return {"state": "closed", "sort": "updated", "direction": "desc"}
        if part == "commits":
            return {"since": utc(self._window.start), "until": utc(self._window.end)}
        return {}


def utc(at: datetime) -> str:
    """As GitHub's parameters take an instant."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
