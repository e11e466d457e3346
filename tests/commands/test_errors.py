"""`errors stats`: the counts, the document, and what it says to nonsense."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from commands.errors import document
from devsync.domain.errors import ErrorCategory, ErrorSeverity
from devsync.storage.errors import ErrorGroup
from tests.commands.test_bad_input import starter

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def group(name: str, count: int, **changes: Any) -> ErrorGroup:
    values: dict[str, Any] = {
        "fingerprint": name,
        "category": ErrorCategory.NETWORK,
        "service": "github",
        "operation": "collect_repository",
        "code": "timeout",
        "severity": ErrorSeverity.MEDIUM,
        "count": count,
        "teams": 1,
        "first_seen": NOON - timedelta(hours=2),
        "last_seen": NOON,
        "message": "github did not answer in time",
    }
    return ErrorGroup.model_validate(values | changes)


def test_the_totals_hold_all_and_the_list_the_most_frequent() -> None:
    groups = [group("a", 5), group("b", 3, service="jira"), group("c", 1, category=ErrorCategory.DATABASE)]
    printed = document(groups, "24h", NOON - DAY, NOON, limit=2)
    assert (printed["window"], printed["since"], printed["total"]) == ("24h", NOON - DAY, 9)
    assert printed["by_category"] == {"network": 8, "database": 1}
    assert printed["by_service"] == {"github": 6, "jira": 3}
    assert [one["fingerprint"] for one in printed["fingerprints"]] == ["a", "b"]
    assert printed["fingerprints"][0]["severity"] == "medium"


@pytest.mark.parametrize(
    ("window", "message"),
    [
        ("yesterday", "is not a duration"),
        ("0s", "is no time at all"),
        ("9999999d", "begins before the calendar does"),
    ],
)
async def test_a_window_that_is_none_is_refused_with_the_cure(tmp_path: Path, window: str, message: str) -> None:
    code, output, told = await starter(tmp_path, "errors", "stats", "--window", window, "--json")
    assert (code, message in told) == (2, True), told
    assert message in json.loads(output)["error"]


async def test_without_a_database_it_says_what_to_set(tmp_path: Path) -> None:
    code, _, told = await starter(tmp_path, "errors", "stats")
    assert code == 1
    assert "DATABASE_URL is not set" in told
