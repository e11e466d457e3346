"""What of a repository's week did answer before its collection failed, from the pages that it had stored. Pure."""

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from activities.github.graphql import GRAPHQL, Json, Place, data_of
from activities.github.rest import PARTS
from devsync.domain.changelog.collected import RepositoryData
from devsync.storage.pages import StoredPage

_WORDS = {"commits": "commits", "pulls": "pull requests", "releases": "releases"}
"""In the order in which they are told."""


class Answered(NamedTuple):
    data: RepositoryData
    told: str
    """`commits complete, pull requests 2 of ? pages, releases missing`."""


def answered(repository: str, stored: Sequence[StoredPage]) -> Answered | None:
    """The union of what both roads had brought; None where no list had answered at all."""
    pages: list[Json] = []
    counts: dict[str, int] = defaultdict(int)
    complete: set[str] = set()
    for page in stored:
        if page.part == GRAPHQL:
            (content,) = json.loads(page.content)
            pages.append(content)
            lists = [name for name in PARTS if name in content]
            complete.update(name for name in lists if _is_read(name, page.next_cursor))
        elif page.part in PARTS:
            lists = [page.part]
            pages.append({page.part: json.loads(page.content)})
            complete.update([page.part] if page.next_cursor is None else [])
        else:
            continue  # validators, which are no data
        for name in lists:
            counts[name] += 1
    if not counts:
        return None
    branch = next((page["branch"] for page in pages if page.get("branch")), "")
    told = ", ".join(f"{word} {_state(name, counts, complete)}" for name, word in _WORDS.items())
    return Answered(data_of(repository, branch, pages), told)


def _is_read(name: str, next_cursor: str | None) -> bool:
    """Whether nothing follows in that list of GraphQL: all three share a cursor that says where each stands."""
    return next_cursor is None or getattr(Place(**json.loads(next_cursor)), name) is None


def _state(name: str, counts: dict[str, int], complete: set[str]) -> str:
    if name in complete:
        return "complete"
    return f"{counts[name]} of ? pages" if counts[name] else "missing"
