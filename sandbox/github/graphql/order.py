"""How lists are ordered: by a key that their cursors carry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sandbox.github.graphql.execution import Arguments, QueryError
from sandbox.world import PullRequest

OLDEST_FIRST: Arguments = {"field": "CREATED_AT", "direction": "ASC"}
"""The order of most lists where a query asks for none."""


def instant_key(instant: datetime) -> int:
    """A time as part of a cursor's key."""
    return int(instant.timestamp() * 1_000_000)


def pull_key(field: str) -> Callable[[PullRequest], tuple[int, int]]:
    if field == "UPDATED_AT":
        return lambda pull: (instant_key(pull.updated_at), pull.number)
    if field == "CREATED_AT":
        return lambda pull: (instant_key(pull.created_at), pull.number)
    raise QueryError(f"The sandbox does not order pull requests by {field}.", "UNPROCESSABLE")
