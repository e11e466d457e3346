"""Collects a repository's week from GitHub over REST: three lists, no call per pull request."""

from datetime import datetime, timedelta
from typing import Any

from temporalio import activity

from activities.clients.github import GitHubClient, Page
from activities.collection import Collection, PageResult, Shelf, heartbeat_while_waiting, unique
from activities.github_mapping import commit_of, instant, pull_request_of, release_of
from devsync.contracts.activities import COLLECT_REPOSITORY
from devsync.contracts.collection import CollectRepository, UnitCollected
from devsync.contracts.names import repository_unit
from devsync.domain.changelog.collected import Commit, PullRequest, Release, RepositoryData
from devsync.domain.changelog.window import Window

RELEASE_DRAFT_TIME = timedelta(days=90)
"""Releases are listed by creation; one published in the window may have been a draft for so long."""


class GitHubActivities:
    def __init__(self, client: GitHubClient, shelf: Shelf) -> None:
        self._client = client
        self._shelf = shelf

    @activity.defn(name=COLLECT_REPOSITORY.name)
    def collect_repository(self, message: CollectRepository) -> UnitCollected:
        """Pull requests merged, commits made and releases published in the window.

        Runs in a thread. Composition filters to the instant; here lists are only cut where they leave the window.
        """
        collection = Collection(self._shelf, message.collection_id, message.team, repository_unit(message.repository))
        collection.resume()
        road = _RestRoad(self._client, collection, message.repository, message.window)
        pulls = road.pull_requests()
        data = RepositoryData(
            repository=message.repository,
            default_branch=road.default_branch,
            pull_requests=pulls,
            commits=road.commits(),
            releases=road.releases(),
        )
        counts = {
            "pull_requests": len(data.pull_requests),
            "commits": len(data.commits),
            "releases": len(data.releases),
        }
        return collection.finish(data, counts, slim=lambda: _without_texts(data))


class _RestRoad:
    """The three lists of one repository."""

    def __init__(self, client: GitHubClient, collection: Collection, repository: str, window: Window) -> None:
        self._client = client
        self._collection = collection
        self._repository = repository
        self._window = window
        self.default_branch = ""

    def pull_requests(self) -> tuple[PullRequest, ...]:
        """Newest update first, until updates lie before the window: the list has no `since`.

        One that is updated while we page may hide a neighbour; its squash commit still tells of it.
        """

        def fetch(cursor: str) -> PageResult:
            page = self._page("pulls", cursor, state="closed", sort="updated", direction="desc")
            merged = [
                pull_request_of(entry)
                for entry in page.entries
                if entry.get("merged_at") and instant(entry, "merged_at") in self._window
            ]
            reaches_back = bool(page.entries) and instant(page.entries[-1], "updated_at") < self._window.start
            entries = [entry.model_dump(mode="json") for entry in merged]
            return self._result(page, cursor, entries, is_enough=reaches_back)

        read = self._collection.read_all("pulls", "1", fetch)
        return unique((PullRequest.model_validate(entry) for entry in read), key=lambda pull: pull.number)

    def commits(self) -> tuple[Commit, ...]:
        """The default branch's commits; GitHub filters by committer date."""
        window = {"since": _utc(self._window.start), "until": _utc(self._window.end)}

        def fetch(cursor: str) -> PageResult:
            page = self._page("commits", cursor, **window)
            entries = [commit_of(entry).model_dump(mode="json") for entry in page.entries]
            return self._result(page, cursor, entries)

        read = self._collection.read_all("commits", "1", fetch)
        return unique((Commit.model_validate(entry) for entry in read), key=lambda commit: commit.sha)

    def releases(self) -> tuple[Release, ...]:
        def fetch(cursor: str) -> PageResult:
            page = self._page("releases", cursor)
            published = [entry for entry in page.entries if entry.get("published_at")]
            entries = [
                release_of(entry).model_dump(mode="json")
                for entry in published
                if instant(entry, "published_at") in self._window
            ]
            oldest = self._window.start - RELEASE_DRAFT_TIME
            reaches_back = bool(page.entries) and instant(page.entries[-1], "created_at") < oldest
            return self._result(page, cursor, entries, is_enough=reaches_back)

        read = self._collection.read_all("releases", "1", fetch)
        return unique((Release.model_validate(entry) for entry in read), key=lambda release: release.tag)

    def _page(self, name: str, cursor: str, **parameters: str) -> Page:
        return self._client.list_page(
            f"/repos/{self._repository}/{name}",
            parameters,
            int(cursor),
            heartbeat_while_waiting(self._collection),
        )

    @staticmethod
    def _result(page: Page, cursor: str, entries: list[dict[str, Any]], *, is_enough: bool = False) -> PageResult:
        has_next = page.has_next and not is_enough
        return PageResult(entries=entries, next_cursor=str(int(cursor) + 1) if has_next else None)


def _without_texts(data: RepositoryData) -> RepositoryData:
    """Titles, people and links stay; bodies go."""
    return data.model_copy(
        update={
            "pull_requests": tuple(pull.model_copy(update={"body": ""}) for pull in data.pull_requests),
            "commits": tuple(
                commit.model_copy(update={"message": commit.message.split("\n", 1)[0]}) for commit in data.commits
            ),
            "releases": tuple(release.model_copy(update={"body": ""}) for release in data.releases),
        }
    )


def _utc(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
