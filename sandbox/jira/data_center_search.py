"""`search` of Data Center: `startAt` paging with a total, all navigable fields unless some are asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from sandbox.jira.errors import JiraError
from sandbox.jira.site import field_names

DEFAULT_PAGE: Final = 50
BODY_TYPES: Final[dict[str, type]] = {
    "jql": str, "startAt": int, "maxResults": int, "validateQuery": bool, "fields": list, "expand": list,
}  # fmt: skip
"""`SearchRequestBean`: it refuses any other property, such as the `properties` of the query string."""


@dataclass(frozen=True, slots=True)
class SearchRequest:
    jql: str
    start_at: int
    max_results: int
    """Negative: as many as the server gives."""
    validate: bool
    """False: a value that does not exist matches nothing and is told as a warning."""
    fields: tuple[str, ...]
    expand: frozenset[str]


def from_query(request: web.Request) -> SearchRequest:
    query = request.query
    try:
        start, size = int(query.get("startAt", 0)), int(query.get("maxResults", DEFAULT_PAGE))
    except ValueError:
        # A path or query parameter that is no number finds no method in JAX-RS.
        raise web.HTTPNotFound from None
    return _checked(
        jql=query.get("jql", ""),
        start=start,
        size=size,
        validate=query.get("validateQuery", "true").lower() == "true",
        fields=field_names(request),
        expand=query.get("expand", "").split(","),
    )


async def from_body(request: web.Request) -> SearchRequest:
    body = await _json_body(request)
    return _checked(
        jql=body.get("jql", ""),
        start=body.get("startAt", 0),
        size=body.get("maxResults", DEFAULT_PAGE),
        validate=body.get("validateQuery", True),
        fields=body.get("fields", []),
        expand=body.get("expand", []),
    )


async def _json_body(request: web.Request) -> Mapping[str, Any]:
    try:
        body = json.loads(await request.text())
    except ValueError:
        raise JiraError(400, "Unexpected end-of-input: the request body is no JSON") from None
    if not isinstance(body, dict):
        raise JiraError(400, "Can not deserialize instance of SearchRequestBean out of the request body")
    for name, value in body.items():
        if name not in BODY_TYPES:
            known = ", ".join(f'"{one}"' for one in sorted(BODY_TYPES))
            raise JiraError(
                400,
                f'Unrecognized field "{name}" (Class com.atlassian.jira.rest.v2.search.SearchRequestBean), '
                f"not marked as ignorable ({len(BODY_TYPES)} known properties: {known})",
            )
        if value is not None and not isinstance(value, BODY_TYPES[name]):
            raise JiraError(400, f"Can not deserialize instance of {BODY_TYPES[name].__name__} at [{name}]")
    return {name: value for name, value in body.items() if value is not None}


def _checked(*, jql: str, start: int, size: int, validate: bool, fields: list[str], expand: list[str]) -> SearchRequest:
    if start < 0:
        raise JiraError(400, f"The value '{start}' is not valid for 'startAt'. It must be zero or greater.")
    return SearchRequest(jql, start, size, validate, tuple(fields), frozenset(part.strip() for part in expand))
