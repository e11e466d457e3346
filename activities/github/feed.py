"""Reads a repository's week from GitHub's public Atom feeds: the last resort, titles of the latest commits."""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx
from temporalio import activity

from activities.clients.bounded import WebReader
from activities.collection import Collection, Shelf
from activities.github.atom import commits_of, releases_of
from activities.github.repository_data import counts_of, without_texts
from activities.steps import heal_each, named, stands_in
from devsync.contracts.activities import READ_FEED
from devsync.contracts.collection import CollectRepository, UnitCollected
from devsync.contracts.names import GITHUB
from devsync.contracts.recovery import FailedUnit, StepRequest, StepResult
from devsync.domain.changelog.collected import Commit, Release, RepositoryData
from devsync.domain.changelog.edition import ProvenanceKind
from devsync.domain.changelog.window import Window
from devsync.domain.instants import in_utc
from devsync.runtime.classification import MalformedAnswer, classify

_ATOM = "application/atom+xml"
_NOT_FOUND = 404


class GitHubFeedActivities:
    """`web_url` without a slash at its end. The pages for people are another system than the API, and may be up while
    that is down: the API's breaker says nothing of them, and is told nothing."""

    def __init__(self, reader: WebReader, shelf: Shelf, *, web_url: str, at_once: int) -> None:
        self._reader = reader
        self._shelf = shelf
        self._web_url = web_url
        self._at_once = at_once

    def all(self) -> list[Callable[..., Any]]:
        return [self.read_feed]

    @activity.defn(name=READ_FEED.name)
    def read_feed(self, request: StepRequest) -> StepResult:
        """The latest 20 commits and 10 releases, as far as they lie in the window; of private repositories there is no
        feed. `with: {branch: develop}` names another branch than the default one."""
        branch = str(request.arguments.get("branch") or "")
        notes: dict[str, list[str]] = defaultdict(list)

        def heal(unit: FailedUnit, until: datetime) -> UnitCollected | None:
            if not isinstance(unit.ask, CollectRepository):
                return None
            collection = Collection(self._shelf, unit.ask.collection_id, unit.ask.team, unit.unit, until)
            try:
                commits = commits_of(self._read(collection, unit.ask.repository, _commits_path(branch)))
            except httpx.HTTPStatusError as error:
                if error.response.status_code != _NOT_FOUND:
                    raise
                notes["no public feed"].append(unit.unit)
                return None
            if not _reaches_back(commits, unit.ask.window):
                notes["too short to reach back to the window's start"].append(unit.unit)
            return self._collected(collection, unit.ask, commits)

        tally = heal_each(request, heal, READ_FEED, at_once=self._at_once)
        told = [f"{words}: {named(sorted(units))}" for words, units in sorted(notes.items())]
        return tally.result_of_stand_in("read the Atom feeds, titles only", request.units, notes=told)

    def _collected(self, collection: Collection, ask: CollectRepository, commits: list[Commit]) -> UnitCollected | None:
        """None where the feeds say nothing of the window: they are too short for it."""
        releases, notes = self._releases(collection, ask.repository)
        data = RepositoryData(
            repository=ask.repository,
            commits=tuple(commit for commit in commits if commit.committed_at in ask.window),
            releases=tuple(release for release in releases if release.published_at in ask.window),
        )
        if not _reaches_back(commits, ask.window):
            if not data.commits and not data.releases:
                return None
            oldest = min((commit.committed_at for commit in commits), default=ask.window.end)
            notes.append(f"feed: it reaches back to {in_utc(oldest)} only")
        collected = collection.finish(
            data, counts_of(data), slim=lambda: without_texts(data), inline_share=ask.inline_share
        )
        told = "feed: the titles of the latest commits only, no pull requests"
        return stands_in(collected, ProvenanceKind.FEED, datetime.now(UTC), told, *notes)

    def _releases(self, collection: Collection, repository: str) -> tuple[list[Release], list[str]]:
        """Releases, and a note where they cannot be had: an aid beside the commits."""
        try:
            return releases_of(self._read(collection, repository, "releases.atom")), []
        except (httpx.HTTPError, MalformedAnswer) as error:
            return [], [f"feed: no releases ({classify(error, GITHUB, datetime.now(UTC)).message})"]

    def _read(self, collection: Collection, repository: str, path: str) -> bytes:
        collection.beat()
        collection.api_calls += 1
        return self._reader.read(f"{self._web_url}/{repository}/{path}", _ATOM)


def _commits_path(branch: str) -> str:
    return f"commits/{quote(branch)}.atom" if branch else "commits.atom"


def _reaches_back(commits: list[Commit], window: Window) -> bool:
    """Whether no older commit of the window can stand behind the feed's last entry."""
    return any(commit.committed_at < window.start for commit in commits)
