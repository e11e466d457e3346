"""Collects a repository's week from GitHub, by GraphQL or REST, or finds that nothing has changed.

Both roads give the same edition: what decides items is what both know. One collection comes by one road as a whole.
`github.api: auto` starts by GraphQL and leaves it for REST where GraphQL refuses for good, is not there, has no points
left, chokes even on the smallest page, or fails again and again; whatever it had read is dropped then.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import requests
from github.GithubException import GithubException
from temporalio import activity

from activities.clients.github import GitHubClient
from activities.collection import Collection, Shelf
from activities.github.deployments import deployments_of
from activities.github.graphql import GRAPHQL, GraphQLRoad, is_too_heavy
from activities.github.memory import Memory, head_validator, is_primary_limit
from activities.github.repository_data import counts_of, without_texts
from activities.github.rest import PARTS, REST, RestRoad
from activities.remembering import remember
from activities.steps import choice_of, heal_each
from devsync.contracts.activities import COLLECT_DEPLOYMENTS, COLLECT_REPOSITORIES_AGAIN, COLLECT_REPOSITORY
from devsync.contracts.collection import CollectDeployments, CollectRepository, UnitCollected
from devsync.contracts.names import GITHUB, deployments_unit, repository_unit
from devsync.contracts.recovery import FailedUnit, StepRequest, StepResult
from devsync.domain.changelog.collected import RepositoryData
from devsync.domain.errors import ErrorCategory
from devsync.runtime.classification import MalformedAnswer, classify
from devsync.runtime.failures.graphql import GraphQLRefused
from devsync.storage.collected import CollectedUnits, RememberedUnit, Validator

AUTO = "auto"

PATIENT_ATTEMPTS = 3
"""What may heal is waited for; the attempt of that number tries the other road where it fails again."""

_TELLING = (GraphQLRefused, GithubException, MalformedAnswer, requests.RequestException)


class GitHubActivities:
    def __init__(self, client: GitHubClient, shelf: Shelf, units: CollectedUnits) -> None:
        self._client = client
        self._shelf = shelf
        self._units = units

    def all(self) -> list[Callable[..., Any]]:
        return [self.collect_repository, self.collect_deployments, self.collect_again]

    @activity.defn(name=COLLECT_REPOSITORY.name)
    def collect_repository(self, message: CollectRepository) -> UnitCollected:
        """Pull requests merged, commits made and releases published in the window.

        Runs in a thread. Composition filters to the instant; here lists are only cut where they leave the window.
        """
        return self._collect(message)

    @activity.defn(name=COLLECT_DEPLOYMENTS.name)
    def collect_deployments(self, message: CollectDeployments) -> UnitCollected:
        """Deployments of the window to the environments that the team counts. Runs in a thread."""
        return self._deployments(message)

    @activity.defn(name=COLLECT_REPOSITORIES_AGAIN.name)
    def collect_again(self, request: StepRequest) -> StepResult:
        """Collects each repository that failed, or its deployments, once more from its last stored page on.

        `with: {api: rest}` asks REST whatever the team's file says.
        """
        api = choice_of(request, "api", (AUTO, GRAPHQL, REST))

        def collect(unit: FailedUnit, until: datetime) -> UnitCollected | None:
            if isinstance(unit.ask, CollectDeployments):
                return self._deployments(unit.ask, until=until)
            if not isinstance(unit.ask, CollectRepository):
                return None
            if api and unit.ask.api not in {AUTO, api}:
                return None  # the team's file says by which road alone
            message = unit.ask.model_copy(update={"api": api}) if api else unit.ask
            return self._collect(message, until)

        tally = heal_each(request, collect, COLLECT_REPOSITORY, at_once=self._client.concurrency, probes_first=True)
        by_api = " by REST" if api == REST else ""
        return tally.result(f"asked GitHub again{by_api}", request.units)

    def _collect(self, message: CollectRepository, until: datetime | None = None) -> UnitCollected:
        collection = Collection(
            self._shelf, message.collection_id, message.team, repository_unit(message.repository), until
        )
        collection.resume()
        memory = Memory(self._client, self._units, collection, message)
        if not collection.is_resumed:
            remembered = memory.unchanged()
            if remembered is not None:
                return _reused(remembered, collection, memory)
        return _Attempt(self._client, collection, memory, message).run()

    def _deployments(self, message: CollectDeployments, until: datetime | None = None) -> UnitCollected:
        unit = deployments_unit(message.repository)
        collection = Collection(self._shelf, message.collection_id, message.team, unit, until)
        collected = deployments_of(self._client, collection, message)
        remember(self._units, collection, message.window, collected)
        return collected


class _Found(NamedTuple):
    """One repository's week, the road that it came by, and what tells later whether it still holds."""

    data: RepositoryData
    road: GraphQLRoad | RestRoad
    validators: tuple[Validator, ...]


class _Attempt:
    """One attempt that asks for the data itself."""

    def __init__(
        self, client: GitHubClient, collection: Collection, memory: Memory, message: CollectRepository
    ) -> None:
        self._client = client
        self._collection = collection
        self._memory = memory
        self._message = message
        self._calls = {GRAPHQL: 0, REST: 0}
        self._notes: list[str] = []

    def run(self) -> UnitCollected:
        starts_by_graphql = self._message.api != REST and not self._has_left_graphql()
        found = self._by_graphql() if starts_by_graphql else None
        data, road, validators = found or self._by_rest()
        if road.name_now.casefold() != self._message.repository.casefold():
            self._notes.append(f"GitHub calls it {road.name_now} now; write that name in the team file")
        self._calls[REST] += self._memory.calls
        finished = self._collection.finish(
            data, counts_of(data), slim=lambda: without_texts(data), inline_share=self._message.inline_share
        )
        collected = finished.model_copy(
            update={
                "road": road.name,
                "api_calls": sum(self._calls.values()),
                "calls_by_road": {name: calls for name, calls in self._calls.items() if calls},
                "notes": tuple(self._notes),
            }
        )
        self._memory.remember(collected, validators)
        return collected

    def _has_left_graphql(self) -> bool:
        """An earlier attempt stored pages of REST: it goes on there, and asks nothing twice."""
        has_left = self._message.api == AUTO and any(map(self._collection.has_stored, PARTS))
        if has_left:
            self._notes.append("GraphQL failed in an earlier attempt; REST was asked instead")
        return has_left

    def _by_graphql(self) -> _Found | None:
        """None where GraphQL is to be left for REST."""
        learned = self._memory.learn()
        road = GraphQLRoad(
            self._client,
            self._collection,
            self._message.repository,
            self._message.window,
            rest_follows=self._message.api == AUTO,
        )
        try:
            data = road.collect()
        except _TELLING as error:
            if self._message.api != AUTO or not _leaves_graphql(error):
                raise
            reason = classify(error, GITHUB, datetime.now(UTC)).message
            activity.logger.warning("%s: leaving GraphQL for REST: %s", self._collection.unit, reason)
            self._notes.append(f"GraphQL failed ({reason}); REST was asked instead")
            self._collection.pages_resumed = 0
            return None
        finally:
            self._calls[GRAPHQL] += road.calls
        if not learned or not road.head:
            return _Found(data, road, ())
        return _Found(data, road, (*learned, head_validator(road.name_now, road.default_branch, road.head)))

    def _by_rest(self) -> _Found:
        road = RestRoad(self._client, self._collection, self._message.repository, self._message.window)
        data = road.collect()
        self._calls[REST] += road.calls
        return _Found(data, road, road.validators())


def _leaves_graphql(error: Exception) -> bool:
    """Whether REST may give what GraphQL did not: not with the same bad credentials, not past a shared limit."""
    failure = classify(error, GITHUB, datetime.now(UTC))
    if failure.category is ErrorCategory.RATE_LIMITING:
        return isinstance(error, GraphQLRefused) or is_primary_limit(error)
    if failure.category is ErrorCategory.AUTHENTICATION and failure.code == "401":
        return False
    if not failure.is_retryable or is_too_heavy(error):
        return True
    return activity.info().attempt >= PATIENT_ATTEMPTS


def _reused(remembered: RememberedUnit, collection: Collection, memory: Memory) -> UnitCollected:
    """Live data: GitHub has just confirmed it."""
    return UnitCollected(
        unit=collection.unit,
        artifact=remembered.artifact,
        api_calls=memory.calls,
        calls_by_road={REST: memory.calls},
        counts=remembered.counts,
        road=remembered.road,
        is_unchanged=True,
        notes=remembered.notes,
        collected_at=remembered.collected_at,
    )
