"""Worlds from real commit histories: one gzip-compressed JSON-lines file a repository, named `owner__name.jsonl.gz`.

The files are read where they lie and never copied: their texts belong to their projects.
"""

from __future__ import annotations

import gzip
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sandbox.world import Commit, Issue, Person, Project, Repository, TeamSpec, World
from sandbox.worlds.commits import repository_of

ALL = "all"
_SUFFIX = ".jsonl.gz"
_PROJECTS = {"calcite": "CALCITE", "zookeeper": "ZOOKEEPER"}
"""Which JIRA project a repository's keys belong to; elsewhere what looks like a key (UTF-8, CVE-…) is none."""

_WISHES = frozenset({
    "accept", "add", "added", "adds", "allow", "apply", "better", "broaden", "cache", "communicate", "create",
    "disable", "disallow", "enable", "enforce", "enhance", "enrich", "exit", "export", "extend", "generate",
    "honor", "implement", "improve", "include", "increase", "infer", "introduce", "limit", "make", "match",
    "modernize", "new", "optimize", "pass", "preserve", "print", "provide", "push", "quote", "record", "redact",
    "reduce", "secure", "simplify", "speed", "support", "tune", "use",
})  # fmt: skip
_CHORES = frozenset({
    "bump", "clean", "cleanup", "convert", "decouple", "delegate", "delete", "deprecate", "document", "drop",
    "extract", "included", "migrate", "move", "port", "raise", "refactor", "release", "remove", "removing",
    "rename", "replace", "review", "rework", "suppress", "test", "tests", "unify", "update", "upgrade", "verify",
})  # fmt: skip
_WISH_INSIDE = re.compile(r"\bshould (?:support|allow|have|be able)\b")


class UnknownHistory(ValueError):
    """The directory has no history of that team."""


def history_teams(directory: Path) -> list[str]:
    """The teams that `history_world` knows: the part of each file name after `__`, and `all`."""
    names = sorted(_name(path) for path in directory.glob(f"*__*{_SUFFIX}"))
    return [*names, ALL] if names else []


def history_world(directory: Path, team: str, *, week: str | None = None) -> World:
    """The team's repository (`all`: every one), its weeks in UTC; without `week` that of the newest commit.

    JIRA knows every key that the subjects name: resolved when the first commit with it landed, or open again where
    only a revert is known; of the type that its reporter would have chosen (`_issue_type`). Raises UnknownHistory.
    """
    known = history_teams(directory)
    if team not in known:
        raise UnknownHistory(f'{directory} has no history "{team}"; it has: {", ".join(known) or "none"}')
    world = World(week=week or "")
    spec = TeamSpec(team=team, timezone="UTC", repositories=[], projects=[], slack_channels=[team])
    for position, path in enumerate(sorted(directory.glob(f"*__*{_SUFFIX}"))):
        if team not in (ALL, _name(path)):
            continue
        repository = _repository(700_000 + position, path)
        world.repositories[repository.full_name] = repository
        spec.repositories.append(repository.full_name)
        key = _PROJECTS.get(repository.name)
        if key is not None:
            world.projects[key] = _project(10_000 + position, key, repository)
            spec.projects.append(key)
    world.teams, world.slack_channels = [spec], [team]
    world.week = week or _newest_week(world)
    return world


def _name(path: Path) -> str:
    return path.name.removesuffix(_SUFFIX).partition("__")[2]


def _repository(repository_id: int, path: Path) -> Repository:
    owner, _, name = path.name.removesuffix(_SUFFIX).partition("__")
    people: dict[str, Person] = {}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        commits = [_commit(json.loads(line), people) for line in lines]
    return repository_of(repository_id, owner, name, commits)


def _commit(entry: dict[str, object], people: dict[str, Person]) -> Commit:
    pseudonym = str(entry["author"])
    person = people.get(pseudonym)
    if person is None:
        email = f"{pseudonym}@users.example"
        person = people[pseudonym] = Person(pseudonym, pseudonym, email, is_bot=bool(entry["bot"]))
    parents = entry["parents"]
    body = str(entry["body"])
    return Commit(
        sha=str(entry["sha"]),
        message=f"{entry['subject']}\n\n{body}" if body else str(entry["subject"]),
        author=person,
        authored_at=_instant(entry["authored_at"]),
        committed_at=_instant(entry["committed_at"]),
        parents=[str(parent) for parent in parents] if isinstance(parents, list) else [],
    )


def _instant(text: object) -> datetime:
    return datetime.fromisoformat(str(text)).astimezone(UTC)


def _project(project_id: int, key: str, repository: Repository) -> Project:
    issues: dict[str, Issue] = {}
    pattern = re.compile(rf"\b{key}-\d+\b")
    for commit in reversed(repository.commits):
        subject = commit.message.partition("\n")[0]
        for issue_key in pattern.findall(subject):
            known = issues.get(issue_key)
            if known is None or (known.resolved_at is None and not subject.startswith("Revert ")):
                issues[issue_key] = _issue(issue_key, subject, commit)
    in_order = sorted(issues.values(), key=lambda issue: issue.id)
    return Project(id=project_id, key=key, name=key.capitalize(), issues=in_order)


def _issue(key: str, subject: str, commit: Commit) -> Issue:
    is_resolved = not subject.startswith("Revert ")
    created_at = min(commit.authored_at, commit.committed_at) - timedelta(days=7)
    summary = _summary(subject, key)
    return Issue(
        id=int(key.rpartition("-")[2]),
        key=key,
        summary=summary,
        issue_type=_issue_type(summary),
        status="Resolved" if is_resolved else "Reopened",
        status_category="done" if is_resolved else "new",
        created_at=created_at,
        updated_at=commit.committed_at,
        resolved_at=commit.committed_at if is_resolved else None,
        resolution="Fixed" if is_resolved else None,
        assignee=commit.author,
    )


def _summary(subject: str, key: str) -> str:
    """The subject without its key and pull request number: `[KEY-1] Text (#2)` and `KEY-1: Text` give `Text`."""
    without_key = re.sub(rf"\[?\b{key}\b\]?[:.]?\s*", "", subject, count=1)
    return re.sub(r"\s*\(#\d+\)$", "", without_key).strip() or subject


def _issue_type(summary: str) -> str:
    """What a reporter files a summary as, as far as its words tell.

    The histories have no issue types, but their projects' tracker is worded by habit: who wants something says what
    to do ("Support ORDER BY ALL"), who found a fault states it ("ARRAY_INSERT crashes in code generation").
    """
    first_word = summary.partition(" ")[0].rstrip(":,.").lower()
    if first_word in _CHORES:
        return "Task"
    if first_word in _WISHES or _WISH_INSIDE.search(summary):
        return "Improvement"
    return "Bug"


def _newest_week(world: World) -> str:
    newest = max(commit.committed_at for repository in world.repositories.values() for commit in repository.commits)
    year, week, _ = newest.isocalendar()
    return f"{year:04d}-W{week:02d}"
