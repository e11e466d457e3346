"""Which values exist on this site: JIRA refuses a JQL value that no project, status or person has."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from typing import Final

from sandbox.jira.fields import SPRINT_FIELD
from sandbox.world import Issue, Person, Sprint, World

STATUS_CATEGORIES: Final = {
    "new": (2, "To Do", "blue-gray"),
    "indeterminate": (4, "In Progress", "yellow"),
    "done": (3, "Done", "green"),
}
"""Key: id, name, colour. Fixed on every Cloud site."""

DEFAULTS: Final = {
    "status": ("To Do", "In Progress", "In Review", "Done"),
    "issuetype": ("Epic", "Story", "Task", "Bug", "Sub-task"),
    "priority": ("Highest", "High", "Medium", "Low", "Lowest"),
    "resolution": ("Done", "Won't Do", "Duplicate", "Cannot Reproduce"),
}
"""What a fresh site has, in the order of the site's lists."""

UNRESOLVED: Final = "unresolved"
"""The JQL word for an empty resolution."""


def identifier(name: str) -> str:
    """A number for a status, type, priority or resolution, the same in every run."""
    return str(10_000 + zlib.crc32(name.casefold().encode()) % 89_999)


def account_id(email: str) -> str:
    """A Cloud account id, which names no one, as since Atlassian's privacy change of 2019."""
    return hashlib.sha256(email.casefold().encode()).hexdigest()[:24]


def issues(world: World) -> Iterator[Issue]:
    for project in world.projects.values():
        yield from project.issues


def find_issue(world: World, key_or_id: str) -> Issue | None:
    project = world.projects.get(key_or_id.upper().rpartition("-")[0])
    if project is not None:
        return next((i for i in project.issues if i.key == key_or_id.upper()), None)
    if key_or_id.isdecimal():
        return next((i for i in issues(world) if i.id == int(key_or_id)), None)
    return None


def sprints(world: World) -> Iterator[Sprint]:
    for board in world.boards:
        yield from board.sprints


def people(world: World) -> Iterator[Person]:
    for issue in issues(world):
        if issue.assignee is not None:
            yield issue.assignee


def names(world: World, field_id: str) -> list[str]:
    """Statuses, types, priorities or resolutions of the site: the defaults, then what issues bring."""
    found = dict.fromkeys(DEFAULTS[field_id])
    attribute = {"issuetype": "issue_type"}.get(field_id, field_id)
    for issue in issues(world):
        name = getattr(issue, attribute)
        if name is not None:
            found.setdefault(name)
    return list(found)


def aliases(world: World, field_id: str) -> dict[str, str] | None:
    """What JQL may write for each value of a field: alias in folded case → the value as `values` gives it.

    None: the field takes any text (labels).
    """
    rows: Iterable[tuple[str, ...]]
    match field_id:
        case "labels":
            return None
        case "project":
            rows = ((key, p.name, str(p.id)) for key, p in world.projects.items())
        case "statusCategory":
            rows = ((key, name, str(number)) for key, (number, name, _) in STATUS_CATEGORIES.items())
        case "assignee":
            rows = ((account_id(p.email), p.email, p.name) for p in people(world))
        case "parent":
            rows = ((issue.key, str(issue.id)) for issue in issues(world))
        case _ if field_id == SPRINT_FIELD:
            rows = ((str(sprint.id), sprint.name) for sprint in sprints(world))
        case _:
            rows = ((name, identifier(name)) for name in names(world, field_id))
    return {alias.casefold(): row[0].casefold() for row in rows for alias in row}


def sprints_by_issue(world: World) -> dict[str, list[Sprint]]:
    by_issue: dict[str, list[Sprint]] = {}
    for sprint in sprints(world):
        for key in sprint.issue_keys:
            by_issue.setdefault(key, []).append(sprint)
    return by_issue
