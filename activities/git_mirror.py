"""Collects a repository's week from its git mirror: the same commits under the same SHAs, without pull requests."""

import re
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from temporalio import activity

from activities.clients.git_mirrors import GitMirrors, Mirrored
from activities.collection import Collection, Shelf
from activities.git_objects import RawCommit, RawTag, Signature
from activities.github.repository_data import counts_of, without_texts
from activities.steps import heal_each, named, stands_in
from devsync.contracts.activities import COLLECT_FROM_MIRROR
from devsync.contracts.collection import CollectRepository, UnitCollected
from devsync.contracts.recovery import FailedUnit, StepRequest, StepResult
from devsync.domain.changelog.collected import Author, Commit, Release, RepositoryData
from devsync.domain.changelog.edition import ProvenanceKind
from devsync.domain.instants import in_utc

_NOREPLY = re.compile(r"(?:\d+\+)?([^@]+)@users\.noreply\.github\.com")
"""GitHub's own address of an account."""


class GitMirrorActivities:
    """`web_url`: where GitHub shows commits to people; they are the same commits."""

    def __init__(self, mirrors: GitMirrors, shelf: Shelf, *, web_url: str, at_once: int) -> None:
        self._mirrors = mirrors
        self._shelf = shelf
        self._web_url = web_url
        self._at_once = at_once

    def all(self) -> list[Callable[..., Any]]:
        return [self.collect]

    @activity.defn(name=COLLECT_FROM_MIRROR.name)
    def collect(self, request: StepRequest) -> StepResult:
        """Commits of the window on the default branch, and annotated tags made in it, from the team's mirrors.

        What lies in a mirror is as young as its own last update, which nobody can see. Where its newest commit is older
        than the window's end, the unit's notes say so; where it is older than the window, the week was quiet or the
        mirror is far behind, and it stands in for nothing.
        """
        mirrors = {name.casefold(): address for name, address in request.sources.mirrors.items()}
        notes: dict[str, list[str]] = defaultdict(list)

        def heal(unit: FailedUnit, until: datetime) -> UnitCollected | None:
            ask = unit.ask
            if not isinstance(ask, CollectRepository):
                return None
            address = mirrors.get(ask.repository.casefold())
            if address is None:
                notes["no mirror is configured for"].append(unit.unit)
                return None
            collection = Collection(self._shelf, ask.collection_id, ask.team, unit.unit, until)
            found = self._mirrors.read(ask.repository, address, ask.window, until=until, beat=collection.beat)
            if found.newest_at < ask.window.start:
                notes["without a commit since the window began:"].append(unit.unit)
                return None
            return self._collected(collection, ask, found)

        tally = heal_each(request, heal, COLLECT_FROM_MIRROR, at_once=self._at_once)
        told = [f"{words} {named(sorted(units))}" for words, units in sorted(notes.items())]
        return tally.result_of_stand_in("read the git mirrors", request.units, notes=told)

    def _collected(self, collection: Collection, ask: CollectRepository, found: Mirrored) -> UnitCollected:
        data = self._data(ask.repository, found)
        collected = collection.finish(
            data, counts_of(data), slim=lambda: without_texts(data), inline_share=ask.inline_share
        )
        notes = ["mirror: commits and tags only, no pull requests"]
        if found.newest_at < ask.window.end:
            notes.append(f"mirror: its newest commit is of {in_utc(found.newest_at)}")
        return stands_in(collected, ProvenanceKind.MIRROR, datetime.now(UTC), *notes)

    def _data(self, repository: str, found: Mirrored) -> RepositoryData:
        page = f"{self._web_url}/{repository}"
        return RepositoryData(
            repository=repository,
            default_branch=found.branch,
            commits=tuple(_commit(commit, page) for commit in found.commits),
            releases=tuple(_release(tag, page) for tag in found.tags),
        )


def _commit(commit: RawCommit, page: str) -> Commit:
    return Commit(
        sha=commit.sha,
        message=commit.message,
        author=_author(commit.author),
        authored_at=commit.author.at,
        committed_at=commit.committer.at,
        parents=commit.parents,
        url=f"{page}/commit/{commit.sha}",
    )


def _release(tag: RawTag, page: str) -> Release:
    name, _, body = tag.message.partition("\n")
    return Release(
        tag=tag.name,
        name=name,
        body=body.strip(),
        published_at=tag.tagged_at,
        author=_author(tag.tagger),
        url=f"{page}/releases/tag/{tag.name}",
    )


def _author(signature: Signature) -> Author:
    account = _NOREPLY.fullmatch(signature.email)
    login = account[1] if account else None
    return Author(
        name=signature.name or "unknown",
        login=login,
        email=signature.email or None,
        is_bot=(login or signature.name).endswith("[bot]"),
    )
