"""Where a query enters the world, and all resolvers together: what leads from one node to another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sandbox.github.graphql.commit_fields import COMMIT_RESOLVERS
from sandbox.github.graphql.connections import CONNECTION_RESOLVERS
from sandbox.github.graphql.execution import Arguments, Bind, Node, QueryError, Resolve
from sandbox.github.graphql.nodes import RepositoryNodes
from sandbox.github.graphql.pull_fields import PULL_RESOLVERS
from sandbox.github.graphql.repository_fields import REPOSITORY_RESOLVERS
from sandbox.github.graphql.search import search
from sandbox.world import Repository, World


@dataclass(frozen=True, slots=True)
class Context:
    """What one request is answered from."""

    world: World
    may_see: Callable[[Repository], bool]
    nodes_of: Callable[[Repository], RepositoryNodes]
    viewer: Node
    rate_limit: Node


def _repository(arguments: Arguments, context: Context) -> Resolve:
    full_name = f"{arguments['owner']}/{arguments['name']}"

    def resolve(node: Node) -> Node:
        repository = context.world.repository_named(full_name)
        is_former = repository is not None and repository.full_name.lower() != full_name.lower()
        if repository is None or not context.may_see(repository) or (is_former and not arguments["followRenames"]):
            raise QueryError(f"Could not resolve to a Repository with the name '{full_name}'.", "NOT_FOUND")
        return context.nodes_of(repository).repository

    return resolve


def _node(arguments: Arguments, context: Context) -> Resolve:
    return lambda node: _node_of_id(arguments["id"], context)


def _nodes(arguments: Arguments, context: Context) -> Resolve:
    return lambda node: [_node_of_id(wanted, context) for wanted in arguments["ids"]]


def _node_of_id(wanted: str, context: Context) -> Node:
    """A repository, pull request or commit; other kinds the sandbox does not look up by id."""
    for repository in filter(context.may_see, context.world.repositories.values()):
        nodes = context.nodes_of(repository)
        found = nodes.by_id(wanted)
        if found is not None:
            return found
    raise QueryError(f"Could not resolve to a node with the global id of '{wanted}'", "NOT_FOUND")


def _search(arguments: Arguments, context: Context) -> Resolve:
    return lambda node: search(arguments, context.world, context.may_see, context.nodes_of)


RESOLVERS: Mapping[tuple[str, str], Bind] = {
    ("Query", "node"): _node,
    ("Query", "nodes"): _nodes,
    ("Query", "rateLimit"): lambda arguments, context: lambda node: context.rate_limit,
    ("Query", "repository"): _repository,
    ("Query", "search"): _search,
    ("Query", "viewer"): lambda arguments, context: lambda node: context.viewer,
    **REPOSITORY_RESOLVERS,
    **COMMIT_RESOLVERS,
    **PULL_RESOLVERS,
    **CONNECTION_RESOLVERS,
}
