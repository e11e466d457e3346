"""One page of a search on each of the two JIRAs, in the same words.

Each HTTP call passes the breaker's gate once, with the reading of its answer inside.
"""

from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

from activities.clients.jira_library import JiraLibrary
from devsync.runtime.breaker.calls import CallGate
from devsync.runtime.classification import MalformedAnswer

T = TypeVar("T")

Json = dict[str, Any]
Read = Callable[[list[Json]], T]
"""What the caller makes of a page's issues, which are as Cloud's search gives them, `parent` included."""

PAGE_SIZE = 100
"""With fields asked for, Cloud gives at most 100 issues a page, whatever is asked; Data Center takes it, too."""

_SEARCH = "GET search"


class ListMoved(Exception):
    """Data Center numbers its pages, and an issue came or went before this one: go on from a `created` date."""


class SearchPage(NamedTuple, Generic[T]):
    issues: T
    """What was read from them."""
    next_position: str
    """Where the next page begins, without spaces; empty: this was the last."""
    calls: int = 1


def cloud_page(
    library: JiraLibrary, gate: CallGate, jql: str, fields: list[str], position: str, read: Read[T]
) -> SearchPage[T]:
    """`search/jql`; the position is the token that the page before gave."""
    with gate.call(_SEARCH):
        body = library.enhanced_search_issues(
            jql, nextPageToken=position or None, maxResults=PAGE_SIZE, fields=list(fields), json_result=True
        )
        issues = _issues(body)
        next_token = body.get("nextPageToken") or ""
        if next_token and next_token == position:
            raise MalformedAnswer("jira", "a search", "the same page token again")
        return SearchPage(read(issues), next_token)


def data_center_page(
    library: JiraLibrary,
    gate: CallGate,
    jql: str,
    fields: list[str],
    position: str,
    read: Read[T],
    epic_link: str | None,
) -> SearchPage[T]:
    """`search` by number: `99:PAY-7` is the number and the key of the last issue that the page before gave.

    Each page begins with that issue again. If another one stands there, the list has moved while we read it, and
    going on would skip or repeat. The server may give less than asked for without saying so, so that only `total`
    tells the end.
    """
    start, _, last_key = position.partition(":")
    asked = [*fields, epic_link] if epic_link else list(fields)
    with gate.call(_SEARCH):
        body = library.search_issues(
            jql, startAt=int(start or 0), maxResults=PAGE_SIZE + bool(position), fields=asked, json_result=True
        )
        issues, total = _issues(body), body.get("total")
        if not isinstance(total, int):
            raise MalformedAnswer("jira", "a search", "no total")
        end = int(start or 0) + len(issues)
        has_moved = bool(position) and (not issues or issues[0].get("key") != last_key)
        if position and not has_moved:
            del issues[0]
        if not issues and end < total and not has_moved:
            raise MalformedAnswer("jira", "a search", f"no issues after {end} of {total}")
        found = read(issues)
    if has_moved:
        raise ListMoved
    next_position = f"{end - 1}:{issues[-1].get('key')}" if end < total else ""
    linked = _linked_to_epics(issues, epic_link)
    if not linked:
        return SearchPage(found, next_position)
    with gate.call(_SEARCH):
        _name_epics(library, linked)
        return SearchPage(read(issues), next_position, calls=2)


def _linked_to_epics(issues: list[Json], epic_link: str | None) -> list[tuple[Json, str]]:
    """The fields of each issue that links to an epic, and the epic's key."""
    linked: list[tuple[Json, str]] = []
    for issue in issues:
        fields = issue.get("fields")
        key = fields.get(epic_link) if isinstance(fields, dict) and epic_link else None
        if isinstance(fields, dict) and isinstance(key, str) and not fields.get("parent"):
            linked.append((fields, key))
    return linked


def _name_epics(library: JiraLibrary, linked: list[tuple[Json, str]]) -> None:
    """One call that gives each of them the `parent` that Cloud would give.

    Data Center tells the epic's key alone. One that we may not see keeps its key and gets no summary.
    """
    keys = ", ".join(f'"{key}"' for key in dict.fromkeys(key for _, key in linked))
    # Unvalidated, since a key that we cannot see would make the whole question an error.
    found = library.search_issues(
        f"key in ({keys})", maxResults=PAGE_SIZE, validate_query=False, fields=["summary"], json_result=True
    )
    summaries = {epic.get("key"): (epic.get("fields") or {}).get("summary") for epic in _issues(found)}
    for fields, key in linked:
        fields["parent"] = {"key": key, "fields": {"summary": summaries.get(key)}}


def _issues(body: object) -> list[Json]:
    issues = body.get("issues") if isinstance(body, dict) else None
    if not isinstance(issues, list) or not all(isinstance(issue, dict) for issue in issues):
        raise MalformedAnswer("jira", "a search", "something that is no page of issues")
    return issues
