"""Real commit histories as collected data, read from the shared folder beside the project."""

from __future__ import annotations

import gzip
import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from devsync.domain.changelog.collected import (
    Author,
    Commit,
    JiraIssue,
    ProjectData,
    PullRequest,
    RepositoryData,
)
from devsync.domain.changelog.composition import CompositionInput, ProjectUnit, RepositoryUnit
from devsync.domain.changelog.window import week_window

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "history"

_NUMBER = re.compile(r"\(#(\d+)\)$")
_KEY = re.compile(r"\b(CALCITE|ZOOKEEPER)-[1-9]\d*\b")


def rows(name: str) -> list[dict[str, Any]]:
    """The lines of `<owner>__<name>.jsonl.gz`, newest first; skips the test where the data is not at hand."""
    path = FOLDER / f"{name}.jsonl.gz"
    if not path.exists():
        pytest.skip(f"{path.name}: the shared histories are not beside the project")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def message_of(row: dict[str, Any]) -> str:
    return f"{row['subject']}\n\n{row['body']}" if row["body"] else str(row["subject"])


def week_of(name: str, iso_week: str) -> CompositionInput:
    """One repository as GitHub would tell it: `(#n)` at the end of a subject is a squash-merged pull request, and
    a JIRA key an issue resolved with the commit. The data is not cut to the week: composition does that."""
    repository = name.replace("__", "/")
    commits, pulls, issues = [], {}, {}
    for row in rows(name):
        author = Author(
            name=row["author"],
            login=row["author"],
            email=f"{row['author']}@users.example",
            is_bot=row["bot"],
        )
        committed_at = datetime.fromisoformat(row["committed_at"])
        commits.append(
            Commit(
                sha=row["sha"],
                message=message_of(row),
                author=author,
                authored_at=datetime.fromisoformat(row["authored_at"]),
                committed_at=committed_at,
                parents=tuple(row["parents"]),
            )
        )
        number = _NUMBER.search(row["subject"])
        if number is not None:
            pulls[int(number[1])] = PullRequest(
                number=int(number[1]),
                title=row["subject"][: number.start()].rstrip(),
                body=row["body"],
                author=author,
                created_at=committed_at,
                merged_at=committed_at,
                merge_commit_sha=row["sha"],
            )
        key = _KEY.search(row["subject"])
        if key is not None:
            issues[key[0]] = JiraIssue(
                key=key[0], summary=row["subject"], created_at=committed_at, resolved_at=committed_at
            )
    projects = sorted({key.partition("-")[0] for key in issues})
    return CompositionInput(
        team="eng",
        iso_week=iso_week,
        window=week_window(iso_week, "UTC"),
        repositories=(
            RepositoryUnit(
                data=RepositoryData(repository=repository, commits=tuple(commits), pull_requests=tuple(pulls.values()))
            ),
        ),
        projects=tuple(
            ProjectUnit(
                data=ProjectData(
                    project=project,
                    issues=tuple(issue for key, issue in issues.items() if key.startswith(f"{project}-")),
                )
            )
            for project in projects
        ),
        units_asked=(f"github:{repository}", *(f"jira:{project}" for project in projects)),
    )
