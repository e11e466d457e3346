"""What GitHub says of its own API, as Octokit publishes it; read once a process, since it is large."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from graphql import GraphQLSchema, build_schema

from tests.npm import file_of_package

REST = "@octokit/openapi@23.0.2"
GRAPHQL = "@octokit/graphql-schema@15.26.1"


@cache
def description() -> dict[str, Any]:
    """GitHub's OpenAPI description, shared by all tests: read only. Skips the test where npm cannot fetch it."""
    loaded: dict[str, Any] = json.loads(file_of_package(REST, "package/generated/api.github.com.json").read_bytes())
    # Both are `nullable` around a `oneOf` that has no null, so that validators refuse the null that GitHub sends for
    # an address without an account. The same description words it right elsewhere.
    commit = loaded["components"]["schemas"]["commit"]["properties"]
    commit["author"] = commit["committer"] = {"$ref": "#/components/schemas/nullable-simple-user"}
    # `nullable` beside an `enum` that has no null; GitHub sends null for an open issue.
    loaded["components"]["schemas"]["issue"]["properties"]["state_reason"]["enum"].append(None)
    # The list wants an account to be a user and an enterprise at once; for a single one it says "or".
    listed = loaded["paths"]["/app/installations"]["get"]["responses"]["200"]["content"]["application/json"]
    listed["schema"]["items"] = {"$ref": "#/components/schemas/installation"}
    return loaded


@cache
def schema() -> GraphQLSchema:
    """GitHub's GraphQL schema. Skips the test where npm cannot fetch it."""
    return build_schema(file_of_package(GRAPHQL, "package/schema.graphql").read_text(), assume_valid=True)
