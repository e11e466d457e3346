"""What we ask of GitHub against its own contracts: the GraphQL schema and the OpenAPI description."""

import asyncio
import math
from typing import Any

import pytest
from graphql import FieldNode, parse, validate, visit
from graphql.language import IntValueNode, Visitor

from activities.clients.github import PAGE_SIZE
from activities.github.deployments import QUERY as DEPLOYMENTS
from activities.github.query import QUERY
from tests.activities.github_stage import github_stage
from tests.github_contracts import description, schema
from tests.sandbox.github_wire import session, small_world
from tests.sandbox.test_github_contract import complaints, oracle_for

NODE_LIMIT = 500_000
POINTS_AN_HOUR = 5_000


@pytest.mark.parametrize("query", [QUERY, DEPLOYMENTS], ids=["the week", "deployments"])
def test_our_queries_are_valid_in_githubs_schema(query: str) -> None:
    assert validate(schema(), parse(query)) == []


def test_the_schema_tells_a_broken_query_from_a_good_one() -> None:
    assert validate(schema(), parse(QUERY.replace("mergedAt", "mergedWhen")))
    assert validate(schema(), parse(QUERY.replace("$since: GitTimestamp!", "$since: String!")))


class _Connections(Visitor):
    """Counts as GitHub documents it: each connection's `first`, multiplied down the nesting."""

    def __init__(self) -> None:
        super().__init__()
        self._sizes = [1]
        self.nodes = 0
        self.requests = 0

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        size = next((argument.value for argument in node.arguments or () if argument.name.value == "first"), None)
        if size is not None:
            first = int(size.value) if isinstance(size, IntValueNode) else PAGE_SIZE
            self.requests += self._sizes[-1]
            self.nodes += self._sizes[-1] * first
            self._sizes.append(self._sizes[-1] * first)

    def leave_field(self, node: FieldNode, *_: Any) -> None:
        if any(argument.name.value == "first" for argument in node.arguments or ()):
            self._sizes.pop()


def test_a_full_page_stays_far_below_githubs_limits() -> None:
    connections = _Connections()
    visit(parse(QUERY), connections)
    assert connections.nodes < NODE_LIMIT / 10
    points = math.ceil(connections.requests / 100)
    pages_of_a_large_edition = 50 * 2
    assert points * pages_of_a_large_edition < POINTS_AN_HOUR / 4


@pytest.mark.parametrize("road", ["graphql", "rest"])
async def test_every_rest_request_of_ours_keeps_githubs_contract(url: str, road: str) -> None:
    """The lists, the requests that learn validators, and the probes."""
    async with github_stage(small_world(5), url) as stage:
        for _ in range(2):
            await stage.collect("acme/payments-api", road)
        oracle = oracle_for(stage.sandbox)
        asked = {f"{record.path}?{record.query}" for record in stage.asked_of("rest")}
        assert len(asked) >= 3
        for path in asked:
            answer = await asyncio.to_thread(session().get, stage.sandbox.github_url + path, timeout=10)
            assert complaints(oracle, answer) == []


def test_githubs_description_knows_the_sha_alone_as_the_form_of_a_commit() -> None:
    operation = description()["paths"]["/repos/{owner}/{repo}/commits/{ref}"]["get"]
    assert "application/vnd.github.sha" in operation["responses"]["200"]["content"]
    assert "local SHA-1 reference as the ETag" in operation["description"]
