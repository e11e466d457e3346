"""Collects the issues that a JIRA project resolved in the window, and what boards show."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from temporalio import activity

from activities.clients.jira import JiraClient
from activities.clients.jira_pages import Json, ListMoved, SearchPage
from activities.collection import Collection, PageResult, Shelf, unique
from activities.jira_boards import board_of
from activities.remembering import remember
from activities.steps import heal_each
from devsync.contracts.activities import COLLECT_BOARD, COLLECT_PROJECT, COLLECT_PROJECTS_AGAIN
from devsync.contracts.collection import CollectBoard, CollectProject, UnitCollected
from devsync.contracts.names import board_unit, project_unit
from devsync.contracts.recovery import FailedUnit, StepRequest, StepResult
from devsync.domain.changelog.collected import JiraIssue, ProjectData
from devsync.domain.changelog.window import Window
from devsync.runtime.classification import MalformedAnswer
from devsync.storage.collected import CollectedUnits

FIELDS = [
    "summary",
    "issuetype",
    "status",
    "resolution",
    "priority",
    "labels",
    "assignee",
    "parent",
    "created",
    "resolutiondate",
]


class JiraActivities:
    def __init__(self, client: JiraClient, shelf: Shelf, units: CollectedUnits) -> None:
        self._client = client
        self._shelf = shelf
        self._units = units

    def all(self) -> list[Callable[..., Any]]:
        return [self.collect_project, self.collect_board, self.collect_again]

    @activity.defn(name=COLLECT_PROJECT.name)
    def collect_project(self, message: CollectProject) -> UnitCollected:
        """The issues of a project that were resolved in the window.

        Runs in a thread. Sorted by `created`, which never changes, so that no issue jumps a page while it is edited
        (Apache DevLake learned this). Page tokens expire and page numbers shift: a retry, or a list that has moved, is
        asked again from the created date of the last stored issue.
        """
        return self._collect(message)

    @activity.defn(name=COLLECT_BOARD.name)
    def collect_board(self, message: CollectBoard) -> UnitCollected:
        """What a board shows now: sprints, how far they are, and what is in progress. Runs in a thread."""
        return self._board(message)

    @activity.defn(name=COLLECT_PROJECTS_AGAIN.name)
    def collect_again(self, request: StepRequest) -> StepResult:
        """Collects each project and board that failed once more, from its last stored page on, several at once."""

        def collect(unit: FailedUnit, until: datetime) -> UnitCollected | None:
            if isinstance(unit.ask, CollectBoard):
                return self._board(unit.ask, until=until)
            return self._collect(unit.ask, until) if isinstance(unit.ask, CollectProject) else None

        tally = heal_each(request, collect, COLLECT_PROJECT, at_once=self._client.concurrency, probes_first=True)
        return tally.result("asked JIRA again", request.units)

    def _board(self, message: CollectBoard, until: datetime | None = None) -> UnitCollected:
        collection = Collection(self._shelf, message.collection_id, message.team, board_unit(message.board), until)
        collected = board_of(self._client, collection, message)
        remember(self._units, collection, message.window, collected)
        return collected

    def _collect(self, message: CollectProject, until: datetime | None = None) -> UnitCollected:
        collection = Collection(self._shelf, message.collection_id, message.team, project_unit(message.project), until)
        collection.resume()
        is_first_page = True
        resume_from = ""

        def read(entries: list[Json]) -> list[JiraIssue]:
            return [issue_of(entry, self._client.server) for entry in entries]

        def search(position: str) -> SearchPage[list[JiraIssue]]:
            zone = self._client.user_timezone(collection.beat)
            jql = issues_jql(message.project, message.window, zone, created_from=resume_from)
            return self._client.search_page(jql, FIELDS, position, collection.beat, read)

        def fetch(cursor: str) -> PageResult:
            nonlocal is_first_page, resume_from
            position, created = _split(cursor)
            if is_first_page:
                is_first_page, resume_from, position = False, created, ""
            try:
                page = search(position)
            except ListMoved:
                resume_from = created
                page = search("")
            next_cursor = None
            if page.next_position:
                last = page.issues[-1].created_at.isoformat() if page.issues else created
                next_cursor = f"{page.next_position} {last}"
            entries = [issue.model_dump(mode="json") for issue in page.issues]
            return PageResult(entries, next_cursor, api_calls=page.calls)

        found = collection.read_all("issues", " ", fetch)
        issues = unique((JiraIssue.model_validate(entry) for entry in found), key=lambda issue: issue.key)
        data = ProjectData(project=message.project, issues=issues)
        collected = collection.finish(data, {"issues": len(issues)})
        remember(self._units, collection, message.window, collected)
        return collected


def issues_jql(project: str, window: Window, user_zone: ZoneInfo | None, *, created_from: str = "") -> str:
    """Resolved in the window; JQL has minutes, in the API user's timezone, so the end is rounded up.

    Composition filters to the second: without a known timezone we ask for a day more on either side (Apache DevLake
    does so). `created_from` is an ISO 8601 instant to go on from, its minute included.
    """
    zone = user_zone or UTC
    margin = timedelta() if user_zone else timedelta(days=1)

    def no_later_than(instant: datetime) -> str:
        return _to_the_minute(instant - _clock_change(instant, zone) - margin, zone)

    end = _to_the_minute(window.end + _clock_change(window.end, zone) + margin + timedelta(seconds=59), zone)
    going_on = f" AND created >= {no_later_than(datetime.fromisoformat(created_from))}" if created_from else ""
    return (
        f'project = "{project}" AND resolved >= {no_later_than(window.start)} AND resolved < {end}'
        f"{going_on} ORDER BY created ASC, key ASC"
    )


def issue_of(entry: Json, server: str) -> JiraIssue:
    """From JIRA's answer to the product's words. Raises MalformedAnswer."""
    try:
        fields = entry["fields"]
        parent = fields.get("parent") or {}
        return JiraIssue(
            key=entry["key"],
            summary=fields["summary"] or "",
            issue_type=_name(fields.get("issuetype")),
            status=_name(fields.get("status")),
            resolution=_name(fields.get("resolution")),
            priority=_name(fields.get("priority")),
            labels=tuple(fields.get("labels") or ()),
            assignee=(fields.get("assignee") or {}).get("displayName"),
            parent_key=parent.get("key"),
            parent_summary=(parent.get("fields") or {}).get("summary"),
            created_at=_instant(fields["created"]),
            resolved_at=_instant(fields["resolutiondate"]) if fields.get("resolutiondate") else None,
            url=f"{server}/browse/{entry['key']}",
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"an issue without a usable {error}" if isinstance(error, KeyError) else "a foreign issue"
        raise MalformedAnswer("jira", "a search", what) from error


def _to_the_minute(instant: datetime, zone: tzinfo) -> str:
    return f'"{instant.astimezone(zone):%Y-%m-%d %H:%M}"'


def _clock_change(at: datetime, zone: tzinfo) -> timedelta:
    """How far the user's clock is set around this instant: there a local time may name two instants, or none."""
    hour = timedelta(hours=1)
    before, after = (at - hour).astimezone(zone).utcoffset(), (at + hour).astimezone(zone).utcoffset()
    return abs((after or timedelta()) - (before or timedelta()))


def _name(field: dict[str, Any] | None) -> str:
    return str((field or {}).get("name") or "")


def _instant(text: str) -> datetime:
    """In UTC, whoever's timezone JIRA wrote it in, with an offset without a colon: `2026-11-16T09:30:00.000+0100`."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z").astimezone(UTC)


def _split(cursor: str) -> tuple[str, str]:
    position, _, created = cursor.rpartition(" ")
    return position, created
