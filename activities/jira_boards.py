"""Reads what a JIRA board shows: the running sprint and how far it is, the next one, what is in progress."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NamedTuple

from jira import JIRAError

from activities.clients.beats import Beat
from activities.clients.jira import JiraClient
from activities.clients.jira_pages import Json
from activities.collection import Collection
from devsync.contracts.collection import CollectBoard, UnitCollected
from devsync.domain.changelog.surroundings import BoardData, Sprint, StartedIssue
from devsync.runtime.classification import MalformedAnswer

PAGE_SIZE: Final = 100
MOST_PAGES: Final = 20
"""Of a sprint's issues, or of a list of sprints: whoever has more plans nothing with them."""

MOST_NAMED: Final = 25
"""Issues in progress that are named; the others are counted."""

_FIELDS: Final = "summary,status,assignee,issuetype,updated"
_IN_PROGRESS: Final = 'statusCategory = "In Progress" ORDER BY updated DESC'


def board_of(client: JiraClient, collection: Collection, message: CollectBoard) -> UnitCollected:
    """The board as it stands now."""
    reader = _Reader(client, collection.beat)
    data = _board(reader, message.board)
    collection.api_calls = reader.calls
    return collection.finish(data, {"sprints": len(data.active), "in_progress": data.in_progress_total})


class _Issue(NamedTuple):
    started: StartedIssue
    is_done: bool
    is_in_progress: bool
    is_subtask: bool
    updated: str


class _Reader:
    """The agile API's pages; `calls` counts them."""

    def __init__(self, client: JiraClient, beat: Beat) -> None:
        self._client = client
        self._beat = beat
        self.calls = 0

    def ask(self, path: str, parameters: dict[str, str], read: Callable[[Json], Any]) -> Any:
        self.calls += 1

        def read_well(body: Json) -> Any:
            try:
                return read(body)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise MalformedAnswer("jira", "GET agile", "a board that is none") from error

        return self._client.agile(path, parameters, self._beat, read_well)

    def all(self, path: str, name: str, parameters: dict[str, str], read: Callable[[Json], Any]) -> list[Any]:
        """The entries of all pages, read."""
        found: list[Any] = []

        def read_page(body: Json) -> bool:
            entries = body[name]
            found.extend(map(read, entries))
            total = body.get("total")
            is_last = body.get("isLast", total is not None and len(found) >= total)
            return bool(is_last) or not entries

        for _ in range(MOST_PAGES):
            page = {**parameters, "startAt": str(len(found)), "maxResults": str(PAGE_SIZE)}
            if self.ask(path, page, read_page):
                break
        return found

    def total(self, path: str) -> int:
        return int(self.ask(path, {"fields": "summary", "maxResults": "1"}, lambda body: body["total"]))

    def issue(self, entry: Json) -> _Issue:
        fields = entry["fields"]
        category = (fields["status"].get("statusCategory") or {}).get("key")
        return _Issue(
            StartedIssue(
                key=entry["key"],
                summary=fields["summary"] or "",
                assignee=(fields.get("assignee") or {}).get("displayName"),
                url=f"{self._client.server}/browse/{entry['key']}",
            ),
            is_done=category == "done",
            is_in_progress=category == "indeterminate",
            is_subtask=bool((fields.get("issuetype") or {}).get("subtask")),
            updated=fields.get("updated") or "",
        )


def _board(reader: _Reader, number: int) -> BoardData:
    name, kind = reader.ask(f"board/{number}", {}, _introduction)
    sprints = [] if kind == "kanban" else _sprints(reader, number)
    if not sprints:
        return _without_sprints(reader, number, name)
    active: list[Sprint] = []
    started: dict[str, _Issue] = {}
    for sprint in (one for state, one in sprints if state == "active"):
        issues = reader.all(f"sprint/{sprint.id}/issue", "issues", {"fields": _FIELDS}, reader.issue)
        # A subtask is a part of an issue that is counted already.
        whole = [issue for issue in issues if not issue.is_subtask]
        done = sum(issue.is_done for issue in whole)
        active.append(sprint.model_copy(update={"done": done, "total": len(whole)}))
        started |= {issue.started.key: issue for issue in whole if issue.is_in_progress}
    in_progress = sorted(started.values(), key=lambda issue: (issue.updated, issue.started.key), reverse=True)
    return BoardData(
        board=number,
        name=name,
        active=tuple(active),
        upcoming=_upcoming(reader, [one for state, one in sprints if state == "future"]),
        in_progress=tuple(issue.started for issue in in_progress[:MOST_NAMED]),
        in_progress_total=len(in_progress),
    )


def _introduction(body: Json) -> tuple[str, str]:
    if not isinstance(body["name"], str):
        raise TypeError("a board has a name")
    return body["name"], str(body.get("type") or "")


def _sprints(reader: _Reader, number: int) -> list[tuple[str, Sprint]]:
    """Running and planned ones with their state, in the board's order; none where a board has no sprints."""
    try:
        found: list[tuple[str, Sprint]] = reader.all(
            f"board/{number}/sprint", "values", {"state": "active,future"}, _sprint
        )
    except JIRAError as error:
        if error.status_code != 400:  # how JIRA says that a board does not support sprints
            raise
        return []
    return found


def _sprint(entry: Json) -> tuple[str, Sprint]:
    sprint = Sprint(
        id=entry["id"],
        name=entry["name"],
        goal=entry.get("goal") or "",
        starts_at=_instant(entry.get("startDate")),
        ends_at=_instant(entry.get("endDate")),
    )
    return str(entry["state"]), sprint


def _upcoming(reader: _Reader, planned: list[Sprint]) -> Sprint | None:
    """The first one by date; those without a date as the board has them, behind the others."""
    if not planned:
        return None
    dated = [sprint for sprint in planned if sprint.starts_at is not None]
    chosen = min(dated, key=lambda sprint: (sprint.starts_at, sprint.id)) if dated else planned[0]
    return chosen.model_copy(update={"total": reader.total(f"sprint/{chosen.id}/issue")})


def _without_sprints(reader: _Reader, number: int, name: str) -> BoardData:
    """A Kanban board, or one that nobody plans on: what is in progress, by JIRA's own count."""

    def read(body: Json) -> tuple[list[_Issue], int]:
        return [reader.issue(entry) for entry in body["issues"]], int(body["total"])

    parameters = {"jql": _IN_PROGRESS, "fields": _FIELDS, "maxResults": str(MOST_NAMED)}
    issues, total = reader.ask(f"board/{number}/issue", parameters, read)
    return BoardData(
        board=number,
        name=name,
        in_progress=tuple(issue.started for issue in issues),
        in_progress_total=max(total, len(issues)),
    )


def _instant(text: str | None) -> datetime | None:
    """Cloud writes UTC with a Z, Data Center an offset without a colon."""
    return datetime.fromisoformat(text) if text else None
