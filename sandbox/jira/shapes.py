"""Turns a world into the bodies that JIRA Cloud sends: shapes of Atlassian's OpenAPI description.

`sandbox.jira.data_center_shapes` tells where Data Center differs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from sandbox.jira import catalogue
from sandbox.jira.fields import FIELDS, SPRINT_FIELD
from sandbox.world import Board, Change, Issue, Person, Project, Sprint, World

Body = dict[str, Any]

BODY_FIELDS = frozenset(field.id for field in FIELDS if field.id != "issuekey")
"""All but the key, which stands beside `fields` in an issue."""


def adf(text: str) -> Body | None:
    """Plain text as an Atlassian Document, the only form in which v3 sends rich text. None for no text."""
    paragraphs = [p for p in text.split("\n\n") if p.strip()]
    if not paragraphs:
        return None
    return {"type": "doc", "version": 1, "content": [_paragraph(p) for p in paragraphs]}


def _paragraph(text: str) -> Body:
    content: list[Body] = []
    for line in text.strip("\n").split("\n"):
        if content:
            content.append({"type": "hardBreak"})
        if line:
            content.append({"type": "text", "text": line})
    return {"type": "paragraph", "content": content}


def selected(fields: Collection[str], known: frozenset[str] = BODY_FIELDS) -> frozenset[str]:
    """The body fields that a `fields` parameter asks for: names, `*all`, `*navigable`, `-name`; others add none."""
    chosen: set[str] = set()
    if not fields or all(name.startswith("-") for name in fields):
        chosen = set(known)
    for name in fields:
        if name in ("*all", "*navigable"):
            chosen |= known
        elif name.startswith("-"):
            chosen.discard(name[1:])
        elif name in known:
            chosen.add(name)
    return frozenset(chosen)


@dataclass(frozen=True, slots=True)
class Shapes:
    world: World
    base_url: str
    """As the client wrote it, so that the links in bodies lead back through whatever proxy it used."""
    zone: tzinfo
    """Timezone of the API user, in which Cloud writes every time."""

    def time(self, at: datetime | None) -> str | None:
        if at is None:
            return None
        local = at.astimezone(self.zone)
        return f"{local:%Y-%m-%dT%H:%M:%S}.{local.microsecond // 1000:03d}{local:%z}"

    def api(self, path: str) -> str:
        return f"{self.base_url}/rest/api/3/{path}"

    def avatars(self, path: str) -> Body:
        return {f"{n}x{n}": f"{self.base_url}/{path}?size={n}" for n in (16, 24, 32, 48)}

    def user(self, person: Person) -> Body:
        account = catalogue.account_id(person.email)
        return {
            "self": self.api(f"user?accountId={account}"),
            "accountId": account,
            "accountType": "app" if person.is_bot else "atlassian",
            "emailAddress": person.email,
            "avatarUrls": self.avatars(f"avatar/{account}"),
            "displayName": person.name,
            "active": True,
            "timeZone": str(self.zone),
        }

    def named(self, resource: str, name: str, **more: Any) -> Body:
        number = catalogue.identifier(name)
        return {"self": self.api(f"{resource}/{number}"), "id": number, "name": name, **more}

    def status_category(self, key: str) -> Body:
        number, name, color = catalogue.STATUS_CATEGORIES[key]
        return {
            "self": self.api(f"statuscategory/{number}"),
            "id": number,
            "key": key,
            "colorName": color,
            "name": name,
        }

    def issue_type(self, name: str) -> Body:
        is_subtask = name.casefold() in ("sub-task", "subtask")
        level = -1 if is_subtask else int(name.casefold() == "epic")
        return self.named("issuetype", name, description="", subtask=is_subtask, hierarchyLevel=level)

    def status(self, name: str, category: str) -> Body:
        return self.named("status", name, description="", statusCategory=self.status_category(category))

    def project(self, project: Project) -> Body:
        return {
            "expand": "description,lead,issueTypes,url,projectKeys,permissions,insight",
            "self": self.api(f"project/{project.id}"),
            "id": str(project.id),
            "key": project.key,
            "name": project.name,
            "avatarUrls": self.avatars(f"projectavatar/{project.id}"),
            "projectTypeKey": "software",
            "simplified": False,
            "style": "classic",
            "isPrivate": False,
            "properties": {},
        }

    def project_details(self, project: Project) -> Body:
        names = catalogue.names(self.world, "issuetype")
        return self.project(project) | {
            "description": "",
            "components": [],
            "versions": [],
            "assigneeType": "UNASSIGNED",
            "issueTypes": [self.issue_type(name) for name in names],
            "roles": {},
        }

    def issue(self, issue: Issue, fields: frozenset[str], *, with_changelog: bool = False) -> Body:
        body: Body = {
            "expand": "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations",
            "id": str(issue.id),
            "self": self.api(f"issue/{issue.id}"),
            "key": issue.key,
            "fields": {name: self.field(issue, name) for name in sorted(fields)},
        }
        if with_changelog:
            histories = self.histories(issue)
            body["changelog"] = {
                "startAt": 0,
                "maxResults": len(histories),
                "total": len(histories),
                # As an expansion Cloud sends the newest change first; as a resource, the oldest.
                "histories": histories[::-1],
            }
        return body

    def field(self, issue: Issue, name: str) -> Any:
        return FIELD_BODIES[name](self, issue)

    def resolution(self, name: str | None) -> Body | None:
        return self.named("resolution", name, description="") if name else None

    def parent(self, key: str | None) -> Body | None:
        parent = catalogue.find_issue(self.world, key) if key else None
        if parent is None:
            return None
        shown = frozenset({"summary", "status", "priority", "issuetype"})
        return {k: v for k, v in self.issue(parent, shown).items() if k != "expand"}

    def sprints_of(self, issue: Issue) -> list[Body] | None:
        found = [
            {"boardId": board.id, **self.sprint_dates(sprint)}
            for board in self.world.boards
            for sprint in board.sprints
            if issue.key in sprint.issue_keys
        ]
        return found or None

    def histories(self, issue: Issue) -> list[Body]:
        """The changelog, oldest first: what the world tells, else the one change that a resolution implies."""
        changes = issue.changes
        if not changes and issue.resolved_at is not None:
            changes = [Change(issue.resolved_at, "status", "In Progress", issue.status, issue.assignee)]
            if issue.resolution:
                changes.append(Change(issue.resolved_at, "resolution", None, issue.resolution, issue.assignee))
        return [self.history(issue, number, change) for number, change in enumerate(changes)]

    def history(self, issue: Issue, number: int, change: Change) -> Body:
        item: Body = {"field": change.field, "fieldtype": "jira", "fieldId": change.field}
        for state, name in (("from", change.before), ("to", change.after)):
            # Cloud sends null for "it was empty", against its own description, which knows strings alone: left out.
            if name is not None:
                item |= {state: catalogue.identifier(name), f"{state}String": name}
        body: Body = {"id": str(issue.id * 100 + number), "created": self.time(change.at), "items": [item]}
        return body | ({"author": self.user(change.author)} if change.author else {})

    def board(self, board: Board) -> Body:
        project = self.world.projects[board.project_key]
        return {
            "id": board.id,
            "self": f"{self.base_url}/rest/agile/1.0/board/{board.id}",
            "name": board.name,
            "type": board.type,
            "location": {
                "projectId": project.id,
                "displayName": f"{project.name} ({project.key})",
                "projectName": project.name,
                "projectKey": project.key,
                "projectTypeKey": "software",
                "name": f"{project.name} ({project.key})",
            },
        }

    def sprint(self, sprint: Sprint, board: Board) -> Body:
        return {
            "self": f"{self.base_url}/rest/agile/1.0/sprint/{sprint.id}",
            "originBoardId": board.id,
            **self.sprint_dates(sprint),
        }

    def sprint_dates(self, sprint: Sprint) -> Body:
        times = {
            "startDate": sprint.starts_at,
            "endDate": sprint.ends_at,
            "completeDate": sprint.completed_at,
        }
        return {
            "id": sprint.id,
            "name": sprint.name,
            "state": sprint.state,
            "goal": sprint.goal,
            **{name: self.agile_time(at) for name, at in times.items() if at is not None},
        }

    @staticmethod
    def agile_time(at: datetime) -> str:
        """The agile API writes UTC with a Z, unlike the platform API."""
        return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


FIELD_BODIES: dict[str, Callable[[Shapes, Issue], Any]] = {
    "summary": lambda shapes, issue: issue.summary,
    "description": lambda shapes, issue: adf(issue.description),
    "project": lambda shapes, issue: shapes.project(shapes.world.projects[issue.project_key]),
    "issuetype": lambda shapes, issue: shapes.issue_type(issue.issue_type),
    "status": lambda shapes, issue: shapes.status(issue.status, issue.status_category),
    "statusCategory": lambda shapes, issue: shapes.status_category(issue.status_category),
    "priority": lambda shapes, issue: shapes.named("priority", issue.priority),
    "resolution": lambda shapes, issue: shapes.resolution(issue.resolution),
    "labels": lambda shapes, issue: issue.labels,
    "assignee": lambda shapes, issue: shapes.user(issue.assignee) if issue.assignee else None,
    "parent": lambda shapes, issue: shapes.parent(issue.parent_key),
    "created": lambda shapes, issue: shapes.time(issue.created_at),
    "updated": lambda shapes, issue: shapes.time(issue.updated_at),
    "resolutiondate": lambda shapes, issue: shapes.time(issue.resolved_at),
    SPRINT_FIELD: lambda shapes, issue: shapes.sprints_of(issue),
}
"""How each field of the issue body is written."""
