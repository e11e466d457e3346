"""`errors stats`: the counts, the document, and what it says to nonsense."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from commands.errors import document
from devsync.domain.errors import ErrorCategory, ErrorSeverity
from devsync.domain.insight.counted import CallCount, ErrorCount
from devsync.domain.insight.span import Span
from devsync.domain.insight.statistics import error_statistics
from devsync.storage.statistics import ErrorGroup
from tests.commands.test_bad_input import starter

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def count(name: str, number: int, **changes: Any) -> ErrorCount:
    values: dict[str, Any] = {
        "since": NOON - timedelta(hours=2),
        "category": ErrorCategory.NETWORK,
        "severity": ErrorSeverity.MEDIUM,
        "service": "github",
        "operation": "collect_repository",
        "fingerprint": name,
        "count": number,
        "message": "github did not answer in time",
    }
    return ErrorCount.model_validate(values | changes)


def group(one: ErrorCount) -> ErrorGroup:
    seen = {"code": "", "teams": 1, "first_seen": one.since, "last_seen": NOON}
    return ErrorGroup.model_validate(one.model_dump() | seen)


def test_the_totals_hold_all_and_the_list_the_most_frequent() -> None:
    counts = [
        count("a", 5),
        count("b", 3, service="jira", operation="collect_project", severity=ErrorSeverity.HIGH),
        count("c", 1, category=ErrorCategory.DATABASE),
    ]
    before = count("a", 2, since=NOON - DAY - timedelta(hours=2))
    tried = [
        CallCount(service="github", operation="collect_repository", calls=60, failures=6),
        CallCount(service="slack", operation="send_part", calls=4, failures=0),
    ]
    found = error_statistics(Span(start=NOON - DAY, end=NOON), [*counts, before], tried)
    printed = document(found, [group(one) for one in counts[:2]], "24h")
    assert (printed["window"], printed["since"], printed["until"]) == ("24h", NOON - DAY, NOON)
    assert (printed["total"], printed["total_before"]) == (9, 2)
    assert printed["by_category"] == {"network": 8, "database": 1}
    assert printed["by_severity"] == {"high": 3, "medium": 6}
    assert printed["by_service"] == {"github": 6, "jira": 3}
    assert printed["by_operation"] == {"github.collect_repository": 6, "jira.collect_project": 3}
    assert printed["by_day"] == {"2026-11-23": 9}
    assert printed["rates"] == [
        {"service": "github", "attempts": 60, "failures": 6, "rate": 0.1},
        {"service": "slack", "attempts": 4, "failures": 0, "rate": 0.0},
    ]
    assert printed["overall"] == {"service": "all", "attempts": 64, "failures": 6, "rate": 6 / 64}
    assert [one["fingerprint"] for one in printed["fingerprints"]] == ["a", "b"]
    assert printed["fingerprints"][0]["severity"] == "medium"


@pytest.mark.parametrize(
    ("window", "message"),
    [
        ("yesterday", "is not a duration"),
        ("0s", "is no time at all"),
        ("9999999d", "begins before the calendar does"),
        ("4000d", "is longer than"),
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
