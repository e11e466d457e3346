"""Reads a repository's deployments of the window: how many to which environment, and how many failed.

By GraphQL alone, which tells the last status with each deployment; REST would cost a call for each of them.
"""

from functools import partial
from typing import Any, Final

from activities.clients.github import PAGE_SIZE, GitHubClient
from activities.collection import Collection, PageResult, unique
from activities.github.graphql import GRAPHQL
from activities.github.mapping import Json, instant, or_malformed
from devsync.contracts.collection import CollectDeployments, UnitCollected
from devsync.domain.changelog.surroundings import Deployment, DeploymentData, DeploymentOutcome
from devsync.runtime.classification import MalformedAnswer

QUERY: Final = """
query Deployments($owner: String!, $name: String!, $environments: [String!], $size: Int!, $after: String) {
  repository(owner: $owner, name: $name) {
    deployments(
      first: $size, after: $after, environments: $environments, orderBy: {field: CREATED_AT, direction: DESC}
    ) {
      pageInfo { hasNextPage endCursor }
      nodes { id environment createdAt latestStatus { state } }
    }
  }
}
"""

_OUTCOMES: Final = {
    "ERROR": DeploymentOutcome.FAILED,
    "FAILURE": DeploymentOutcome.FAILED,
    "SUCCESS": DeploymentOutcome.SUCCEEDED,
    "INACTIVE": DeploymentOutcome.SUCCEEDED,  # a later one took its place
}
"""By the last status. Whatever else there is (queued, waiting, in progress, none) is not finished."""


def deployments_of(client: GitHubClient, collection: Collection, message: CollectDeployments) -> UnitCollected:
    """Deployments created in the window, newest first, until they lie before it."""
    collection.resume()
    owner, _, name = message.repository.partition("/")

    def fetch(cursor: str) -> PageResult:
        variables = {
            "owner": owner,
            "name": name,
            "environments": list(message.environments),
            "size": PAGE_SIZE,
            "after": cursor or None,
        }
        return client.graphql(message.repository, QUERY, variables, collection.beat, partial(_page, message, cursor))

    found = collection.read_all("deployments", "", fetch)
    deployments = unique(map(Deployment.model_validate, found), key=lambda deployment: deployment.id)
    data = DeploymentData(repository=message.repository, deployments=deployments)
    collected = collection.finish(data, {"deployments": len(deployments)})
    calls = {GRAPHQL: collected.api_calls} if collected.api_calls else {}
    return collected.model_copy(update={"calls_by_road": calls})


def _page(message: CollectDeployments, cursor: str, data: Json) -> PageResult:
    try:
        connection = data["repository"]["deployments"]
        nodes, information = connection["nodes"], connection["pageInfo"]
        after = information["endCursor"] if information["hasNextPage"] else None
    except (KeyError, TypeError) as error:
        raise MalformedAnswer("github", "a GraphQL query", "no deployments") from error
    if not isinstance(nodes, list) or not all(isinstance(node, dict) for node in nodes):
        raise MalformedAnswer("github", "a GraphQL query", "a null among the deployments")
    if after is not None and after == cursor:
        raise MalformedAnswer("github", "a GraphQL query", "a cursor of deployments that does not advance")
    inside = [deployment_of(node) for node in nodes if instant(node, "createdAt") in message.window]
    is_enough = bool(nodes) and instant(nodes[-1], "createdAt") < message.window.start
    entries: list[dict[str, Any]] = [deployment.model_dump(mode="json") for deployment in inside]
    return PageResult(entries, next_cursor=None if is_enough else after)


@or_malformed
def deployment_of(node: Json) -> Deployment:
    status = node["latestStatus"] or {}
    return Deployment(
        id=node["id"],
        environment=node["environment"] or "",
        outcome=_OUTCOMES.get(status.get("state", ""), DeploymentOutcome.UNFINISHED),
        created_at=node["createdAt"],
    )
