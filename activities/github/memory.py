"""Conditional collection: a repository that has not changed since its week was collected costs only 304s.

The artifact of a finished collection is remembered with *validators*: conditional REST requests which, together, are
answered 304 only while a new collection would give the same. REST, because GraphQL has no entity tags; on the GraphQL
road two small requests learn them. What they rest on at GitHub:

- `pulls?state=closed&sort=updated&direction=desc`: merging, editing, labelling or commenting on a pull request moves
  it to the top, so that the first page changes whichever page the pull request stood on; one entry is enough. It holds
  the base repository's `pushed_at`, name and default branch as well.
- `commits?since&until`, first and last page: the first changes when history is rewritten, the last one when a commit
  comes into the window or leaves it anywhere before; one that comes behind a full last page shows as the 304's link
  to a next page. A window's commits are so known in two requests, not in 100.
- `commits/BRANCH` as `application/vnd.github.sha` says whether the default branch's head is still the one that
  GraphQL named; GitHub documents the SHA as its entity tag. The same head is the same history.
- `releases`, first page: publishing and editing show there.

All are asked *before* the data that they stand for, or came with it: a change in between makes the next probe
answer 200, never a wrong 304. What they do not see: a label or a user renamed without any change to the pull request.
GitHub's tags also differ from token to token, and a GitHub App's tokens live an hour: a later probe is answered 200 for
what has not changed. So the two small requests also remember what their answer *said*, by what changes with every edit
(`updated_at`, a release's texts); where that is the same, the new tags are kept. A week that came by REST, whose probes
are whole pages, is collected again then: dearer, never wrong.

A 304 counts against no hourly limit (GitHub docs, "use conditional requests if appropriate").
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from urllib.parse import quote

import requests
from github.GithubException import GithubException
from temporalio import activity

from activities.clients.github import GitHubClient, Probed, RepositoryMoved
from activities.collection import Collection, PageResult
from activities.github.graphql import GRAPHQL
from activities.remembering import form_of, keep, remember
from devsync.contracts.collection import CollectRepository, UnitCollected
from devsync.contracts.names import GITHUB
from devsync.domain.errors import ErrorCategory
from devsync.runtime.classification import MalformedAnswer, classify
from devsync.storage.collected import CollectedUnits, RememberedUnit, Validator
from devsync.storage.connection import DatabaseUnavailable

_SHA = "application/vnd.github.sha"
_SAYING = ("id", "number", "updated_at", "tag_name", "name", "body", "draft", "prerelease", "published_at")
_PART = "validators"
_LEARNED = (
    ("pulls", {"state": "closed", "sort": "updated", "direction": "desc", "per_page": "1"}),
    ("releases", {"per_page": "100", "page": "1"}),
)


class Memory:
    """What one attempt at one repository asks of earlier collections, and leaves to later ones.

    An aid: where it fails, the repository is collected as if nothing were known. `calls` counts its HTTP calls.
    """

    def __init__(
        self, client: GitHubClient, units: CollectedUnits, collection: Collection, message: CollectRepository
    ) -> None:
        self._client = client
        self._units = units
        self._collection = collection
        self._message = message
        self.calls = 0

    def unchanged(self) -> RememberedUnit | None:
        """The remembered collection of the same window, confirmed by GitHub; None where there is none, or changed."""
        remembered = self._recall()
        if remembered is None or not remembered.validators:
            return None
        confirmed: list[Validator] = []
        with self._as_an_aid():
            for validator in remembered.validators:
                found = self._confirmed(validator)
                if found is None:
                    return None
                confirmed.append(found)
        if len(confirmed) < len(remembered.validators):
            return None
        # It is as good as collected now: that is the age it would stand in with, should GitHub go away.
        changes = {"validators": tuple(confirmed), "collected_at": datetime.now(UTC)}
        remembered = remembered.model_copy(update=changes)
        keep(self._units, self._collection, self._message.window, remembered)
        return remembered

    def learn(self) -> tuple[Validator, ...]:
        """Asks for the entity tags that GraphQL does not give; call it before GraphQL is asked.

        Stored like a page: a retry takes those of the attempt whose pages it goes on from. Empty where they cannot
        be had, or would be younger than pages that are there already.
        """
        if self._collection.has_stored(GRAPHQL) and not self._collection.has_stored(_PART):
            return ()

        def fetch(_cursor: str) -> PageResult:
            found = [self._learned(name, parameters) for name, parameters in _LEARNED]
            return PageResult([validator.model_dump(mode="json") for validator in found], next_cursor=None)

        entries = []
        with self._as_an_aid():
            entries = self._collection.read_all(_PART, "1", fetch)
        found = tuple(Validator.model_validate(entry) for entry in entries)
        return found if found and all(validator.etag for validator in found) else ()

    def remember(self, collected: UnitCollected, validators: tuple[Validator, ...]) -> None:
        """Keeps the collection for later ones; without validators it can only stand in, and confirms nothing."""
        remember(self._units, self._collection, self._message.window, collected, validators)

    def _recall(self) -> RememberedUnit | None:
        message = self._message
        with self._as_an_aid():
            unit = self._collection.unit
            return self._collection.at_shelf(
                self._units.recall(team=message.team, unit=unit, window=message.window, form=form_of(unit))
            )
        return None

    def _confirmed(self, validator: Validator) -> Validator | None:
        self.calls += 1
        return self._client.probe(
            self._message.repository,
            validator.path,
            validator.parameters,
            self._collection.beat,
            partial(_still_holds, validator),
            etag=validator.etag,
            accept=validator.accept,
        )

    def _learned(self, name: str, parameters: dict[str, str], repository: str = "") -> Validator:
        repository = repository or self._message.repository
        path = f"/repos/{repository}/{name}"

        def read(probed: Probed) -> Validator:
            return Validator(path=path, parameters=parameters, etag=probed.etag or "", says=_said(probed.text))

        self.calls += 1
        try:
            return self._client.probe(repository, path, parameters, self._collection.beat, read)
        except RepositoryMoved as moved:
            self.calls += 1
            return self._learned(name, parameters, moved.new_name)

    @contextmanager
    def _as_an_aid(self) -> Iterator[None]:
        """What goes wrong inside costs the aid only; but whoever is told to slow down must not go on asking."""
        try:
            yield
        except (DatabaseUnavailable, MalformedAnswer, RepositoryMoved) as error:
            activity.logger.info("%s is collected without its memory: %s", self._collection.unit, error)
        except (GithubException, requests.RequestException) as error:
            failure = classify(error, GITHUB, datetime.now(UTC))
            if failure.category is ErrorCategory.RATE_LIMITING and not is_primary_limit(error):
                raise
            activity.logger.info("%s is collected without its memory: %s", self._collection.unit, failure.message)


def _still_holds(validator: Validator, probed: Probed) -> Validator | None:
    """The validator, with the tag of today where GitHub made another one; None where it does not hold."""
    if validator.is_last and probed.has_next:
        return None
    if probed.is_unchanged:
        return validator
    if validator.accept == _SHA:  # a server that sends the SHA instead of 304 says the same
        return validator if probed.text.strip() == validator.etag.strip('"') else None
    is_same = bool(validator.says) and _said(probed.text) == validator.says
    return validator.model_copy(update={"etag": probed.etag or ""}) if is_same else None


def _said(text: str) -> str:
    """A digest of a list of pull requests or releases by the fields that every edit changes, and of the repository's
    name and default branch where the list tells them. Raises MalformedAnswer for what is no list.
    """
    try:
        entries = json.loads(text)
        said = [[entry.get(name) for name in _SAYING] for entry in entries]
        homes = [(entry.get("base") or {}).get("repo") or {} for entry in entries]
        said += [[home.get("full_name"), home.get("default_branch")] for home in homes]
    except (ValueError, TypeError, AttributeError) as error:
        raise MalformedAnswer("github", "a probe", "something that is no list") from error
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


def head_validator(repository: str, branch: str, head: str) -> Validator:
    """Answered 304 while the branch's head is the commit `head`."""
    return Validator(path=f"/repos/{repository}/commits/{quote(branch)}", etag=f'"{head}"', accept=_SHA)


def is_primary_limit(error: Exception) -> bool:
    """Whether an hourly quota is used up: each API counts its own. A secondary limit means all of them."""
    headers = getattr(error, "headers", None) or {}
    return str(headers.get("x-ratelimit-remaining", "")) == "0"
