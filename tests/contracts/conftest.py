"""The exchanges of a week and the oracles that they are held against."""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests import github_contracts
from tests.contracts.coverage import Coverage
from tests.contracts.exchanges import Exchange
from tests.contracts.graphql_schema import GraphQLOracle
from tests.contracts.openapi import OpenApiOracle
from tests.contracts.scenario import exchanges_of_a_week
from tests.contracts.slack import SlackOracle
from tests.npm import folder_of_package
from tests.sandbox.test_jira_contract import DESCRIPTION
from tests.servers import Servers

SLACK_TYPES = "@slack/web-api@8.2.0"
CLOUD_TIME = r"^InvalidData: '\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}' is not a 'date-time'"
"""Cloud writes offsets without a colon, and so do the description's own examples: RFC 3339 is the odd one out."""

UNDESCRIBED = r"^ResponseNotFound: Unknown response http status: (304|404)$"
"""GitHub answers 404 to whoever may not see a repository, and 304 to conditional requests, whatever the operation
("Best practices for using the REST API"); it describes them for some only."""


def _or_null(schema: str) -> dict[str, Any]:
    return {"anyOf": [{"$ref": f"#/components/schemas/{schema}"}, {"enum": [None], "nullable": True}]}


TEXT = {"type": "string"}
ISSUE_FIELDS: dict[str, Any] = {
    "summary": TEXT,
    "created": {"type": "string", "format": "date-time"},
    "resolutiondate": {"type": "string", "format": "date-time", "nullable": True},
    "labels": {"type": "array", "items": TEXT},
    "issuetype": {"$ref": "#/components/schemas/IssueTypeDetails"},
    "status": {"$ref": "#/components/schemas/StatusDetails"},
    "priority": _or_null("Priority"),
    "resolution": _or_null("Resolution"),
    "assignee": _or_null("UserDetails"),
    "parent": _or_null("LinkedIssue"),
}
"""The description leaves the fields of an issue open, since each site has its own; it has the schemas of these."""


@pytest.fixture(scope="session")
async def exchanges(servers: Servers) -> AsyncIterator[list[Exchange]]:
    with tempfile.TemporaryDirectory(prefix="devsync-contracts-") as folder:
        yield await exchanges_of_a_week(servers, Path(folder))


def github_oracle() -> OpenApiOracle:
    return OpenApiOracle(github_contracts.description(), f"GitHub REST, {github_contracts.REST}", UNDESCRIBED)


def graphql_oracle() -> GraphQLOracle:
    return GraphQLOracle(github_contracts.schema(), f"GitHub GraphQL, {github_contracts.GRAPHQL}")


def jira_oracle() -> OpenApiOracle:
    if not DESCRIPTION.exists():
        pytest.skip("Atlassian's description is not beside the checkout (../shared/data/contracts)")
    loaded: dict[str, Any] = json.loads(gzip.decompress(DESCRIPTION.read_bytes()))
    loaded["components"]["schemas"]["IssueBean"]["properties"]["fields"]["properties"] = ISSUE_FIELDS
    version = loaded["info"]["version"].partition("-")[0]
    return OpenApiOracle(loaded, f"JIRA Cloud REST v3, Atlassian's description {version}", CLOUD_TIME)


def slack_oracle() -> SlackOracle:
    types = folder_of_package(SLACK_TYPES, "package/dist/types/response", ".d.ts")
    return SlackOracle(types, f"Slack Web API, slack-sdk and {SLACK_TYPES}")


class Oracle(Protocol):
    coverage: Coverage

    def check(self, exchange: Exchange) -> list[str]:
        """What the contract objects to; empty when request and answer keep to it."""


ORACLES: dict[str, Callable[[], Oracle]] = {
    "github": github_oracle,
    "github graphql": graphql_oracle,
    "jira": jira_oracle,
    "slack": slack_oracle,
}
