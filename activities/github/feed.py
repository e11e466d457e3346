"""Reads a repository's week from GitHub's public Atom feeds: the last resort, titles of the latest commits."""

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
from devsync.contracts.names import GITHUB, repository_unit
from devsync.contracts.recovery import FailedUnit, StepRequest, StepResult
from devsync.domain.changelog.collected import Commit, Release, RepositoryData
from devsync.domain.changelog.edition import ProvenanceKind
from devsync.domain.changelog.window import Window
from devsync.runtime.classification import MalformedAnswer, classify

_ATOM = "application/atom+xml"


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
        short: set[str] = set()

        def heal(unit: FailedUnit, until: datetime) -> UnitCollected | None:
            if not isinstance(unit.ask, CollectRepository):
                return None
            collected, is_short = self._collect(unit.ask, branch, until)
            short.update([unit.unit] if is_short else [])
            return collected

        healing = heal_each(request, heal, READ_FEED, at_once=self._at_once)
        notes = [f"too short to reach back to the window's start: {named(sorted(short))}"] if short else []
        return healing.result_of_stand_in("read the Atom feeds, titles only", request.units, notes=notes)

    def _collect(self, ask: CollectRepository, branch: str, until: datetime) -> tuple[UnitCollected, bool]:
        """What the feeds have of the window, and whether the one of commits may be too short for it."""
        collection = Collection(self._shelf, ask.collection_id, ask.team, repository_unit(ask.repository), until)
        notes = ["feed: the titles of the latest commits only, no pull requests"]
        commits = commits_of(self._read(collection, ask.repository, _commits_path(branch)))
        missing = _missing(commits, ask.window)
        notes += [missing] if missing else []
        releases: list[Release] = []
        try:
            releases = releases_of(self._read(collection, ask.repository, "releases.atom"))
        except (httpx.HTTPError, MalformedAnswer) as error:
            reason = classify(error, GITHUB, datetime.now(UTC)).message
            notes.append(f"feed: no releases ({reason})")
        data = RepositoryData(
            repository=ask.repository,
            commits=tuple(commit for commit in commits if commit.committed_at in ask.window),
            releases=tuple(release for release in releases if release.published_at in ask.window),
        )
        collected = collection.finish(
            data, counts_of(data), slim=lambda: without_texts(data), inline_share=ask.inline_share
        )
        return stands_in(collected, ProvenanceKind.FEED, datetime.now(UTC), *notes), bool(missing)

    def _read(self, collection: Collection, repository: str, path: str) -> bytes:
        collection.beat()
        collection.api_calls += 1
        return self._reader.read(f"{self._web_url}/{repository}/{path}", _ATOM)


def _commits_path(branch: str) -> str:
    return f"commits/{quote(branch)}.atom" if branch else "commits.atom"


def _missing(commits: list[Commit], window: Window) -> str:
    """What to say where older commits of the window may stand behind the feed's last entry; else empty."""
    if not commits:
        return "feed: it has no entry"
    oldest = min(commit.committed_at for commit in commits)
    return f"feed: it reaches back to {oldest:%Y-%m-%d %H:%M} UTC only" if oldest >= window.start else ""
