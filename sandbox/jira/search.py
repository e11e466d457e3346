"""`search/jql`, Cloud's only search: token paging, no total, ids alone unless fields are asked for."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from aiohttp import web

from sandbox.jira.errors import BAD_PAYLOAD, JiraError

DEFAULT_PAGE: Final = 50
MAX_PAGE_OF_IDS: Final = 5000
MAX_PAGE_OF_FIELDS: Final = 100
"""Both from Atlassian's description of the operation and its observed behaviour (field.md E5)."""
MAX_RECONCILED: Final = 50
TOKEN_LIFETIME: Final = timedelta(days=7)
ID_FIELDS: Final = frozenset({"id", "key", "issuekey", ""})

BODY_TYPES: Final[dict[str, type]] = {
    "jql": str, "nextPageToken": str, "maxResults": int, "fields": list, "expand": str, "properties": list,
    "fieldsByKeys": bool, "reconcileIssues": list,
}  # fmt: skip
"""`SearchAndReconcileRequestBean`: any other property makes Cloud refuse the body."""


@dataclass(frozen=True, slots=True)
class SearchRequest:
    jql: str
    token: str | None
    max_results: int
    fields: tuple[str, ...]
    expand: frozenset[str]

    @property
    def ids_only(self) -> bool:
        return set(self.fields) <= ID_FIELDS

    @property
    def keys_wanted(self) -> bool:
        return "key" in self.fields or "issuekey" in self.fields

    @property
    def page_size(self) -> int:
        return min(self.max_results, MAX_PAGE_OF_IDS if self.ids_only else MAX_PAGE_OF_FIELDS)


def from_query(request: web.Request) -> SearchRequest:
    query = request.query
    return _checked(
        jql=query.get("jql", ""),
        token=query.get("nextPageToken"),
        max_results=query.get("maxResults", DEFAULT_PAGE),
        fields=_split(query.getall("fields", [])),
        expand=",".join(query.getall("expand", [])),
        reconcile=_split(query.getall("reconcileIssues", [])),
    )


async def from_body(request: web.Request) -> SearchRequest:
    """Reads a POST. `null` counts as absent, as on Cloud: the jira client sends `expand` and `properties` so."""
    body = await json_body(request)
    for name, value in body.items():
        if name not in BODY_TYPES or not isinstance(value, BODY_TYPES[name]):
            raise JiraError(400, BAD_PAYLOAD)
    return _checked(
        jql=body.get("jql", ""),
        token=body.get("nextPageToken"),
        max_results=body.get("maxResults", DEFAULT_PAGE),
        fields=_split(body.get("fields", [])),
        expand=body.get("expand", ""),
        reconcile=body.get("reconcileIssues", []),
    )


async def json_body(request: web.Request) -> Mapping[str, Any]:
    """The JSON object of a request without its nulls. Raises JiraError for anything else."""
    try:
        body = json.loads(await request.text())
    except ValueError:
        raise JiraError(400, "There was an error parsing JSON. Check that your request body is valid.") from None
    if not isinstance(body, dict):
        raise JiraError(400, BAD_PAYLOAD)
    return {name: value for name, value in body.items() if value is not None}


def _split(values: list[Any]) -> list[str]:
    """`fields` may be repeated, comma-separated, or both."""
    return [part.strip() for value in values for part in str(value).split(",")]


def _checked(
    *, jql: str, token: str | None, max_results: Any, fields: list[str], expand: str, reconcile: list[Any]
) -> SearchRequest:
    try:
        size = int(max_results)
        ids = [int(one) for one in reconcile]
    except (TypeError, ValueError):
        raise JiraError(400, BAD_PAYLOAD) from None
    if size < 1:
        raise JiraError(400, f"The maxResults parameter must be between 1 and {MAX_PAGE_OF_IDS}.")
    if len(ids) > MAX_RECONCILED:
        raise JiraError(400, f"The reconcileIssues parameter accepts a maximum of {MAX_RECONCILED} ids.")
    expansions = frozenset(part.strip() for part in expand.split(",") if part.strip())
    return SearchRequest(jql, token or None, size, tuple(fields or ["id"]), expansions)


def make_token(jql: str, offset: int, now: datetime) -> str:
    content = {"q": zlib.crc32(jql.encode()), "at": offset, "until": (now + TOKEN_LIFETIME).timestamp()}
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


def read_token(token: str, jql: str, now: datetime) -> int:
    """The offset that a token stands for. Raises JiraError for a token that is foreign, of other JQL, or too old."""
    try:
        content = json.loads(base64.urlsafe_b64decode(token))
        is_ours = content["q"] == zlib.crc32(jql.encode())
        if is_ours and content["until"] > now.timestamp():
            return int(content["at"])
    except (ValueError, KeyError, TypeError, binascii.Error):
        pass
    raise JiraError(400, "The provided next page token is invalid or has expired.")
