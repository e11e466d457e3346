"""Each answer of the JIRA stand-in, held against Atlassian's own OpenAPI description of the Cloud REST API."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import requests
from aiohttp.test_utils import TestServer
from openapi_core import Config, OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse
from openapi_core.exceptions import OpenAPIError

from sandbox.jira import build_app
from sandbox.service import Credentials
from tests.sandbox.jira_samples import NOW, small_world

DESCRIPTION = Path(__file__).parents[3] / "shared" / "data" / "contracts" / "jira-cloud-openapi.json.gz"
LOGIN = (Credentials().jira_email, Credentials().jira_api_token)
JQL = "project = CORE ORDER BY created"

UNCHECKED = Config(spec_validator_cls=None)  # type: ignore[arg-type]  # as its documentation says
"""The description itself is not validated: that takes minutes."""
CLOUD_TIME = re.compile(r"^'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d{4}' is not a 'date-time'")
"""Cloud writes offsets without a colon, and so do the description's own examples: RFC 3339 is the odd one out."""

pytestmark = pytest.mark.skipif(
    not DESCRIPTION.exists(), reason="Atlassian's description is not beside the checkout (../shared/data/contracts)"
)


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(gzip.decompress(DESCRIPTION.read_bytes()))
    return loaded


@pytest_asyncio.fixture
async def url() -> AsyncIterator[str]:
    async with TestServer(build_app(small_world(), Credentials(), lambda: NOW), host="127.0.0.1") as server:
        yield f"http://localhost:{server.port}"


def violations(description: dict[str, Any], url: str, method: str, path: str, **more: Any) -> list[str]:
    """What the description objects to in one request and its answer."""
    oracle = OpenAPI.from_dict(description | {"servers": [{"url": url}]}, config=UNCHECKED)
    session = requests.Session()
    prepared = session.prepare_request(requests.Request(method, url + path, auth=LOGIN, **more))
    answer = session.send(prepared, timeout=5)
    assert answer.status_code == 200, answer.text
    asked, answered = RequestsOpenAPIRequest(prepared), RequestsOpenAPIResponse(answer)
    found: list[str] = []
    checks: list[Callable[[], None]] = [
        lambda: oracle.validate_request(asked),
        lambda: oracle.validate_response(asked, answered),
    ]
    for check in checks:
        try:
            check()
        except OpenAPIError as error:
            details = getattr(error.__cause__, "schema_errors", None) or [error.__cause__ or error]
            found += [str(detail) for detail in details]
    return [violation for violation in found if not CLOUD_TIME.match(violation)]


ANSWERS: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/rest/api/3/serverInfo", {}),
    ("GET", "/rest/api/3/myself", {}),
    ("GET", "/rest/api/3/field", {}),
    ("GET", "/rest/api/3/project", {}),
    ("GET", "/rest/api/3/project/CORE", {}),
    ("GET", "/rest/api/3/project/search", {"params": {"maxResults": 1}}),
    ("GET", "/rest/api/3/search/jql", {"params": {"jql": JQL}}),
    ("GET", "/rest/api/3/search/jql", {"params": {"jql": JQL, "fields": ["*all"], "maxResults": 2, "expand": "names"}}),
    ("POST", "/rest/api/3/search/jql", {"json": {"jql": JQL, "fields": ["summary"], "expand": "changelog"}}),
    ("POST", "/rest/api/3/search/approximate-count", {"json": {"jql": JQL}}),
    ("GET", "/rest/api/3/issue/CORE-3", {"params": {"expand": "changelog"}}),
    ("GET", "/rest/api/3/issue/CORE-3/changelog", {}),
    ("GET", "/rest/api/3/issue/CORE-1/changelog", {"params": {"maxResults": 1}}),
]


@pytest.mark.parametrize(("method", "path", "more"), ANSWERS)
async def test_an_answer_keeps_to_the_description(
    description: dict[str, Any], url: str, method: str, path: str, more: dict[str, Any]
) -> None:
    assert await asyncio.to_thread(violations, description, url, method, path, **more) == []


async def test_the_oracle_sees_a_wrong_request(description: dict[str, Any], url: str) -> None:
    found = await asyncio.to_thread(
        violations, description, url, "GET", "/rest/api/3/project/search", params={"orderBy": "colour"}
    )
    assert any("colour" in violation for violation in found)
