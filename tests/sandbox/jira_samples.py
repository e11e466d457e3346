"""A small JIRA world whose every answer can be worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime

from sandbox.world import Board, Change, Issue, Person, Project, Sprint, World

ANNA = Person("Anna Berg", "anna", "anna@example.com")
BEN = Person("Ben Ito", "ben", "ben@example.com")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def at(day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, second, tzinfo=UTC)


def issue(number: int, project: str = "CORE", **more: object) -> Issue:
    values: dict[str, object] = {
        "id": (10_000 if project == "CORE" else 20_000) + number,
        "key": f"{project}-{number}",
        "summary": f"Issue {number} of {project}",
        "issue_type": "Task",
        "status": "To Do",
        "status_category": "new",
        "created_at": at(1, 9),
        "updated_at": at(1, 9),
    }
    return Issue(**(values | more))  # type: ignore[arg-type]


def done(number: int, resolved_at: datetime, project: str = "CORE", **more: object) -> Issue:
    fixed: dict[str, object] = {
        "status": "Done",
        "status_category": "done",
        "resolution": "Done",
        "resolved_at": resolved_at,
        "updated_at": resolved_at,
    }
    return issue(number, project, **(fixed | more))


def small_world() -> World:
    core = Project(
        1,
        "CORE",
        "Core Platform",
        [
            done(1, at(16, 0, 0), summary="Fix the login screen", issue_type="Bug", labels=["security", "Web"]),
            done(2, at(15, 23, 59), issue_type="Story", assignee=ANNA, priority="High"),
            issue(
                3,
                status="In Progress",
                status_category="indeterminate",
                assignee=BEN,
                labels=["web"],
                description="First line\nsecond line\n\nNext <paragraph>",
                updated_at=at(20, 8),
                changes=[
                    Change(at(2), "status", "To Do", "In Progress", BEN),
                    Change(at(3), "assignee", None, "Ben Ito", None),
                ],
            ),
            issue(10, issue_type="Epic", created_at=at(2)),
            done(11, at(22, 23, 0, 30), parent_key="CORE-10", resolution="Won't Do"),
        ],
    )
    do = Project(2, "DO", "Delivery Office", [issue(1, "DO"), done(2, at(17, 10), "DO")])
    sprint = Sprint(7, "Core 7", "active", at(16), at(30), None, "Ship the login", ["CORE-1", "CORE-3"])
    old = Sprint(6, "Core 6", "closed", at(2), at(16), at(16), "", ["CORE-2"])
    return World(projects={"CORE": core, "DO": do}, boards=[Board(3, "Core board", "CORE", [old, sprint])])
